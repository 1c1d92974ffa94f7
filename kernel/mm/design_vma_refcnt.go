package mm

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// vmaRefcnt is section 2e, the kernel of 6.17: lock and attachment of a VMA are
// one word, vm_refcnt, and the memory of a freed VMA is a VMA again at once
// (SLAB_TYPESAFE_BY_RCU), so that readers check whose it is after they locked
// it. mm_lock_seq is the seqcount of 6.14.
//
// Simplified: the mm_struct is never freed, so mmdrop of a foreign mm only
// counts.
type vmaRefcnt struct{ mmSeqcount }

// Values of vm_refcnt besides 0 (detached) and 1 + readers.
const (
	vmaLockOffset = 1 << 30           // a writer waits for readers to leave; none comes in
	vmaRefLimit   = vmaLockOffset - 1 // of attachment and readers
)

var waitVMA = sim.NewWaitReason("vma-lock")

func (s *System) refcnt(vma sim.Ptr) sim.Ref { return vma.F(s.vf.refcnt) }

func (vmaRefcnt) initVMA(c *sim.CPU, m *MM, vma sim.Ptr) {
	ref := m.s.refcnt(vma)
	c.LockInit(ref.A)
	locking.Refcount(ref).Set(c, 0)
	m.stamp(c, vma, m.s.neverLocked())
}

// attach publishes the VMA with all its fields (refcount_set_release).
func (vmaRefcnt) attach(c *sim.CPU, m *MM, vma sim.Ptr) {
	locking.Refcount(m.s.refcnt(vma)).SetRelease(c, 1)
}

// startWrite is vma_start_write: readers are kept out and waited for, then the
// stamp keeps them out until mmap_lock is let go. A detached VMA needs the
// stamp alone.
func (vmaRefcnt) startWrite(c *sim.CPU, m *MM, vma sim.Ptr) {
	seq, locked := m.isWriteLocked(c, vma)
	if locked {
		return
	}
	c.Count(vmaWriteLocks, 1)
	entered := m.enterLocked(c, vma, 1)
	m.stamp(c, vma, seq)
	if entered {
		m.exitLocked(c, vma)
	}
}

// detach is vma_mark_detached. The VMA is stamped, so a reader that is inside
// is on its way out.
func (vmaRefcnt) detach(c *sim.CPU, m *MM, vma sim.Ptr) {
	if c.FetchAdd(m.s.refcnt(vma), ^uint64(0), sim.Release) == 1 {
		c.Fence(sim.AcquireAfterCtrlDep)
		return
	}
	if m.enterLocked(c, vma, 0) {
		m.exitLocked(c, vma)
	}
}

// enterLocked is __vma_enter_locked: it waits until vm_refcnt has no more than
// the given reference of attachment. It returns false for a detached VMA.
func (m *MM) enterLocked(c *sim.CPU, vma sim.Ptr, attached uint64) bool {
	ref := m.s.refcnt(vma)
	if !addNotZero(c, ref, vmaLockOffset) {
		return false
	}
	if c.Task >= 0 { // else the initial state is being built: nobody reads yet
		m.awaitReaders(c, ref, vmaLockOffset+attached)
	}
	c.LockAcquired(ref.A, sim.Exclusive)
	return true
}

// awaitReaders is the rcuwait_wait_event of __vma_enter_locked.
func (m *MM) awaitReaders(c *sim.CPU, ref sim.Ref, want uint64) {
	waiting := false
	m.writerWait(m.at).Event(c, waitVMA, func() bool {
		if c.Load(ref) == want {
			return true
		}
		if !waiting {
			waiting = true
			c.Count(lockWaits, 1)
			c.LockContended(ref.A, sim.Exclusive)
		}
		return false
	})
}

// exitLocked is __vma_exit_locked.
func (m *MM) exitLocked(c *sim.CPU, vma sim.Ptr) {
	ref := m.s.refcnt(vma)
	c.LockReleased(ref.A, sim.Exclusive)
	if c.FetchAdd(ref, ^uint64(vmaLockOffset-1), sim.Release) == vmaLockOffset {
		c.Fence(sim.AcquireAfterCtrlDep)
	}
}

// addNotZero is refcount_add_not_zero.
func addNotZero(c *sim.CPU, r sim.Ref, n uint64) bool {
	for old := c.Load(r); old != 0; {
		was, ok := c.CmpXchg(r, old, old+n, sim.Relaxed)
		if ok {
			return true
		}
		old = was
	}
	return false
}

// free gives the memory back at once. vm_refcnt is 0; the stamp stays.
func (vmaRefcnt) free(c *sim.CPU, s *System, vma sim.Ptr) {
	if c.Breaks(breakSeqReset) {
		c.Store(vma.F(s.vf.lockSeq), s.neverLocked())
	}
	s.vmas.Free(c, vma)
}

// readResult is what vma_start_read of 6.15 says.
type readResult uint8

const (
	readLocked readResult = iota
	readFails             // locked for writing, or somebody else's: take mmap_lock
	readAgain             // detached: walk again
)

// lockVMA is lock_vma_under_rcu of 6.17 without its tests for anonymous memory.
func (vmaRefcnt) lockVMA(c *sim.CPU, m *MM, addr uint64) (vma sim.Ptr, ok bool) {
	m.s.b.RCU.ReadLock(c)
	vma, ok = m.lockRefcnt(c, addr)
	m.s.b.RCU.ReadUnlock(c)
	if ok && !m.covers(c, vma, addr) {
		m.putVMA(c, vma)
		return vma, false
	}
	return vma, ok
}

func (m *MM) lockRefcnt(c *sim.CPU, addr uint64) (vma sim.Ptr, ok bool) {
	for {
		vma = m.tree.Walk(c, addr).Entry
		if vma.IsNull() {
			return vma, false
		}
		if r := m.startReadRefcnt(c, vma); r != readAgain {
			return vma, r == readLocked
		}
		c.Count(retries, 1)
	}
}

// startReadRefcnt is vma_start_read. The memory may have become another VMA at
// any step: the acquire makes the fields read behind it those of the one that
// is locked, and vm_mm says whether it is ours.
func (m *MM) startReadRefcnt(c *sim.CPU, vma sim.Ptr) readResult {
	f := &m.s.vf
	if stamp := c.Load(vma.F(f.lockSeq)); stamp == c.Load(m.seq) {
		return readFails
	}
	ref := m.s.refcnt(vma)
	if old, ok := locking.Refcount(ref).IncNotZeroLimitedAcquire(c, vmaRefLimit); !ok {
		if old == 0 {
			return readAgain
		}
		return readFails
	}
	c.LockTried(ref.A, sim.Shared)
	if other := c.LoadPtr(vma.F(f.mm)); other.A != m.at.A && !c.Breaks(breakMMCheck) {
		m.leaveForeign(c, vma, other)
		return readFails
	}
	if stamp := c.Load(vma.F(f.lockSeq)); stamp == c.LoadAcquire(m.seq) && !c.Breaks(breakStampCheck) {
		m.putVMA(c, vma)
		return readFails
	}
	return readLocked
}

// leaveForeign drops a lock on a VMA that belongs to another mm by now. The
// reference keeps that mm while its writer is woken.
func (m *MM) leaveForeign(c *sim.CPU, vma, other sim.Ptr) {
	m.s.b.RCU.ReadUnlock(c)
	count := other.F(m.s.mf.mmCount)
	c.AtomicAdd(count, 1)
	m.putVMA(c, vma)
	c.FetchAdd(count, ^uint64(0), sim.Full)
	m.s.b.RCU.ReadLock(c)
}

func (vmaRefcnt) endRead(c *sim.CPU, m *MM, vma sim.Ptr) { m.putVMA(c, vma) }

// putVMA is vma_refcount_put: the last reader wakes the writer. The VMA may be
// freed as soon as the count has dropped, so its mm is read before.
func (m *MM) putVMA(c *sim.CPU, vma sim.Ptr) {
	mm := c.LoadPtr(vma.F(m.s.vf.mm))
	ref := m.s.refcnt(vma)
	c.LockReleased(ref.A, sim.Shared)
	left := c.FetchAdd(ref, ^uint64(0), sim.Release) - 1
	if left == 0 {
		c.Fence(sim.AcquireAfterCtrlDep)
	} else if left&vmaLockOffset != 0 && left <= vmaLockOffset+1 {
		m.writerWait(mm).WakeUp(c)
	}
}
