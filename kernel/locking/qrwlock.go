package locking

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// The count word of a qrwlock (locks-and-barriers.md section 6).
const (
	qrwLocked     = 0x0ff // a writer holds
	qrwWaiting    = 0x100 // a writer waits
	qrwWriterMask = qrwLocked | qrwWaiting
	qrwReaderBias = 0x200
)

// QRWLockMembers declares the members of a rwlock_t called name at offset off
// of the embedding struct, for sim.NewLayout: name.cnts at 0 and
// name.wait_lock at 4; 8 bytes.
func QRWLockMembers(name string, off uint32) []sim.Field {
	return []sim.Field{sim.F(name+".cnts", off, 4), sim.F(name+".wait_lock", off+4, 4)}
}

// QRWLock is a rwlock_t (kernel/locking/qrwlock.c): readers count themselves in
// one word; who must wait queues for wait_lock, readers and writers in order of
// arrival. Zero words are unlocked.
type QRWLock struct {
	cnts sim.Ref
	wait SpinLock
	s    *sched.Scheduler
}

// QRWLockAt is the lock called name of the object at p with layout l.
func QRWLockAt(p sim.Ptr, l *sim.Layout, name string, spin *SpinLocks, s *sched.Scheduler) QRWLock {
	return QRWLock{p.F(l.Field(name + ".cnts")), spin.At(p.F(l.Field(name + ".wait_lock"))), s}
}

// QRWLockOf is the lock of a count word and a wait_lock that lie anywhere.
func QRWLockOf(cnts sim.Ref, wait SpinLock, s *sched.Scheduler) QRWLock {
	return QRWLock{cnts, wait, s}
}

// writer is the byte that tells whether a writer holds the lock.
func (l QRWLock) writer() sim.Ref { return sim.Ref{A: l.cnts.A, D: l.cnts.D, Size: 1} }

// ReadLock is read_lock.
func (l QRWLock) ReadLock(c *sim.CPU) {
	l.s.PreemptDisable(c)
	if (c.FetchAdd(l.cnts, qrwReaderBias, sim.Acquire)+qrwReaderBias)&qrwWriterMask != 0 {
		c.LockContended(l.cnts.A, sim.Shared)
		l.readSlow(c)
	}
	c.LockAcquired(l.cnts.A, sim.Shared)
}

// readSlow is queued_read_lock_slowpath. A reader in an interrupt does not
// queue: it may have interrupted a reader that a queued writer waits for.
func (l QRWLock) readSlow(c *sim.CPU) {
	free := sim.Cond{Ref: l.cnts, Mask: qrwLocked, Order: sim.Acquire}
	if c.InIRQ {
		c.SpinUntil(sim.Never, free)
		return
	}
	c.AtomicAdd(l.cnts, neg(qrwReaderBias))
	l.wait.ArchLock(c)
	c.AtomicAdd(l.cnts, qrwReaderBias)
	c.SpinUntil(sim.Never, free)
	l.wait.ArchUnlock(c)
}

// ReadTryLock is read_trylock.
func (l QRWLock) ReadTryLock(c *sim.CPU) bool {
	l.s.PreemptDisable(c)
	if c.Load(l.cnts)&qrwWriterMask == 0 {
		if (c.FetchAdd(l.cnts, qrwReaderBias, sim.Acquire)+qrwReaderBias)&qrwWriterMask == 0 {
			c.LockTried(l.cnts.A, sim.Shared)
			return true
		}
		c.AtomicAdd(l.cnts, neg(qrwReaderBias))
	}
	l.s.PreemptEnable(c)
	return false
}

// ReadUnlock is read_unlock.
func (l QRWLock) ReadUnlock(c *sim.CPU) {
	c.LockReleased(l.cnts.A, sim.Shared)
	c.FetchAdd(l.cnts, neg(qrwReaderBias), sim.Release)
	l.s.PreemptEnable(c)
}

// WriteLock is write_lock.
func (l QRWLock) WriteLock(c *sim.CPU) {
	l.s.PreemptDisable(c)
	if _, ok := c.CmpXchg(l.cnts, 0, qrwLocked, sim.Acquire); !ok {
		c.LockContended(l.cnts.A, sim.Exclusive)
		l.wait.ArchLock(c)
		l.writeSlow(c)
		l.wait.ArchUnlock(c)
	}
	c.LockAcquired(l.cnts.A, sim.Exclusive)
}

// writeSlow is queued_write_lock_slowpath under wait_lock: the waiting bit
// turns new readers away, and the lock is taken when the last reader or the
// writer inside has gone.
func (l QRWLock) writeSlow(c *sim.CPU) {
	if c.Load(l.cnts) == 0 {
		if _, ok := c.CmpXchg(l.cnts, 0, qrwLocked, sim.Acquire); ok {
			return
		}
	}
	c.AtomicOr(l.cnts, qrwWaiting)
	for {
		c.SpinUntil(sim.Never, sim.Cond{Ref: l.cnts, Arg: qrwWaiting})
		if _, ok := c.CmpXchg(l.cnts, qrwWaiting, qrwLocked, sim.Acquire); ok {
			return
		}
	}
}

// WriteTryLock is write_trylock.
func (l QRWLock) WriteTryLock(c *sim.CPU) bool {
	l.s.PreemptDisable(c)
	if c.Load(l.cnts) == 0 {
		if _, ok := c.CmpXchg(l.cnts, 0, qrwLocked, sim.Acquire); ok {
			c.LockTried(l.cnts.A, sim.Exclusive)
			return true
		}
	}
	l.s.PreemptEnable(c)
	return false
}

// WriteUnlock is write_unlock: a release store of the writer byte.
func (l QRWLock) WriteUnlock(c *sim.CPU) {
	c.LockReleased(l.cnts.A, sim.Exclusive)
	c.StoreRelease(l.writer(), 0)
	l.s.PreemptEnable(c)
}
