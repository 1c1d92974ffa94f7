package explore

import (
	"fmt"
	"testing"

	"mmsim/sim"
)

// An interrupt comes between any two operations of its CPU, but not while
// interrupts are off.
func TestInterruptsComeAnywhere(t *testing.T) {
	for m := range numModels {
		x := variable(vx)
		var seen uint64
		p := threads(func(c *sim.CPU) {
			c.Store(x, 1)
			c.Store(x, 2)
			on := c.IRQSave()
			c.Store(x, 3)
			c.Store(x, 4)
			c.IRQRestore(on)
		}, func(c *sim.CPU) {
			c.Load(x)
			c.SendIPI(0, func(c *sim.CPU) {
				if !c.InIRQ || c.ID() != 0 {
					Fail(c, "the handler runs in the wrong place")
				}
				seen = c.Load(x)
			})
		})
		p.Reset = func() { seen = 9 }
		p.Final = func(View) (string, error) { return fmt.Sprint(seen), nil }
		s := search(t, p, Options{Model: m, Bound: 2})
		if states(s) != "0\n1\n2\n4\n" {
			t.Errorf("%v: the handler saw %q", m, states(s))
		}
	}
}

// A timer expires at any time after it was set, or not at all.
func TestTimers(t *testing.T) {
	x := variable(vx)
	var log string
	p := threads(func(c *sim.CPU) {
		c.SetTimer(sim.Microsecond, func(c *sim.CPU) { log += fmt.Sprint("t", c.Load(x)) })
		c.Store(x, 1)
		c.Store(x, 2)
		log += "."
	}, func(c *sim.CPU) { c.Load(x) })
	p.Reset = func() { log = "" }
	p.Final = func(View) (string, error) { return log, nil }
	for _, bound := range []int{1, Unbounded} {
		s := search(t, p, Options{Bound: bound})
		if states(s) != ".\n.t2\nt0.\nt1.\n" && states(s) != ".\nt0.\nt1.\n" {
			t.Errorf("bound %d: %q", bound, states(s))
		}
	}
}

// Two tasks share a CPU by context switches; the idle context takes over when
// they have nothing to do, and waits for interrupts.
func TestSwitching(t *testing.T) {
	x, y, z := variable(vx), variable(vy), variable(vz)
	to := func(c *sim.CPU, next sim.TaskID) sim.TaskID {
		c.IRQDisable()
		prev := c.SwitchTo(next, sim.Runnable)
		c.IRQEnable()
		return prev
	}
	program := func() *Program {
		p := threads(func(c *sim.CPU) {
			c.Store(x, 1)
			if to(c, 1) != 1 {
				Fail(c, "another task ran before")
			}
			if c.Load(y) != 2 {
				Fail(c, "the other task has not run")
			}
			if to(c, sim.IdleTask) != sim.IdleTask {
				Fail(c, "the idle context ran before")
			}
			if c.Load(z) != 1 {
				Fail(c, "woken early")
			}
		}, func(c *sim.CPU) {
			if c.ID() != 0 || c.Load(x) != 1 {
				Fail(c, "switched to in the wrong place")
			}
			c.Store(y, 2)
			to(c, 0)
		}, func(c *sim.CPU) {
			c.SpinUntil(sim.Never, sim.Cond{Ref: y, Test: sim.Eq, Arg: 2, Order: sim.Acquire})
			c.Store(z, 1)
			c.SendIPI(0, func(c *sim.CPU) {})
		})
		p.Threads[1].CPU, p.Threads[2].CPU = 0, 1
		p.Hooks.Start = func(c *sim.CPU, prev sim.TaskID) {
			if prev != 0 {
				Fail(c, "another task switched to this one")
			}
			c.IRQEnable()
		}
		p.Hooks.Exit = func(c *sim.CPU) { to(c, sim.IdleTask) }
		p.Hooks.Idle = func(c *sim.CPU, _ sim.TaskID) {
			c.IRQEnable()
			for next := sim.TaskID(0); ; {
				c.IRQDisable()
				if c.ID() != 0 || next == 2 || next == 0 && c.Load(z) == 0 {
					c.Idle()
					continue
				}
				c.IRQEnable()
				to(c, next)
				next++
			}
		}
		p.MustEnd = true
		return p
	}
	for m := range numModels {
		s := search(t, program(), Options{Model: m, Bound: 1})
		if s.Violation != nil || s.Executions == 0 {
			t.Errorf("%v: %+v", m, s)
			if s.Violation != nil {
				t.Log(s.Violation.Invariant, "\n", s.Violation.Trace)
			}
		}
		p := program() // without the interrupt, the idle context sleeps for ever
		p.Threads[2].Body = func(c *sim.CPU) { c.Store(z, 1) }
		if s := search(t, p, Options{Model: m, Bound: 1}); s.Violation == nil || s.Violation.Invariant != "deadlock" {
			t.Errorf("%v: a lost wake-up: %+v", m, s)
		}
	}
}

// Ticks come when nothing else can go on.
func TestTicks(t *testing.T) {
	x := variable(vx)
	p := threads(func(c *sim.CPU) {
		var tick sim.Handler
		tick = func(c *sim.CPU) {
			c.FetchAdd(x, 1, sim.Full)
			c.SetTick(sim.Millisecond, tick)
		}
		c.SetTick(sim.Millisecond, tick)
		c.SpinUntil(sim.Never, sim.Cond{Ref: x, Test: sim.Eq, Arg: 3, Order: sim.Acquire})
	}, func(c *sim.CPU) { c.Load(x) })
	p.MustEnd = true
	for m := range numModels {
		if s := search(t, p, Options{Model: m, Bound: 1}); s.Violation != nil || s.Executions == 0 {
			t.Errorf("%v: %+v", m, s)
		}
	}
	p.Threads[0].Body = func(c *sim.CPU) {
		var tick sim.Handler
		tick = func(c *sim.CPU) { c.SetTick(sim.Millisecond, tick) }
		c.SetTick(sim.Millisecond, tick)
		c.SpinUntil(sim.Never, sim.Cond{Ref: x, Test: sim.Ne})
	}
	if s := search(t, p, Options{Bound: 0}); s.Violation == nil {
		t.Error("a spin-wait that nothing ends but ticks was no deadlock")
	}
}

// The hook on the way back from an interrupt runs in the interrupted task,
// which goes on with the operation that it had arrived at.
func TestReturnHook(t *testing.T) {
	x := variable(vx)
	hooked := 0
	p := threads(func(c *sim.CPU) {
		c.Store(x, 1)
		if c.Load(x) != 1 {
			Fail(c, "the hook disturbed the task")
		}
	}, func(c *sim.CPU) {
		c.Load(x)
		c.SendIPI(0, func(c *sim.CPU) { c.Load(x) })
	})
	p.Hooks.IRQReturn = func(c *sim.CPU, user bool) {
		hooked++
		c.Load(variable(vy))
	}
	s := search(t, p, Options{Bound: 2})
	if s.Violation != nil || hooked == 0 {
		t.Errorf("%+v, %d hooks", s, hooked)
	}
}

func TestBootRunsFirst(t *testing.T) {
	x := variable(vx)
	p := threads(func(c *sim.CPU) {
		if c.Load(x) != 2 {
			Fail(c, "booted late")
		}
	}, func(c *sim.CPU) { c.Load(x) })
	p.Hooks.Boot = func(c *sim.CPU) { c.FetchAdd(x, 1, sim.Full) }
	for m := range numModels {
		if s := search(t, p, Options{Model: m, Bound: 2}); s.Violation != nil || s.Executions == 0 {
			t.Errorf("%v: %+v", m, s)
		}
	}
}
