package uprobes

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// mmSeqcountFinder is B1, find_active_uprobe_speculative of 6.14 (section
// 5.1): everything read between the two looks at mm_lock_seq may be garbage
// and is only compared, until the second look says that nobody held mmap_lock
// for writing.
type mmSeqcountFinder struct{}

func (mmSeqcountFinder) find(c *sim.CPU, u *Uprobes, m *mm.MM, vaddr uint64) sim.Ptr {
	u.b.RCU.ReadLock(c)
	p := speculateMM(c, u, m, vaddr)
	u.b.RCU.ReadUnlock(c)
	return p
}

func speculateMM(c *sim.CPU, u *Uprobes, m *mm.MM, vaddr uint64) sim.Ptr {
	seq, ok := m.SpeculateTryBegin(c)
	if !ok {
		return sim.Ptr{}
	}
	vma := m.VMALookup(c, vaddr)
	if vma.IsNull() {
		return sim.Ptr{}
	}
	v := u.sys.VMA(vma)
	file := v.UnpinnedFile(c)
	if file.IsNull() {
		return sim.Ptr{}
	}
	offset := offsetIn(c, v, vaddr)
	p := u.findUprobe(c, file.Inode(c), offset, inAtomic)
	if !p.IsNull() && m.SpeculateRetry(c, seq) {
		u.drop(c, p)
		return sim.Ptr{}
	}
	return p
}
