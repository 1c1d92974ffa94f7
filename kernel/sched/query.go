package sched

import "mmsim/sim"

// NeedResched is need_resched: whether the running task was asked to give up
// the CPU.
func (s *Scheduler) NeedResched(c *sim.CPU) bool {
	return c.Load(s.Current(c).F(TaskFlags))>>tifNeedResched&1 != 0
}

// NeedReschedCond is the same as a condition of a spin-wait.
func (s *Scheduler) NeedReschedCond(c *sim.CPU) sim.Cond {
	const mask = 1 << tifNeedResched
	return sim.Cond{Ref: s.Current(c).F(TaskFlags), Test: sim.Ne, Mask: mask}
}

// OnCPU is the word that tells whether a task executes right now: non-zero from
// prepare_task to finish_task. Owner spinning polls it.
func (s *Scheduler) OnCPU(p sim.Ptr) sim.Ref { return p.F(taskOnCPU) }

// TickPeriod is the length of a jiffy.
func (s *Scheduler) TickPeriod() sim.Time { return s.cfg.TickPeriod }

// ScheduleTimeout is schedule_timeout: schedule, for at most d. As with any
// sleep, the caller looks again at what it waits for.
func (s *Scheduler) ScheduleTimeout(c *sim.CPU, d sim.Time, why sim.WaitReason) {
	p := s.Current(c)
	c.SetTimer(d, func(c *sim.CPU) {
		idle := s.IRQEnter(c)
		s.WakeUp(c, p) // a stale one is a spurious wake-up
		s.IRQExit(c, idle)
	})
	s.Schedule(c, why)
}
