package sched

import "mmsim/sim"

// ScheduleTimeout is schedule_timeout: schedule, for at most d. As with any
// sleep, the caller looks again at what it waits for. Timers do not go through
// the lists of a timer base; each is an interrupt of its own.
func (s *Scheduler) ScheduleTimeout(c *sim.CPU, d sim.Time, why sim.WaitReason) {
	p := s.Current(c)
	timer := p.F(taskTimer)
	armed := c.Load(timer) + 1 // odd while a timer is pending
	c.Store(timer, armed)
	c.SetTimer(d, func(c *sim.CPU) { s.timedOut(c, p, armed) })
	s.Schedule(c, why)
	c.Store(timer, armed+1) // timer_delete_sync
}

// timedOut is process_timeout. A timer that was deleted does nothing.
func (s *Scheduler) timedOut(c *sim.CPU, p sim.Ptr, armed uint64) {
	idle := s.IRQEnter(c)
	if c.Load(p.F(taskTimer)) == armed {
		s.WakeUp(c, p)
	}
	s.IRQExit(c, idle)
}
