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

// Schedule is schedule(): the CPU goes on with the next task of its run queue,
// or idles. The caller stays on the queue if its state is TASK_RUNNING (a waker
// may have set it so again), or else sleeps until somebody wakes it. why is what
// the time asleep is accounted to.
func (s *Scheduler) Schedule(c *sim.CPU, why sim.WaitReason) {
	if c.InIRQ || c.Task < 0 {
		panic("sched: scheduling outside a task: " + c.Name)
	}
	for again := true; again; again = s.NeedResched(c) {
		if s.preempt.Disable(c) != 0 {
			panic("sched: scheduling while atomic: " + c.Name)
		}
		s.schedule(c, why, false)
		s.preempt.EnableNoResched(c)
	}
}

// SchedulePreemptDisabled is schedule_preempt_disabled: schedule from code that
// runs with preemption disabled once.
func (s *Scheduler) SchedulePreemptDisabled(c *sim.CPU, why sim.WaitReason) {
	s.preempt.EnableNoResched(c)
	s.Schedule(c, why)
	s.PreemptDisable(c)
}

// OnSwitch adds work to every call of the scheduler, with interrupts off before
// the run queue is locked (rcu_note_context_switch). Set-up only.
func (s *Scheduler) OnSwitch(f func(c *sim.CPU)) { s.onSwitch = append(s.onSwitch, f) }

// schedule is __schedule, with preemption disabled once. preempted says that the
// task did not ask for it, so its state does not matter. Afterwards the CPU may
// be another one.
func (s *Scheduler) schedule(c *sim.CPU, why sim.WaitReason, preempted bool) {
	c.IRQDisable()
	for _, f := range s.onSwitch {
		f(c)
	}
	rq, prev := s.rqs.This(c), s.Current(c)
	lock := s.rqLockOf(rq)
	lock.Lock(c)
	c.Fence(sim.MBAfterSpinlock)
	runs := preempted || !s.blocks(c, prev)
	if runs {
		why = sim.Runnable
	} else {
		s.block(c, rq, prev)
	}
	next := s.pickNext(c, rq, prev, runs)
	c.ClearBit(prev.F(TaskFlags), tifNeedResched)
	s.preempt.ClearNeedResched(c)
	if next.A == prev.A {
		lock.UnlockIRQRestore(c, true)
		return
	}
	c.Store(rq.F(rqCurr), uint64(next.A))
	s.contextSwitch(c, rq, next, why)
}

// blocks is try_to_block_task's decision: the task sleeps unless somebody has
// woken it, or a signal keeps it from sleeping.
func (s *Scheduler) blocks(c *sim.CPU, p sim.Ptr) bool {
	st := State(c.Load(p.F(taskState)))
	if st != Running && s.SignalPendingState(c, st) {
		c.Store(p.F(taskState), uint64(Running))
		return false
	}
	return st != Running
}

// contextSwitch is context_switch: it goes on with next, and comes back when
// some CPU has switched to this task again. The run queue's lock passes from the
// one task to the other.
func (s *Scheduler) contextSwitch(c *sim.CPU, rq, next sim.Ptr, why sim.WaitReason) {
	c.Store(next.F(taskOnCPU), 1) // prepare_task
	c.LockReleased(rq.F(rqLock).A, sim.Exclusive)
	id := sim.IdleTask
	if next.A != s.idle.This(c).A {
		id = s.id(next)
	}
	s.finishSwitch(c, c.SwitchTo(id, why))
}

// finishSwitch is finish_task_switch, on the stack of the task that was switched
// to: prev has left the CPU from here on.
func (s *Scheduler) finishSwitch(c *sim.CPU, prev sim.TaskID) {
	lock := s.rqs.This(c).F(rqLock)
	c.LockAcquired(lock.A, sim.Exclusive)
	c.StoreRelease(s.taskOn(c, prev).F(taskOnCPU), 0)
	s.spin.At(lock).UnlockIRQRestore(c, true)
}

// TaskStart is schedule_tail: how a task begins that waits for its first turn.
func (s *Scheduler) TaskStart(c *sim.CPU, prev sim.TaskID) {
	s.finishSwitch(c, prev)
	s.PreemptEnable(c)
}

// Exit is do_task_dead: the current task never runs again. Its task_struct
// stays.
func (s *Scheduler) Exit(c *sim.CPU) {
	pi := s.spin.At(s.Current(c).F(taskPI))
	irq := pi.LockIRQSave(c) // set_special_state
	c.Store(s.Current(c).F(taskState), uint64(Dead))
	pi.UnlockIRQRestore(c, irq)
	s.Schedule(c, sim.Runnable)
	panic("sched: a dead task was scheduled")
}
