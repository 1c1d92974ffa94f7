package sched

import "mmsim/sim"

// SetState is __set_current_state: a plain store, for a task that holds the lock
// under which its waker looks.
func (s *Scheduler) SetState(c *sim.CPU, st State) {
	c.Store(s.Current(c).F(taskState), uint64(st))
}

// SetNeedResched is set_tsk_need_resched(current): ask the running task to give
// up the CPU when it next may.
func (s *Scheduler) SetNeedResched(c *sim.CPU) {
	c.SetBit(s.Current(c).F(TaskFlags), tifNeedResched)
	s.preempt.SetNeedResched(c)
}

// IdleTaskOf is the idle task of a CPU.
func (s *Scheduler) IdleTaskOf(cpu int) sim.Ptr { return s.idle.Of(cpu) }

// CurrSnapshot is cpu_curr_snapshot: the task that runs on a CPU, between full
// barriers.
func (s *Scheduler) CurrSnapshot(c *sim.CPU, cpu int) sim.Ptr {
	c.SmpMB()
	p := c.LoadPtr(s.rqs.Of(cpu).F(rqCurr))
	c.SmpMB()
	return p
}

// TaskCall is task_call_func: f looks at a task that neither wakes up nor is
// switched in or out meanwhile. curr tells whether it runs, and on which CPU.
func (s *Scheduler) TaskCall(c *sim.CPU, p sim.Ptr, f func(curr bool, cpu int)) {
	pi := s.spin.At(p.F(taskPI))
	irq := pi.LockIRQSave(c)
	var rq sim.Ptr
	if s.needsRQLock(c, p) {
		rq = s.lockTaskRQ(c, p)
	}
	curr := !rq.IsNull() && c.Load(rq.F(rqCurr)) == uint64(p.A)
	f(curr, int(c.Load(p.F(taskCPU))))
	if !rq.IsNull() {
		s.rqLockOf(rq).Unlock(c)
	}
	pi.UnlockIRQRestore(c, irq)
}

// needsRQLock is __task_needs_rq_lock: false for a task that sleeps and has left
// its CPU, which pi_lock keeps asleep.
func (s *Scheduler) needsRQLock(c *sim.CPU, p sim.Ptr) bool {
	if st := State(c.Load(p.F(taskState))); st == Running || st == Waking {
		return true
	}
	c.SmpRMB()
	if c.Load(p.F(taskOnRQ)) != 0 {
		return true
	}
	c.SmpRMB()
	c.SpinUntil(sim.Never, sim.Cond{Ref: p.F(taskOnCPU), Order: sim.Acquire})
	return false
}

// Curr is the word of this CPU's run queue that names the running task. An
// interrupt handler compares it: its own current may stand for an idle task.
func (s *Scheduler) Curr(c *sim.CPU) sim.Ref { return s.rqs.This(c).F(rqCurr) }
