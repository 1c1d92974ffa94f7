package mm

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// vmaSeqcountOwn is definition G2 of section 2g on the kernel of 6.4.8: a real
// seqcount in the VMA, vm_sequence, beside the stamp that lockers use. The mm
// keeps a list of the VMAs locked in this write section, to make their numbers
// even again when mmap_lock is let go. One store fence before the first of
// those stores serves them all.
//
// A detached VMA leaves the list and stays odd for ever, so a reader needs only
// the VMA's line: neither mm_lock_seq nor detached nor vm_mm, since the VMA is
// freed by RCU and cannot become another one while a reader looks. The sheet
// leaves open where the list is; here it is a list_head each in mm_struct and
// in the VMA.
type vmaSeqcountOwn struct{ vmaRWSem }

func (vmaSeqcountOwn) initMM(c *sim.CPU, m *MM) { list.Init(c, m.lockedVMAs()) }

func (w vmaSeqcountOwn) initVMA(c *sim.CPU, m *MM, vma sim.Ptr) {
	w.vmaRWSem.initVMA(c, m, vma)
	c.Store(vma.F(m.s.vf.sequence), 0)
}

func (vmaSeqcountOwn) startWrite(c *sim.CPU, m *MM, vma sim.Ptr) {
	seq, locked := m.isWriteLocked(c, vma)
	if locked {
		return
	}
	m.stampUnderRWSem(c, vma, seq)
	prev := c.Step(stepVMAFence)
	list.AddTail(c, m.lockedNode(vma), m.lockedVMAs())
	m.bumpOwnSeq(c, vma)
	if !c.Breaks(breakOwnBeginWMB) {
		stampBarrier(c)
	}
	c.Step(prev)
}

func (w vmaSeqcountOwn) detach(c *sim.CPU, m *MM, vma sim.Ptr) {
	w.vmaRWSem.detach(c, m, vma)
	list.Del(c, m.lockedNode(vma))
}

func (w vmaSeqcountOwn) unlocking(c *sim.CPU, m *MM) {
	prev := c.Step(stepVMAFence)
	head := m.lockedVMAs()
	if !list.Empty(c, head) {
		if !c.Breaks(breakOwnEndWMB) {
			writeEndBarrier(c)
		}
		for n := list.First(c, head); n.A != head.A; {
			next := list.Next(c, n)
			m.bumpOwnSeq(c, m.vmaOfNode(n))
			n = next
		}
		list.Init(c, head)
	}
	c.Step(prev)
	w.vmaRWSem.unlocking(c, m)
}

func (m *MM) bumpOwnSeq(c *sim.CPU, vma sim.Ptr) {
	r := vma.F(m.s.vf.sequence)
	c.Store(r, m.s.nextSeq(c.Load(r)))
}

// lockedVMAs is the head of the list of write-locked VMAs; lockedNode is a
// VMA's place in it, and vmaOfNode the way back.
func (m *MM) lockedVMAs() sim.Ptr { return m.at.Add(uint64(m.s.mf.vmaLocked.Off)) }

func (m *MM) lockedNode(vma sim.Ptr) sim.Ptr { return vma.Add(uint64(m.s.vf.locked.Off)) }

func (m *MM) vmaOfNode(n sim.Ptr) sim.Ptr {
	return sim.Ptr{A: n.A - sim.Addr(m.s.vf.locked.Off), D: n.D}
}

func (m *MM) ownSeqBegin(c *sim.CPU, vma sim.Ptr) (seq uint64, ok bool) {
	seq = c.LoadAcquire(vma.F(m.s.vf.sequence))
	return seq, seq&1 == 0
}

func (m *MM) ownSeqChanged(c *sim.CPU, vma sim.Ptr, seq uint64) bool {
	return c.Load(vma.F(m.s.vf.sequence)) != seq
}
