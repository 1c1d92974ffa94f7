package sched

import "mmsim/sim"

// WakeUp is wake_up_process(p): try_to_wake_up for a task in TASK_NORMAL. It
// reports whether it changed the task's state.
func (s *Scheduler) WakeUp(c *sim.CPU, p sim.Ptr) bool { return s.wakeUpState(c, p, Normal) }

// wakeUpState is wake_up_state: it wakes a task in one of the states of mask.
func (s *Scheduler) wakeUpState(c *sim.CPU, p sim.Ptr, mask State) bool {
	s.PreemptDisable(c)
	woken := false
	if p.A == s.Current(c).A {
		woken = s.wakeCurrent(c, p, mask)
	} else {
		pi := s.spin.At(p.F(taskPI))
		irq := pi.LockIRQSave(c)
		c.Fence(sim.MBAfterSpinlock)
		woken = c.Load(p.F(taskState))&uint64(mask) != 0
		if woken {
			s.wakeLocked(c, p)
		}
		pi.UnlockIRQRestore(c, irq)
	}
	s.PreemptEnable(c)
	return woken
}

// wakeCurrent wakes the task that is about to sleep here, or that this interrupt
// came over: it is on its run queue, and nobody else can take it off.
func (s *Scheduler) wakeCurrent(c *sim.CPU, p sim.Ptr, mask State) bool {
	woken := c.Load(p.F(taskState))&uint64(mask) != 0
	if woken {
		c.Store(p.F(taskState), uint64(Running))
	}
	return woken
}

// wakeLocked is the rest of try_to_wake_up, under pi_lock.
func (s *Scheduler) wakeLocked(c *sim.CPU, p sim.Ptr) {
	c.SmpRMB()
	if c.Load(p.F(taskOnRQ)) != 0 && s.wakeRunnable(c, p) {
		return
	}
	c.Fence(sim.AcquireAfterCtrlDep)
	c.Store(p.F(taskState), uint64(Waking))
	cpu := int(c.Load(p.F(taskCPU)))
	if c.LoadAcquire(p.F(taskOnCPU)) != 0 && s.queueWakeUp(c, p, cpu) {
		return // that CPU is past its last decision about p, and has nothing else
	}
	c.SpinUntil(sim.Never, sim.Cond{Ref: p.F(taskOnCPU), Order: sim.Acquire})
	if to := s.selectCPU(c, p); to != cpu {
		cpu = to
		c.Store(p.F(taskCPU), uint64(cpu)) // set_task_cpu
	}
	if s.queueWakeUp(c, p, cpu) {
		return
	}
	rq := s.rqs.Of(cpu)
	lock := s.rqLockOf(rq)
	lock.Lock(c)
	s.activate(c, rq, p, cpu)
	lock.Unlock(c)
}

// wakeRunnable is ttwu_runnable: the task has not left its run queue, so it
// only needs its state back.
func (s *Scheduler) wakeRunnable(c *sim.CPU, p sim.Ptr) bool {
	rq := s.lockTaskRQ(c, p)
	queued := c.Load(p.F(taskOnRQ)) != 0
	if queued {
		c.Store(p.F(taskState), uint64(Running))
	}
	s.rqLockOf(rq).Unlock(c)
	return queued
}

// lockTaskRQ is __task_rq_lock: the run queue that the task is on may be another
// one by the time that it is locked.
func (s *Scheduler) lockTaskRQ(c *sim.CPU, p sim.Ptr) sim.Ptr {
	for {
		rq := s.rqs.Of(int(c.Load(p.F(taskCPU))))
		s.rqLockOf(rq).Lock(c)
		if s.rqs.Of(int(c.Load(p.F(taskCPU)))).A == rq.A {
			return rq
		}
		s.rqLockOf(rq).Unlock(c)
	}
}

// activate is ttwu_do_activate, under the lock of the CPU's run queue: the task
// waits for its turn, and an idle CPU is told to reschedule.
func (s *Scheduler) activate(c *sim.CPU, rq, p sim.Ptr, cpu int) {
	s.enqueue(c, rq, p)
	c.SetRunnable(s.id(p))
	c.Count(wakeups, 1)
	if c.Load(rq.F(rqCurr)) == c.Load(rq.F(rqIdle)) { // wakeup_preempt
		s.reschedCurr(c, rq, cpu)
	}
	c.Store(p.F(taskState), uint64(Running))
}
