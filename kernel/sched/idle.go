package sched

import "mmsim/sim"

// IdleLoop is cpu_startup_entry: the idle task. It runs with preemption
// disabled.
func (s *Scheduler) IdleLoop(c *sim.CPU, prev sim.TaskID) {
	if prev != sim.NoTask {
		s.finishSwitch(c, prev)
	}
	for {
		s.idleOnce(c)
	}
}

// idleOnce is do_idle: wait until somebody wants the CPU, and give it up.
func (s *Scheduler) idleOnce(c *sim.CPU) {
	flags := s.idle.This(c).F(TaskFlags)
	c.SetBit(flags, tifPolling)
	for !s.NeedResched(c) {
		if s.cfg.Idle == Poll {
			s.idlePoll(c)
		} else {
			s.idleHalt(c, flags)
		}
	}
	c.IRQDisable()
	s.NeedTick(c)
	c.IRQEnable()
	c.ClearBit(flags, tifPolling)
	c.Fence(sim.MBAfterAtomic)
	s.flushWakeList(c)                                   // flush_smp_call_function_queue
	for again := true; again; again = s.NeedResched(c) { // schedule_idle
		s.schedule(c, sim.Runnable, false)
	}
}

// idleHalt is default_idle_call: the CPU stops until an interrupt comes. It has
// to say first that it no longer looks at its flags by itself, and then look
// once more, with interrupts off.
func (s *Scheduler) idleHalt(c *sim.CPU, flags sim.Ref) {
	c.IRQDisable()
	c.ClearBit(flags, tifPolling) // current_clr_polling_and_test
	c.Fence(sim.MBAfterAtomic)
	if s.NeedResched(c) {
		c.IRQEnable()
	} else {
		s.flipContext(c) // ct_cpuidle_enter
		c.Idle()
		c.IRQDisable()
		s.flipContext(c) // ct_cpuidle_exit
		c.IRQEnable()
	}
	c.SetBit(flags, tifPolling)
}

// idlePoll is cpu_idle_poll, or MWAIT on the flags: a store to them ends it.
func (s *Scheduler) idlePoll(c *sim.CPU) {
	s.flipContext(c)
	c.SpinUntil(sim.Never, s.NeedReschedCond(c))
	s.flipContext(c)
}
