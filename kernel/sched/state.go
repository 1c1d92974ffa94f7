package sched

import "mmsim/sim"

// SetState is __set_current_state: a plain store, for a task that holds the lock
// under which its waker looks.
func (s *Scheduler) SetState(c *sim.CPU, st State) {
	c.Store(s.Current(c).F(taskState), uint64(st))
}
