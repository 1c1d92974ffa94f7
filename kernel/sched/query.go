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
