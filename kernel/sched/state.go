package sched

import "mmsim/sim"

// SetState is __set_current_state: a plain store, for a task that holds the lock
// under which its waker looks.
func (s *Scheduler) SetState(c *sim.CPU, st State) {
	c.Store(s.Current(c).F(taskState), uint64(st))
}

// SetNeedResched is set_tsk_need_resched(current): ask the running task to give
// up the CPU when it next may.
func (s *Scheduler) SetNeedResched(c *sim.CPU) { c.SetBit(s.Current(c).F(TaskFlags), tifNeedResched) }
