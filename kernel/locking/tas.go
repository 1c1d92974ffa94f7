package locking

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// TASLock is a test-and-set spinlock in a 4-byte word, in the form that
// qspinlock takes in a hypervisor guest without paravirtual spinlocks
// (virt_spin_lock; locks-and-barriers.md section 5): test until the word is
// clear, then cmpxchg. Nothing is promised about the order of its waiters.
type TASLock struct {
	val sim.Ref
	p   preemption
}

// TASLockAt is the lock at a zeroed word. With a nil scheduler it leaves
// preemption on, as a lock in user space does.
func TASLockAt(val sim.Ref, s *sched.Scheduler) TASLock { return TASLock{val, preemption{s}} }

// Lock takes the lock.
func (l TASLock) Lock(c *sim.CPU) {
	l.p.disable(c)
	if _, ok := c.CmpXchg(l.val, 0, 1, c.OrderUnless(breakTASAcquire, sim.Acquire)); !ok {
		l.slow(c)
	}
	c.LockAcquired(l.val.A, sim.Exclusive)
}

func (l TASLock) slow(c *sim.CPU) {
	c.LockContended(l.val.A, sim.Exclusive)
	for {
		c.SpinUntil(sim.Never, sim.Cond{Ref: l.val})
		if _, ok := c.CmpXchg(l.val, 0, 1, sim.Full); ok {
			return
		}
		c.Relax()
	}
}

// TryLock is one load, and one atomic if the word was clear.
func (l TASLock) TryLock(c *sim.CPU) bool {
	l.p.disable(c)
	if c.Load(l.val) == 0 {
		if _, ok := c.CmpXchg(l.val, 0, 1, sim.Acquire); ok {
			c.LockTried(l.val.A, sim.Exclusive)
			return true
		}
	}
	l.p.enable(c)
	return false
}

// Unlock is a release store.
func (l TASLock) Unlock(c *sim.CPU) {
	c.LockReleased(l.val.A, sim.Exclusive)
	c.StoreReleaseUnless(breakTASRelease, l.val, 0)
	l.p.enable(c)
}
