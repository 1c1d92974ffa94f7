package mm

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// vmaRWSem is sections 2b and 2c: VMAs are stamped under their rwsem, a
// separate object; mm_lock_seq moves once, with release, when mmap_lock is let
// go. VMAs are freed by RCU.
type vmaRWSem struct{}

func (vmaRWSem) perVMA() bool                { return true }
func (vmaRWSem) initMM(*sim.CPU, *MM)        {}
func (vmaRWSem) locked(*sim.CPU, *MM)        {}
func (vmaRWSem) unlocking(c *sim.CPU, m *MM) { endWriteAllRelease(c, m) }

func (vmaRWSem) initVMA(c *sim.CPU, m *MM, vma sim.Ptr) {
	f := &m.s.vf
	lock := m.s.locks.Alloc(c)
	m.s.b.RWSems.At(lock, f.rwsem).Init(c)
	c.Store(vma.F(f.lock), uint64(lock.A))
	m.stamp(c, vma, m.s.neverLocked())
}

func (vmaRWSem) startWrite(c *sim.CPU, m *MM, vma sim.Ptr) {
	if seq, locked := m.isWriteLocked(c, vma); !locked {
		m.stampUnderRWSem(c, vma, seq)
	}
}

// stampUnderRWSem is the body of vma_start_write: the rwsem is held for the
// stamp alone, and lets it wait for readers that are inside.
func (m *MM) stampUnderRWSem(c *sim.CPU, vma sim.Ptr, seq uint64) {
	c.Count(vmaWriteLocks, 1)
	l := m.vmaLock(c, vma)
	l.DownWrite(c)
	m.stamp(c, vma, seq)
	l.UpWrite(c)
}

func (vmaRWSem) attach(*sim.CPU, *MM, sim.Ptr) {}

// detach is vma_mark_detached of 6.4 to 6.14, a plain store.
func (vmaRWSem) detach(c *sim.CPU, m *MM, vma sim.Ptr) { c.Store(vma.F(m.s.vf.detached), 1) }

// free is vm_area_free: after a grace period. vm_rcu lies over vm_start and
// vm_end.
func (vmaRWSem) free(c *sim.CPU, s *System, vma sim.Ptr) {
	if c.Breaks(breakSeqReset) {
		c.Store(vma.F(s.vf.lockSeq), s.neverLocked())
	}
	if c.Breaks(breakFreeRCU) {
		s.freeVMARCU(c, vma)
		return
	}
	s.b.RCU.CallRCU(c, vma, s.freeVMACb)
}

func (s *System) freeVMARCU(c *sim.CPU, vma sim.Ptr) {
	lock := c.LoadPtr(vma.F(s.vf.lock))
	s.poisonObject(c, lock, s.l.VMALock)
	s.locks.Free(c, lock)
	s.poisonObject(c, vma, s.l.VMA)
	s.vmas.Free(c, vma)
}

// endWriteAllRelease is vma_end_write_all of 6.4.8 to 6.13: all VMA write
// locks end with one release store, which pairs with the acquire in
// vma_start_read.
func endWriteAllRelease(c *sim.CPU, m *MM) { c.StoreRelease(m.seq, m.s.nextSeq(c.Load(m.seq))) }

// vmaLock follows vma->vm_lock.
func (m *MM) vmaLock(c *sim.CPU, vma sim.Ptr) locking.RWSem {
	return m.s.b.RWSems.At(c.LoadPtr(vma.F(m.s.vf.lock)), m.s.vf.rwsem)
}

// startReadRWSem is vma_start_read of 6.4.8: a cheap look first, then the lock,
// then the look that counts. The acquire pairs with the release that ends a
// write section.
func (m *MM) startReadRWSem(c *sim.CPU, vma sim.Ptr) bool {
	f := &m.s.vf
	if stamp := c.Load(vma.F(f.lockSeq)); stamp == c.Load(m.seqThrough(c, vma)) {
		return false
	}
	l := m.vmaLock(c, vma)
	if !l.DownReadTrylock(c) {
		return false
	}
	if stamp := c.Load(vma.F(f.lockSeq)); stamp == c.LoadAcquire(m.seqThrough(c, vma)) && !c.Breaks(breakStampCheck) {
		l.UpRead(c)
		return false
	}
	return true
}

// seqThrough is vma->vm_mm->mm_lock_seq, as readers of 6.4 to 6.14 find it.
func (m *MM) seqThrough(c *sim.CPU, vma sim.Ptr) sim.Ref {
	return c.LoadPtr(vma.F(m.s.vf.mm)).F(m.s.mf.mmLockSeq)
}

// lockVMA is lock_vma_under_rcu of 6.4.8 without its tests for anonymous
// memory.
func (vmaRWSem) lockVMA(c *sim.CPU, m *MM, addr uint64) (vma sim.Ptr, ok bool) {
	m.s.b.RCU.ReadLock(c)
	vma, ok = m.lockRWSem(c, addr)
	m.s.b.RCU.ReadUnlock(c)
	return vma, ok
}

// lockRWSem is lock_vma_under_rcu inside its read section.
func (m *MM) lockRWSem(c *sim.CPU, addr uint64) (vma sim.Ptr, ok bool) {
	f := &m.s.vf
	for {
		vma = m.tree.Walk(c, addr).Entry
		if vma.IsNull() || !m.startReadRWSem(c, vma) {
			return vma, false
		}
		if !m.covers(c, vma, addr) {
			m.vmaLock(c, vma).UpRead(c)
			return vma, false
		}
		if c.Load(vma.F(f.detached)) == 0 || c.Breaks(breakDetached) {
			return vma, true
		}
		m.vmaLock(c, vma).UpRead(c)
		c.Count(retries, 1)
	}
}

// endRead keeps the lock object by RCU: the VMA's owner may free it as soon as
// the count drops.
func (vmaRWSem) endRead(c *sim.CPU, m *MM, vma sim.Ptr) {
	m.s.b.RCU.ReadLock(c)
	m.vmaLock(c, vma).UpRead(c)
	m.s.b.RCU.ReadUnlock(c)
}
