package simtest

import (
	"reflect"
	"strings"
	"testing"

	"mmsim/sim"
)

const word = 0x10000

var counter = sim.At(word).Ref(0, 8)

func increments(atomic bool, seed uint64) uint64 {
	m := New(sim.NewMemory(), Options{Seed: seed})
	for cpu := range 2 {
		m.Go("adder", cpu, func(c *sim.CPU) {
			for range 20 {
				if atomic {
					c.FetchAdd(counter, 1, sim.Relaxed)
				} else {
					c.Store(counter, c.Load(counter)+1)
				}
			}
		})
	}
	if err := m.Run(); err != nil {
		panic(err)
	}
	return m.Mem.Read(word, 8)
}

// Plain increments must lose updates under some schedule, atomic ones never.
func TestInterleavesEveryOperation(t *testing.T) {
	lost := false
	for seed := range uint64(20) {
		lost = lost || increments(false, seed) != 40
		if n := increments(true, seed); n != 40 {
			t.Errorf("seed %d: %d atomic increments, want 40", seed, n)
		}
	}
	if !lost {
		t.Error("no schedule lost a plain increment")
	}
}

func TestSameSeedSameRun(t *testing.T) {
	run := func(seed uint64) (ops []Op) {
		m := New(sim.NewMemory(), Options{Seed: seed, Trace: func(o Op) { ops = append(ops, o) }})
		m.Boot(func(c *sim.CPU) { c.SetTimer(7, func(c *sim.CPU) { c.FetchAdd(counter, 1, sim.Full) }) })
		for cpu := range 3 {
			m.Go("task", cpu, func(c *sim.CPU) {
				for range 30 {
					c.FetchAdd(counter, 1, sim.Full)
				}
			})
		}
		Run(t, m)
		return ops
	}
	if !reflect.DeepEqual(run(3), run(3)) {
		t.Error("two runs with one seed differ")
	}
	if reflect.DeepEqual(run(3), run(7)) {
		t.Error("two seeds give one schedule")
	}
}

func TestDeadlockNamesContexts(t *testing.T) {
	why := sim.NewWaitReason("test-wait")
	step := sim.NewStep("test-step")
	tick := sim.Handler(nil)
	tick = func(c *sim.CPU) { c.SetTimer(sim.Microsecond, tick) }
	for name, boot := range map[string]sim.Handler{"quiet": nil, "ticking": tick} {
		m := New(sim.NewMemory(), Options{})
		if boot != nil {
			m.Boot(boot)
		}
		m.Go("sleeper", 0, func(c *sim.CPU) { c.Park(why) })
		m.Go("spinner", 1, func(c *sim.CPU) {
			c.Step(step)
			c.SpinUntil(sim.Never, sim.Cond{Ref: counter, Test: sim.Ne})
		})
		m.Go("finisher", 2, func(c *sim.CPU) { c.Load(counter) })
		err := m.Run()
		if err == nil {
			t.Fatalf("%s: a deadlock went unnoticed", name)
		}
		for _, want := range []string{"deadlock", "sleeper (cpu0", "sleeps (test-wait)", "spinner (cpu1, step test-step)", "spins on 0x10000"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error lacks %q:\n%v", name, want, err)
			}
		}
		if strings.Contains(err.Error(), "finisher") {
			t.Errorf("%s: error names a finished task:\n%v", name, err)
		}
	}
}

func TestLivelockEnds(t *testing.T) {
	m := New(sim.NewMemory(), Options{MaxOps: 1000})
	m.Go("poller", 0, func(c *sim.CPU) {
		for c.Load(counter) == 0 {
			c.Relax()
		}
	})
	if err := m.Run(); err == nil || !strings.Contains(err.Error(), "no end after 1000 operations") {
		t.Errorf("got %v", err)
	}
}

// An Unpark before the Park is remembered, once.
func TestUnparkBeforePark(t *testing.T) {
	for seed := range uint64(20) {
		m := New(sim.NewMemory(), Options{Seed: seed})
		why := sim.NewWaitReason("test-wait")
		m.Go("sleeper", 0, func(c *sim.CPU) { c.Park(why) })
		m.Go("waker", 1, func(c *sim.CPU) { c.Unpark(0) })
		Run(t, m)
	}
	m := New(sim.NewMemory(), Options{})
	m.Go("sleeper", 0, func(c *sim.CPU) {
		c.Unpark(0)
		c.Unpark(0)
		c.Park(0)
		c.Park(0)
	})
	if m.Run() == nil {
		t.Error("two Unparks were remembered")
	}
}

// An interrupt comes between any two operations of the task on its CPU, but
// not while interrupts are off, and the task does not run during the handler.
func TestInterrupts(t *testing.T) {
	inside := map[uint64]bool{}
	for seed := range uint64(40) {
		m := New(sim.NewMemory(), Options{Seed: seed})
		guard, taken := sim.At(word).Ref(8, 8), sim.At(word).Ref(16, 8)
		m.Go("task", 0, func(c *sim.CPU) {
			on := c.IRQSave()
			c.Store(guard, 1)
			c.Store(guard, 2)
			c.Store(guard, 0)
			c.IRQRestore(on)
			for i := range uint64(4) {
				c.Store(counter, i)
			}
			c.SpinUntil(sim.Never, sim.Cond{Ref: taken, Test: sim.Ne})
		})
		m.Go("sender", 1, func(c *sim.CPU) {
			c.SendIPI(0, func(c *sim.CPU) {
				if c.ID() != 0 || c.Task != 0 || !c.InIRQ {
					t.Error("handler runs in the wrong place")
				}
				inside[c.Load(counter)] = true
				if c.Load(guard) != 0 {
					t.Errorf("seed %d: interrupt while interrupts were off", seed)
				}
				if before := c.Load(counter); before != c.Load(counter) {
					t.Errorf("seed %d: the task ran during the handler", seed)
				}
				c.Store(taken, 1)
			})
		})
		Run(t, m)
	}
	if len(inside) < 3 {
		t.Errorf("interrupts came at %d points only", len(inside))
	}
}

func TestTimersAndThink(t *testing.T) {
	m := New(sim.NewMemory(), Options{})
	var fired []sim.Time
	m.Go("task", 0, func(c *sim.CPU) {
		for _, after := range []sim.Time{300 * sim.Nanosecond, 100 * sim.Nanosecond} {
			c.SetTimer(after, func(c *sim.CPU) { fired = append(fired, c.Now()) })
		}
		c.Think(5 * sim.Millisecond)
		if c.Now() < 5*sim.Millisecond {
			t.Error("thought too short")
		}
		if c.SpinUntil(c.Now()+sim.Microsecond, sim.Cond{Ref: counter, Test: sim.Ne}) != -1 {
			t.Error("the deadline of a spin-wait did not come")
		}
	})
	Run(t, m)
	if len(fired) != 2 || fired[0] < 100*sim.Nanosecond || fired[1] < 300*sim.Nanosecond || fired[1] > sim.Microsecond {
		t.Errorf("timers fired at %v", fired)
	}
}
