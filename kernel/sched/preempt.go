package sched

import "mmsim/sim"

var stepInterrupt = sim.NewStep("interrupt")

// PreemptDisable is preempt_disable: an increment of this CPU's own count,
// which is also what a non-preemptible RCU reader does.
func (s *Scheduler) PreemptDisable(c *sim.CPU) { s.preempt.Disable(c) }

// PreemptEnable is preempt_enable.
func (s *Scheduler) PreemptEnable(c *sim.CPU) { s.preempt.Enable(c) }

// Preemptible reports whether this CPU's preemption count is zero. In an
// interrupt handler it tells whether the interrupted code was.
func (s *Scheduler) Preemptible(c *sim.CPU) bool { return s.preempt.Enabled(c) }

// preemptSchedule is preempt_schedule: a task with preemption enabled gives up
// the CPU, whatever its state.
func (s *Scheduler) preemptSchedule(c *sim.CPU) {
	for again := true; again; again = s.NeedResched(c) {
		s.preempt.Disable(c)
		s.schedule(c, sim.Runnable, true)
		s.preempt.EnableNoResched(c)
	}
}

// CondResched is cond_resched: a point at which a kernel without preemption
// gives up the CPU if it was asked to. With full preemption it is nothing.
func (s *Scheduler) CondResched(c *sim.CPU) {
	if s.cfg.Preempt == None && s.NeedResched(c) && s.preempt.Enabled(c) {
		s.preemptSchedule(c)
	}
}

// Yield is sched_yield: the task goes to the end of its run queue.
func (s *Scheduler) Yield(c *sim.CPU) {
	lock := s.rqLockOf(s.rqs.This(c))
	irq := lock.LockIRQSave(c)
	lock.UnlockIRQRestore(c, irq)
	s.Schedule(c, sim.Runnable)
}

// ExitToUser is exit_to_user_mode: on its way back to user mode, from whatever
// brought it into the kernel, a task gives up the CPU if it was asked to.
func (s *Scheduler) ExitToUser(c *sim.CPU) {
	for s.NeedResched(c) {
		s.Schedule(c, sim.Runnable)
	}
}

// IRQReturn is irqentry_exit: what an interrupted task does before it goes on.
// Back to user mode is as from a system call; back to the kernel, full
// preemption looks whether the interrupt came where it may preempt. (Code that
// lets time pass as user mode does while it keeps preemption off is not
// preempted.)
func (s *Scheduler) IRQReturn(c *sim.CPU, user bool) {
	prev := c.Step(stepInterrupt)
	if (user || s.cfg.Preempt == Full) && s.NeedResched(c) && s.preempt.Enabled(c) {
		s.preemptSchedule(c)
	}
	c.Step(prev)
}

// reschedCurr is resched_curr: ask what runs on a CPU to give it up. The run
// queue is locked. A remote CPU learns of it by an interrupt, unless it polls.
func (s *Scheduler) reschedCurr(c *sim.CPU, rq sim.Ptr, cpu int) {
	flags := c.LoadPtr(rq.F(rqCurr)).F(TaskFlags)
	if c.Load(flags)>>tifNeedResched&1 != 0 {
		return
	}
	if cpu == c.ID() {
		s.SetNeedResched(c)
		return
	}
	if c.FetchOr(flags, 1<<tifNeedResched, sim.Full)>>tifPolling&1 == 0 {
		c.SendIPI(cpu, s.resched)
	}
}

// reschedHandler is sysvec_reschedule_ipi (scheduler_ipi).
func (s *Scheduler) reschedHandler(c *sim.CPU) {
	if s.NeedResched(c) {
		s.preempt.SetNeedResched(c) // preempt_fold_need_resched
	}
}
