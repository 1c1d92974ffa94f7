package uprobes

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// findLocked is B0, the 6.13 form and everybody's fallback (sections 2 and 4):
// the VMA and its file are found and used under mmap_lock for reading.
func (u *Uprobes) findLocked(c *sim.CPU, m *mm.MM, vaddr uint64) (p sim.Ptr, isTrap bool) {
	m.ReadLock(c)
	if vma := m.VMALookup(c, vaddr); !vma.IsNull() {
		v := u.sys.VMA(vma)
		if file, ok := validVMA(c, v); ok {
			inode := u.sys.FileInode(c, file)
			p = u.findUprobe(c, inode, offsetIn(c, v, vaddr), mayAwait)
		}
		isTrap = p.IsNull() && u.isTrapAt(c, m, vaddr)
	}
	m.ReadUnlock(c)
	return p, isTrap
}

// validVMA is valid_vma for a hit: a private file mapping that may be executed.
func validVMA(c *sim.CPU, v mm.VMA) (file sim.Ptr, ok bool) {
	file = v.File(c)
	if file.IsNull() {
		return file, false
	}
	return file, v.Flags(c)&(mm.VMHugeTLB|mm.VMMayExec|mm.VMMayShare) == mm.VMMayExec
}
