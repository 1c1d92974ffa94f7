package locking

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// MCSNodeLayout is struct mcs_spinlock, the node that a waiter brings, alone on
// its line (and in the pair of lines that a prefetcher takes).
var MCSNodeLayout = sim.NewLayout("mcs_spinlock", 128, 128,
	sim.F("next", 0, 8),
	sim.F("locked", 8, 4),
	sim.F("count", 12, 4),
)

var (
	mcsNext   = MCSNodeLayout.Field("next")
	mcsLocked = MCSNodeLayout.Field("locked")
)

// MCSLock is the queue lock of mcs_spinlock.h (locks-and-barriers.md section
// 4) in an 8-byte word, the queue's tail. Each waiter spins on its own node and
// is handed the lock in the order of arrival.
type MCSLock struct {
	tail sim.Ref
	p    preemption
}

// MCSLockAt is the lock at a zeroed word. With a nil scheduler it leaves
// preemption on, as a lock in user space does.
func MCSLockAt(tail sim.Ref, s *sched.Scheduler) MCSLock { return MCSLock{tail, preemption{s}} }

// Lock is mcs_spin_lock. The node belongs to the lock until Unlock.
func (l MCSLock) Lock(c *sim.CPU, node sim.Ptr) {
	l.p.disable(c)
	initMCSNode(c, node)
	if prev := c.Xchg(l.tail, uint64(node.A), sim.Full); prev != 0 {
		c.LockContended(l.tail.A, sim.Exclusive)
		c.Store(sim.At(sim.Addr(prev)).F(mcsNext), uint64(node.A))
		c.SpinWhile(node.F(mcsLocked), 0, 0)
	}
	c.LockAcquired(l.tail.A, sim.Exclusive)
}

// TryLock takes the lock if nobody has it. The kernel's header has no such
// function; this is the only way there is.
func (l MCSLock) TryLock(c *sim.CPU, node sim.Ptr) bool {
	l.p.disable(c)
	if c.Load(l.tail) == 0 {
		initMCSNode(c, node)
		if _, ok := c.CmpXchg(l.tail, 0, uint64(node.A), sim.Acquire); ok {
			c.LockTried(l.tail.A, sim.Exclusive)
			return true
		}
	}
	l.p.enable(c)
	return false
}

// Unlock is mcs_spin_unlock with the node that the lock was taken with.
func (l MCSLock) Unlock(c *sim.CPU, node sim.Ptr) {
	c.LockReleased(l.tail.A, sim.Exclusive)
	l.handOver(c, node)
	l.p.enable(c)
}

func (l MCSLock) handOver(c *sim.CPU, node sim.Ptr) {
	next := c.LoadPtr(node.F(mcsNext))
	if next.IsNull() {
		if _, ok := c.CmpXchg(l.tail, uint64(node.A), 0, sim.Release); ok {
			return
		}
		// A successor is in the tail but not linked yet.
		c.SpinUntil(sim.Never, sim.Cond{Ref: node.F(mcsNext), Test: sim.Ne})
		next = c.LoadPtr(node.F(mcsNext))
	}
	c.StoreRelease(next.F(mcsLocked), 1)
}

func initMCSNode(c *sim.CPU, node sim.Ptr) {
	c.Store(node.F(mcsLocked), 0)
	c.Store(node.F(mcsNext), 0)
}
