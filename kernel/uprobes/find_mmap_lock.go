package uprobes

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// findLocked is B0, the 6.13 form and everybody's fallback (sections 2 and 4):
// the VMA and its file are found and used under mmap_lock for reading.
// Where there is none, isTrap says whether the breakpoint is still there; where
// nothing is mapped any more the instruction runs again, and faults.
func (u *Uprobes) findLocked(c *sim.CPU, m *mm.MM, vaddr uint64) (p sim.Ptr, isTrap bool) {
	m.ReadLock(c)
	if vma := m.VMALookup(c, vaddr); !vma.IsNull() {
		v := u.sys.VMA(vma)
		if file, ok := validVMA(c, v, 0); ok {
			inode := u.sys.FileInode(c, file)
			p = u.findUprobe(c, inode, offsetIn(c, v, vaddr), mayAwait)
		}
		isTrap = p.IsNull() && u.isTrapAt(c, m, vaddr)
	}
	if p.IsNull() && c.TestAndClearBit(u.sys.Flags(m.Ptr()), mm.MMFRecalcUprobes) {
		u.recalc(c, m)
	}
	m.ReadUnlock(c)
	return p, isTrap
}

// validVMA is valid_vma: a private file mapping that may be executed, and that
// has none of the further flags (VM_WRITE, for one that gets its breakpoints).
func validVMA(c *sim.CPU, v mm.VMA, without mm.VMFlags) (file sim.Ptr, ok bool) {
	file = v.File(c)
	if file.IsNull() {
		return file, false
	}
	return file, v.Flags(c)&(mm.VMHugeTLB|mm.VMMayExec|mm.VMMayShare|without) == mm.VMMayExec
}
