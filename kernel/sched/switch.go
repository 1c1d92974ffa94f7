package sched

import "mmsim/sim"

// Sleeps are counted where a task leaves its run queue, wake-ups where it comes
// back: a waker that is in time to keep the task running is neither.
var (
	sleeps  = sim.NewCounter("sleeps")
	wakeups = sim.NewCounter("wakeups")
)

// SetCurrentState is set_current_state: a store and a full barrier, so that
// the condition is tested after the state is visible.
func (s *Scheduler) SetCurrentState(c *sim.CPU, st State) {
	c.StoreMB(s.Current(c).F(taskState), uint64(st))
}

// SetRunning is __set_current_state(TASK_RUNNING): a plain store.
func (s *Scheduler) SetRunning(c *sim.CPU) {
	c.Store(s.Current(c).F(taskState), uint64(Running))
}

// Schedule is schedule(): unless a waker has set the task running again, it
// leaves the run queue and the CPU idles until the wake-up. why is what the
// time asleep is accounted to.
func (s *Scheduler) Schedule(c *sim.CPU, why sim.WaitReason) {
	if c.InIRQ || c.Task < 0 {
		panic("sched: scheduling outside a task: " + c.Name)
	}
	me, rq := s.Current(c), s.rqs.This(c)
	irq := c.IRQSave()
	if s.deactivate(c, me, rq) {
		s.idleEnter(c)
		c.IRQRestore(true) // the idle loop takes interrupts
		c.Park(why)
		c.IRQSave()
		s.idleExit(c)
		s.switchIn(c, me, rq)
	}
	c.IRQRestore(irq)
}

// SchedulePreemptDisabled is schedule_preempt_disabled: schedule from code that
// runs with preemption disabled once.
func (s *Scheduler) SchedulePreemptDisabled(c *sim.CPU, why sim.WaitReason) {
	s.PreemptEnable(c)
	s.Schedule(c, why)
	s.PreemptDisable(c)
}

// deactivate is __schedule up to the switch to the idle task. It returns false
// if the task has been made running again.
func (s *Scheduler) deactivate(c *sim.CPU, me, rq sim.Ptr) bool {
	s.rqLockOf(rq).Lock(c)
	c.Fence(sim.MBAfterSpinlock)
	if c.Load(me.F(taskState)) == uint64(Running) {
		s.rqLockOf(rq).Unlock(c)
		return false
	}
	c.Store(me.F(taskOnRQ), 0)
	c.Store(rq.F(rqNrRunning), c.Load(rq.F(rqNrRunning))-1)
	c.Store(rq.F(rqCurr), c.Load(rq.F(rqIdle)))
	c.StoreRelease(me.F(taskOnCPU), 0) // finish_task
	c.Count(sleeps, 1)
	s.rqLockOf(rq).Unlock(c)
	return true
}

// switchIn is the idle task's __schedule after the wake-up, up to the return
// into the woken task.
func (s *Scheduler) switchIn(c *sim.CPU, me, rq sim.Ptr) {
	idle := s.idle.This(c)
	c.ClearBit(idle.F(TaskFlags), tifNeedResched)
	s.rqLockOf(rq).Lock(c)
	c.Fence(sim.MBAfterSpinlock)
	c.Store(me.F(taskOnCPU), 1) // prepare_task
	c.Store(rq.F(rqCurr), uint64(me.A))
	s.rqLockOf(rq).Unlock(c)
}
