package sched

import "mmsim/sim"

// WakeUp is wake_up_process(p): try_to_wake_up for a task in TASK_NORMAL. It
// reports whether it changed the task's state.
func (s *Scheduler) WakeUp(c *sim.CPU, p sim.Ptr) bool { return s.wakeUpState(c, p, Normal) }

// wakeUpState is wake_up_state: it wakes a task in one of the states of mask.
func (s *Scheduler) wakeUpState(c *sim.CPU, p sim.Ptr, mask State) bool {
	pi := s.spin.At(p.F(taskPI))
	irq := pi.LockIRQSave(c)
	c.Fence(sim.MBAfterSpinlock)
	woken := c.Load(p.F(taskState))&uint64(mask) != 0 && s.wakeLocked(c, p)
	pi.UnlockIRQRestore(c, irq)
	return woken
}

func (s *Scheduler) wakeLocked(c *sim.CPU, p sim.Ptr) bool {
	c.SmpRMB()
	if c.Load(p.F(taskOnRQ)) != 0 && s.wakeRunnable(c, p) {
		return true
	}
	c.Fence(sim.AcquireAfterCtrlDep)
	c.Store(p.F(taskState), uint64(Waking))
	// The kernel may queue the wake-up with an IPI instead of waiting here
	// (TTWU_QUEUE); the wait is short, the task is past its last decision.
	c.SpinUntil(sim.Never, sim.Cond{Ref: p.F(taskOnCPU), Order: sim.Acquire})
	s.activate(c, p)
	return true
}

// wakeRunnable is ttwu_runnable: the task has not left its run queue, so it
// only needs its state back.
func (s *Scheduler) wakeRunnable(c *sim.CPU, p sim.Ptr) bool {
	rq := s.rqOf(c, p)
	lock := s.rqLockOf(rq)
	lock.Lock(c)
	queued := c.Load(p.F(taskOnRQ)) != 0
	if queued {
		c.Store(p.F(taskState), uint64(Running))
	}
	lock.Unlock(c)
	return queued
}

// activate is ttwu_queue: put the task on its CPU's run queue and make that
// CPU's idle task reschedule.
func (s *Scheduler) activate(c *sim.CPU, p sim.Ptr) {
	rq := s.rqOf(c, p)
	lock := s.rqLockOf(rq)
	lock.Lock(c)
	c.Store(p.F(taskOnRQ), 1)
	c.Store(rq.F(rqNrRunning), c.Load(rq.F(rqNrRunning))+1)
	c.FetchOr(c.LoadPtr(rq.F(rqCurr)).F(TaskFlags), 1<<tifNeedResched, sim.Full) // resched_curr
	c.Store(p.F(taskState), uint64(Running))
	c.Unpark(s.id(p))
	c.Count(wakeups, 1)
	lock.Unlock(c)
}

func (s *Scheduler) rqOf(c *sim.CPU, p sim.Ptr) sim.Ptr {
	return s.rqs.Of(int(c.Load(p.F(taskCPU))))
}

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
