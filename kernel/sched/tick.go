package sched

import "mmsim/sim"

// OnTick adds work to every scheduler tick (RCU's). Set-up only. The function
// runs in interrupt context with RCU watching.
func (s *Scheduler) OnTick(f func(c *sim.CPU)) { s.onTick = append(s.onTick, f) }

// StartTick starts this CPU's tick; it is called in interrupt context as the
// CPU comes up. The ticks of different CPUs are spread evenly over the period
// (skew_tick), so that they do not collide by construction.
func (s *Scheduler) StartTick(c *sim.CPU) {
	c.SetTimer(s.cfg.TickPeriod*sim.Time(c.ID()+1)/sim.Time(s.cfg.CPUs), s.tick)
}

// tickHandler is the tick. On an idle CPU it stops itself, as NO_HZ_IDLE does;
// the CPU starts it again when it leaves idle.
func (s *Scheduler) tickHandler(c *sim.CPU) {
	wasIdle := s.IRQEnter(c)
	for _, f := range s.onTick {
		f(c)
	}
	if wasIdle {
		c.Store(s.pcpu.This(c).F(pcpuTickStopped), 1)
	} else {
		c.SetTimer(s.cfg.TickPeriod, s.tick)
	}
	s.IRQExit(c, wasIdle)
}

// IRQEnter is ct_irq_enter: a handler that reads under RCU calls it, so that
// grace periods wait for it even on an idle CPU. The result goes to IRQExit.
func (s *Scheduler) IRQEnter(c *sim.CPU) (wasIdle bool) {
	if !Watching(c.Load(s.Context(c.ID()))) {
		s.flipContext(c)
		return true
	}
	return false
}

// IRQExit is ct_irq_exit.
func (s *Scheduler) IRQExit(c *sim.CPU, wasIdle bool) {
	if wasIdle {
		s.flipContext(c)
	}
}

// Context is the context-tracking counter of a CPU, which any CPU may load
// (with acquire) to learn whether RCU watches it.
func (s *Scheduler) Context(cpu int) sim.Ref { return s.pcpu.Of(cpu).F(pcpuContext) }

// Watching tells from a value of the counter whether RCU watches the CPU. If
// not, the CPU is idle: it has no RCU readers.
func Watching(v uint64) bool { return v&1 != 0 }

// Interrupted reports, in a handler between IRQEnter and IRQExit, whether
// there can be an RCU reader beneath it.
func (s *Scheduler) flipContext(c *sim.CPU) { c.FetchAdd(s.Context(c.ID()), 1, sim.Full) }

func (s *Scheduler) idleEnter(c *sim.CPU) { s.flipContext(c) }

// idleExit makes RCU watch again and restarts a stopped tick.
func (s *Scheduler) idleExit(c *sim.CPU) {
	s.flipContext(c)
	stopped := s.pcpu.This(c).F(pcpuTickStopped)
	if c.Load(stopped) != 0 {
		c.Store(stopped, 0)
		c.SetTimer(s.cfg.TickPeriod, s.tick)
	}
}
