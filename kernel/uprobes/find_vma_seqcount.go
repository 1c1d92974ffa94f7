package uprobes

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// vmaSeqcountFinder is B3, definition G1 of vma-locking-and-fork.md section
// 2g: like B1, but against the stamp of the VMA alone. Changes elsewhere do
// not disturb it. The walk is outside the validated section, so the range is
// tested inside; and that a VMA was not found proves nothing.
type vmaSeqcountFinder struct{}

func (vmaSeqcountFinder) find(c *sim.CPU, u *Uprobes, m *mm.MM, vaddr uint64) sim.Ptr {
	u.b.RCU.ReadLock(c)
	p := speculateVMA(c, u, m, vaddr)
	u.b.RCU.ReadUnlock(c)
	return p
}

func speculateVMA(c *sim.CPU, u *Uprobes, m *mm.MM, vaddr uint64) sim.Ptr {
	vma := m.VMALookup(c, vaddr)
	if vma.IsNull() {
		return sim.Ptr{}
	}
	seq, ok := m.SpeculateVMABegin(c, vma)
	if !ok {
		return sim.Ptr{}
	}
	v := u.sys.VMA(vma)
	if vaddr < v.Start(c) || vaddr >= v.End(c) {
		return sim.Ptr{}
	}
	file := v.UnpinnedFile(c)
	if file.IsNull() {
		return sim.Ptr{}
	}
	offset := offsetIn(c, v, vaddr)
	p := u.findUprobe(c, file.Inode(c), offset, inAtomic)
	if !p.IsNull() && m.SpeculateVMARetry(c, vma, seq) {
		u.drop(c, p)
		return sim.Ptr{}
	}
	return p
}
