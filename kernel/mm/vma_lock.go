package mm

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

var retries = sim.NewCounter("retries")

// vmaLock follows vma->vm_lock.
func (m *MM) vmaLock(c *sim.CPU, vma sim.Ptr) locking.RWSem {
	return m.s.b.RWSems.At(c.LoadPtr(vma.F(m.s.vf.lock)), m.s.vf.rwsem)
}

// isWriteLocked is __is_vma_write_locked: the VMA bears the stamp of this
// write section. It returns the number to stamp with.
func (m *MM) isWriteLocked(c *sim.CPU, vma sim.Ptr) (seq uint64, locked bool) {
	stamp := c.Load(vma.F(m.s.vf.lockSeq))
	seq = c.Load(m.seq)
	return seq, stamp == seq
}

func (m *MM) stamp(c *sim.CPU, vma sim.Ptr, seq uint64) { c.Store(vma.F(m.s.vf.lockSeq), seq) }

// vmaStartRead is vma_start_read of 6.4.8: a cheap look first, then the lock,
// then the look that counts. The acquire pairs with the release that ends a
// write section.
func (m *MM) vmaStartRead(c *sim.CPU, vma sim.Ptr) bool {
	f := &m.s.vf
	seqOf := func() sim.Ref { return c.LoadPtr(vma.F(f.mm)).F(m.s.mf.mmLockSeq) }
	if stamp := c.Load(vma.F(f.lockSeq)); stamp == c.Load(seqOf()) {
		return false
	}
	l := m.vmaLock(c, vma)
	if !l.DownReadTrylock(c) {
		return false
	}
	if stamp := c.Load(vma.F(f.lockSeq)); stamp == c.LoadAcquire(seqOf()) {
		l.UpRead(c)
		return false
	}
	return true
}

// LockVMAUnderRCU is lock_vma_under_rcu of 6.4.8 without its tests for
// anonymous memory: the VMA at addr, locked for reading, or false where the
// caller has to fall back to mmap_lock. Designs with VMA locks only.
func (m *MM) LockVMAUnderRCU(c *sim.CPU, addr uint64) (vma sim.Ptr, ok bool) {
	m.s.b.RCU.ReadLock(c)
	vma, ok = m.lockVMA(c, addr)
	m.s.b.RCU.ReadUnlock(c)
	return vma, ok
}

// lockVMA is lock_vma_under_rcu inside its read section.
func (m *MM) lockVMA(c *sim.CPU, addr uint64) (vma sim.Ptr, ok bool) {
	f := &m.s.vf
	for {
		vma = m.tree.Walk(c, addr).Entry
		if vma.IsNull() || !m.vmaStartRead(c, vma) {
			return vma, false
		}
		if addr < c.Load(vma.F(f.start)) || addr >= c.Load(vma.F(f.end)) {
			m.vmaLock(c, vma).UpRead(c)
			return vma, false
		}
		if c.Load(vma.F(f.detached)) == 0 {
			return vma, true
		}
		m.vmaLock(c, vma).UpRead(c)
		c.Count(retries, 1)
	}
}

// VMAEndRead is vma_end_read. The RCU section keeps the lock object, which the
// VMA's owner may free as soon as the count drops.
func (m *MM) VMAEndRead(c *sim.CPU, vma sim.Ptr) {
	m.s.b.RCU.ReadLock(c)
	m.vmaLock(c, vma).UpRead(c)
	m.s.b.RCU.ReadUnlock(c)
}
