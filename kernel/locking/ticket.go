package locking

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

const (
	ticketShift = 16
	ticketMask  = 1<<ticketShift - 1
)

// TicketLock is the generic ticket spinlock (asm-generic/ticket_spinlock.h;
// locks-and-barriers.md section 5) in a 4-byte word: the next ticket in the
// high half, the one that is served in the low half. Waiters come in in the
// order of their tickets, and every release makes each of them look.
type TicketLock struct {
	val sim.Ref
	p   preemption
}

// TicketLockAt is the lock at a zeroed word. With a nil scheduler it leaves
// preemption on, as a lock in user space does.
func TicketLockAt(val sim.Ref, s *sched.Scheduler) TicketLock {
	return TicketLock{val, preemption{s}}
}

// owner is the low half of the word.
func (l TicketLock) owner() sim.Ref { return sim.Ref{A: l.val.A, D: l.val.D, Size: 2} }

// Lock is ticket_spin_lock. A wait is closed by a full fence, which makes the
// lock RCsc.
func (l TicketLock) Lock(c *sim.CPU) {
	l.p.disable(c)
	v := c.FetchAdd(l.val, 1<<ticketShift, sim.Full)
	if ticket := v >> ticketShift; ticket != v&ticketMask {
		c.LockContended(l.val.A, sim.Exclusive)
		c.SpinUntil(sim.Never, sim.Cond{Ref: l.val, Mask: ticketMask, Arg: ticket, Order: sim.Acquire})
		c.SmpMB()
	}
	c.LockAcquired(l.val.A, sim.Exclusive)
}

// TryLock is ticket_spin_trylock.
func (l TicketLock) TryLock(c *sim.CPU) bool {
	l.p.disable(c)
	if v := c.Load(l.val); v>>ticketShift == v&ticketMask {
		if _, ok := c.CmpXchg(l.val, v, v+1<<ticketShift, sim.Full); ok {
			c.LockTried(l.val.A, sim.Exclusive)
			return true
		}
	}
	l.p.enable(c)
	return false
}

// Unlock is ticket_spin_unlock: it serves the next ticket.
func (l TicketLock) Unlock(c *sim.CPU) {
	c.LockReleased(l.val.A, sim.Exclusive)
	c.StoreReleaseUnless(breakTicketRelease, l.owner(), c.Load(l.val)+1)
	l.p.enable(c)
}
