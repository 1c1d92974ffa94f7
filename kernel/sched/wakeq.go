package sched

import "mmsim/sim"

// wakeQTail ends a wake queue (WAKE_Q_TAIL): never null, so that a queued
// task's node never looks free.
const wakeQTail = 1

// WakeQ is a wake queue head, on the stack of the waker; the links lie in the
// queued tasks.
type WakeQ struct {
	first, last sim.Ptr
}

// Empty is wake_q_empty.
func (q *WakeQ) Empty() bool { return q.first.IsNull() }

// Add is wake_q_add: it queues p and takes a reference, unless some waker has
// p queued already; that one's wake-up will do.
func (q *WakeQ) Add(c *sim.CPU, s *Scheduler, p sim.Ptr) {
	if q.link(c, p) {
		s.GetTask(c, p)
	}
}

// AddSafe is wake_q_add_safe: the caller's reference goes to the queue, or is
// dropped.
func (q *WakeQ) AddSafe(c *sim.CPU, s *Scheduler, p sim.Ptr) {
	if !q.link(c, p) {
		s.PutTask(c, p)
	}
}

func (q *WakeQ) link(c *sim.CPU, p sim.Ptr) bool {
	c.Fence(sim.MBBeforeAtomic)
	if _, ok := c.CmpXchg(p.F(taskWakeQ), 0, wakeQTail, sim.Relaxed); !ok {
		return false
	}
	if q.Empty() {
		q.first = p
	} else {
		c.Store(q.last.F(taskWakeQ), uint64(p.A))
	}
	q.last = p
	return true
}

// WakeUpQ is wake_up_q: one try_to_wake_up for each queued task.
func (s *Scheduler) WakeUpQ(c *sim.CPU, q *WakeQ) {
	p := q.first
	for !p.IsNull() {
		next := c.LoadPtr(p.F(taskWakeQ))
		c.Store(p.F(taskWakeQ), 0)
		s.WakeUp(c, p)
		s.PutTask(c, p)
		if p = next; p.A == wakeQTail {
			break
		}
	}
	*q = WakeQ{}
}
