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

// An Unpark that comes first is remembered; a wake-up orders what was before it.
func TestParking(t *testing.T) {
	why := sim.NewWaitReason("test-wait")
	for m := range numModels {
		x := variable(vx)
		var seen uint64
		p := threads(func(c *sim.CPU) {
			c.Park(why)
			seen = c.Load(x)
		}, func(c *sim.CPU) {
			c.Store(x, 1)
			c.Unpark(0)
		})
		p.MustEnd = true
		p.Final = func(View) (string, error) { return fmt.Sprint(seen), nil }
		s := search(t, p, Options{Model: m, Bound: 3})
		if s.Violation != nil || states(s) != "1\n" {
			t.Errorf("%v: %+v", m, s)
		}
		p.Threads[1].Body = func(c *sim.CPU) { c.Store(x, 1) }
		if s := search(t, p, Options{Model: m, Bound: 3}); s.Violation == nil {
			t.Errorf("%v: a sleep without a wake-up ended", m)
		}
	}
}

// Two tasks share a CPU by context switches; the idle context takes over when
// both have ended, and waits for interrupts.
func TestSwitching(t *testing.T) {
	x, y := variable(vx), variable(vy)
	for m := range numModels {
		p := threads(func(c *sim.CPU) {
			c.Store(x, 1)
			c.SwitchTo(1, sim.Runnable)
			if c.Load(y) != 2 {
				Fail(c, "the other task has not run")
			}
			c.SwitchTo(sim.IdleTask, sim.Runnable)
			c.Store(x, 3)
		}, func(c *sim.CPU) {
			if c.ID() != 0 || c.Load(x) != 1 {
				Fail(c, "switched to in the wrong place")
			}
			c.Store(y, 2)
			c.SwitchTo(0, sim.Runnable)
			c.Store(y, 3)
		}, func(c *sim.CPU) {
			c.SpinUntil(sim.Never, sim.Cond{Ref: y, Test: sim.Eq, Arg: 2, Order: sim.Acquire})
			c.Store(variable(vz), 1)
			c.SmpMB()
			c.SendIPI(0, func(c *sim.CPU) {})
		})
		p.Threads[1].CPU, p.Threads[2].CPU = 0, 1
		p.Hooks.Idle = func(c *sim.CPU) {
			for next := sim.TaskID(0); ; {
				c.IRQDisable()
				if c.ID() != 0 || next == 2 || next == 0 && c.Load(variable(vz)) == 0 {
					c.Idle()
					continue
				}
				c.IRQEnable()
				next++
				c.SwitchTo(next%2, sim.Runnable)
			}
		}
		p.MustEnd = true
		s := search(t, p, Options{Model: m, Bound: 1})
		if s.Violation != nil || s.Executions == 0 {
			t.Errorf("%v: %+v", m, s)
			if s.Violation != nil {
				t.Log(s.Violation.Invariant, "\n", s.Violation.Trace)
			}
		}
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
