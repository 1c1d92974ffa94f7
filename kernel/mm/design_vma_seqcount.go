package mm

import "mmsim/sim"

// vmaSeqcount is definition G1 of section 2g on the kernel of 6.4.8: the stamp
// of the VMA serves lockless readers as a sequence number, for the price of a
// store fence behind it.
type vmaSeqcount struct{ vmaRWSem }

func (vmaSeqcount) startWrite(c *sim.CPU, m *MM, vma sim.Ptr) {
	seq, locked := m.isWriteLocked(c, vma)
	if locked {
		return
	}
	c.Count(vmaWriteLocks, 1)
	l := m.vmaLock(c, vma)
	l.DownWrite(c)
	m.stamp(c, vma, seq)
	prev := c.Step(stepVMAFence)
	if !c.Breaks(breakStampWMB) {
		stampBarrier(c)
	}
	c.Step(prev)
	l.UpWrite(c)
}

// stampBarrier keeps changes of the VMA behind its stamp: the release of
// up_write does not (uprobes.md section 9, B3).
func stampBarrier(c *sim.CPU) { c.SmpWMB() }

// SpeculateVMABegin starts a validated read of a VMA that was found under RCU.
// It fails if the VMA is write-locked, detached or of another mm. Designs
// VMASeqcount and VMASeqcountOwn only.
func (m *MM) SpeculateVMABegin(c *sim.CPU, vma sim.Ptr) (seq uint64, ok bool) {
	if m.s.design == VMASeqcountOwn {
		return m.ownSeqBegin(c, vma)
	}
	return m.stampBegin(c, vma)
}

// SpeculateVMARetry ends the read: true if the VMA was write-locked since
// SpeculateVMABegin or belongs to another mm now.
func (m *MM) SpeculateVMARetry(c *sim.CPU, vma sim.Ptr, seq uint64) bool {
	switch {
	case c.Breaks(breakVMARecheck):
		return false
	case !c.Breaks(breakVMAReaderRMB):
		recheckBarrier(c)
	}
	if m.s.design == VMASeqcountOwn {
		return m.ownSeqChanged(c, vma, seq)
	}
	return m.stampChanged(c, vma, seq)
}

// stampBegin has the order of its first two loads for a reason: the other way
// round, the VMA could be unlocked and locked again between them. vm_mm is
// compared on both sides because every mm counts its stamps from 0; detached is
// tested because the free path writes vm_rcu over vm_start without a new stamp.
func (m *MM) stampBegin(c *sim.CPU, vma sim.Ptr) (seq uint64, ok bool) {
	f := &m.s.vf
	if c.Breaks(breakLoadOrder) {
		now := c.LoadAcquire(m.seq)
		if seq = c.LoadAcquire(vma.F(f.lockSeq)); seq == now {
			return seq, false
		}
	} else if seq = c.LoadAcquire(vma.F(f.lockSeq)); c.LoadAcquire(m.seq) == seq {
		return seq, false
	}
	if c.Load(vma.F(f.mm)) != uint64(m.at.A) {
		return seq, false
	}
	return seq, c.Breaks(breakDetached) || c.Load(vma.F(f.detached)) == 0
}

func (m *MM) stampChanged(c *sim.CPU, vma sim.Ptr, seq uint64) bool {
	return c.Load(vma.F(m.s.vf.lockSeq)) != seq || c.Load(vma.F(m.s.vf.mm)) != uint64(m.at.A)
}

// recheckBarrier keeps the loads of the VMA before the second look at its
// stamp.
func recheckBarrier(c *sim.CPU) { c.SmpRMB() }
