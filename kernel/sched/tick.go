package sched

import "mmsim/sim"

// TickFunc is work done in every scheduler tick, in interrupt context. idle
// says whether the tick interrupted the idle task. It reports whether it needs
// this CPU's next tick even then.
type TickFunc func(c *sim.CPU, idle bool) (needed bool)

// OnTick adds work to every scheduler tick (RCU's). Set-up only.
func (s *Scheduler) OnTick(f TickFunc) { s.onTick = append(s.onTick, f) }

// StartTick starts this CPU's tick; it is called in interrupt context as the
// CPU comes up. The ticks of different CPUs are spread evenly over the period
// (skew_tick), so that they do not collide by construction.
func (s *Scheduler) StartTick(c *sim.CPU) {
	first := s.cfg.TickPeriod * sim.Time(c.ID()+1) / sim.Time(s.cfg.CPUs)
	c.Store(s.ticks.This(c).F(tickExpires), uint64(c.Now()+first))
	c.SetTick(first, s.tick)
}

// nextTick arms the timer for the first tick to come, a whole number of
// periods after the last one (hrtimer_forward).
func (s *Scheduler) nextTick(c *sim.CPU) {
	expires := s.ticks.This(c).F(tickExpires)
	next := sim.Time(c.Load(expires))
	if late := c.Now() - next; late >= 0 {
		next += (late/s.cfg.TickPeriod + 1) * s.cfg.TickPeriod
	}
	c.Store(expires, uint64(next))
	c.SetTick(max(next-c.Now(), 0), s.tick)
}

// tickHandler is the tick. On an idle CPU it stops itself unless it is needed,
// as NO_HZ_IDLE does; the CPU starts it again when it leaves idle.
func (s *Scheduler) tickHandler(c *sim.CPU) {
	wasIdle := s.IRQEnter(c)
	needed := !wasIdle
	s.accountTick(c)
	for _, f := range s.onTick {
		needed = f(c, wasIdle) || needed
	}
	if !needed {
		c.Store(s.ticks.This(c).F(tickStopped), 1)
	} else {
		s.nextTick(c)
	}
	s.IRQExit(c, wasIdle)
}

// accountTick is sched_tick: a task that has had its time slice while others
// wait is asked to give up the CPU.
func (s *Scheduler) accountTick(c *sim.CPU) {
	rq := s.rqs.This(c)
	lock := s.rqLockOf(rq)
	lock.Lock(c)
	if c.Load(rq.F(rqNrRunning)) > 1 {
		curr := c.LoadPtr(rq.F(rqCurr))
		if curr.A != s.idle.This(c).A && c.Now()-sim.Time(c.Load(curr.F(taskStart))) >= s.cfg.Slice {
			s.reschedCurr(c, rq, c.ID())
		}
	}
	lock.Unlock(c)
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
func (s *Scheduler) Context(cpu int) sim.Ref { return s.ticks.Of(cpu).F(tickContext) }

// Watching tells from a value of the counter whether RCU watches the CPU. If
// not, the CPU is idle: it has no RCU readers.
func Watching(v uint64) bool { return v&1 != 0 }

func (s *Scheduler) flipContext(c *sim.CPU) { c.FetchAdd(s.Context(c.ID()), 1, sim.Full) }

// NeedTick is tick_nohz_idle_exit: a CPU that leaves idle starts its stopped
// tick again. So does the way out of an interrupt on an idle CPU when the handler
// left work for the tick (tick_nohz_irq_exit).
func (s *Scheduler) NeedTick(c *sim.CPU) {
	stopped := s.ticks.This(c).F(tickStopped)
	if c.Load(stopped) != 0 {
		c.Store(stopped, 0)
		s.nextTick(c)
	}
}
