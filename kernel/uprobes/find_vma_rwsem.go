package uprobes

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// vmaRWSemFinder is B2: the VMA is read-locked, which keeps it, its file and
// the file's inode as they are.
type vmaRWSemFinder struct{}

func (vmaRWSemFinder) find(c *sim.CPU, u *Uprobes, m *mm.MM, vaddr uint64) (p sim.Ptr) {
	vma, ok := m.LockVMAUnderRCU(c, vaddr)
	if !ok {
		return p
	}
	v := u.sys.VMA(vma)
	if file := v.File(c); !file.IsNull() {
		offset := offsetIn(c, v, vaddr)
		p = u.findUprobe(c, u.sys.FileInode(c, file), offset, mayAwait)
	}
	m.VMAEndRead(c, vma)
	return p
}
