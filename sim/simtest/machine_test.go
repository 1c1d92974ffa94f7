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
	tick = func(c *sim.CPU) { c.SetTick(sim.Microsecond, tick) }
	for name, boot := range map[string]sim.Handler{"quiet": nil, "ticking": tick} {
		m := New(sim.NewMemory(), Options{})
		m.Kernel(sim.Hooks{Boot: boot, Idle: func(c *sim.CPU, _ sim.TaskID) {
			for {
				c.Idle()
				c.IRQDisable()
			}
		}})
		m.Go("sleeper", 0, func(c *sim.CPU) {
			c.IRQDisable()
			c.SwitchTo(sim.IdleTask, why)
		})
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

// A kernel of two operations: the idle context runs whatever task a mailbox
// names, and a task that sleeps leaves its CPU to the idle context. Tasks wake
// each other through the mailboxes of all CPUs in turn, so they move about.
type mailboxes struct {
	m     *Machine
	boxes []sim.Ref
}

func (k *mailboxes) idle(c *sim.CPU, _ sim.TaskID) {
	for {
		c.IRQDisable()
		if t := c.Xchg(k.boxes[c.ID()], 0, sim.Full); t != 0 {
			c.SwitchTo(sim.TaskID(t-1), sim.Runnable)
			continue
		}
		c.Idle()
	}
}

func (k *mailboxes) sleep(c *sim.CPU, why sim.WaitReason) (prev sim.TaskID) {
	c.IRQDisable()
	prev = c.SwitchTo(sim.IdleTask, why)
	c.IRQEnable()
	return prev
}

func (k *mailboxes) wake(c *sim.CPU, t sim.TaskID, cpu int) {
	c.SetRunnable(t)
	c.Store(k.boxes[cpu], uint64(t)+1)
	c.SendIPI(cpu, func(*sim.CPU) {})
}

func newMailboxes(seed uint64, cpus int) *mailboxes {
	k := &mailboxes{m: New(sim.NewMemory(), Options{Seed: seed})}
	for i := range uint64(cpus) {
		k.boxes = append(k.boxes, sim.At(word).Ref(64*(i+1), 8))
	}
	k.m.Kernel(sim.Hooks{Idle: k.idle,
		Start: func(c *sim.CPU, _ sim.TaskID) { c.IRQEnable() },
		Exit:  func(c *sim.CPU) { k.sleep(c, sim.Runnable) }})
	return k
}

// A task sleeps on one CPU and goes on where it stopped on another, with its
// own handle; one that was not first on its CPU begins with Start.
func TestContextsMove(t *testing.T) {
	why := sim.NewWaitReason("test-wait")
	for seed := range uint64(50) {
		k := newMailboxes(seed, 3)
		var cpus []int
		k.m.Go("mover", 0, func(c *sim.CPU) {
			for range 3 {
				cpus = append(cpus, c.ID())
				if prev := k.sleep(c, why); prev != sim.IdleTask {
					t.Errorf("seed %d: came after task %d, want the idle task", seed, prev)
				}
			}
			c.Store(counter, 1)
		})
		k.m.Go("waker", 1, func(c *sim.CPU) {
			for i := range 3 {
				for !k.sleeping(0) {
					c.Relax()
				}
				k.wake(c, 0, []int{2, 0, 2}[i])
			}
			k.wake(c, 2, 0)
			c.SpinUntil(sim.Never, sim.Cond{Ref: counter, Arg: 2})
		})
		k.m.Go("late", 1, func(c *sim.CPU) {
			if c.ID() != 0 {
				t.Errorf("seed %d: started on CPU %d", seed, c.ID())
			}
			c.SpinUntil(sim.Never, sim.Cond{Ref: counter, Arg: 1})
			c.Store(counter, 2)
		})
		k.m.Use(2)
		Run(t, k.m)
		if !reflect.DeepEqual(cpus, []int{0, 2, 0}) {
			t.Errorf("seed %d: the mover was on CPUs %v", seed, cpus)
		}
	}
}

// sleeping reports that a task has left its CPU and nobody has woken it.
func (k *mailboxes) sleeping(t sim.TaskID) bool {
	x := k.m.tasks[t]
	return x.wait == off && x.why != sim.Runnable
}

// Whatever an interrupt comes over, the task's way back from it runs the
// kernel's hook first, which may use the contract: what was interrupted goes on
// as if it had not been.
func TestReturnFromInterrupt(t *testing.T) {
	a, b := sim.At(word).Ref(8, 8), sim.At(word).Ref(16, 8)
	userSeen, kernelSeen := false, false
	for seed := range uint64(60) {
		m := New(sim.NewMemory(), Options{Seed: seed})
		inside, calls := false, 0
		m.Kernel(sim.Hooks{IRQReturn: func(c *sim.CPU, user bool) {
			if inside || c.InIRQ || c.Task != 0 {
				t.Error("the hook runs in the wrong place")
			}
			inside = true
			calls++
			userSeen, kernelSeen = userSeen || user, kernelSeen || !user
			c.SpinUntil(c.Now()+30*sim.Nanosecond, sim.Cond{Ref: b, Test: sim.Ne})
			inside = false
		}})
		m.Go("task", 0, func(c *sim.CPU) {
			c.Think(200 * sim.Nanosecond)
			if inside || c.Now() < 200*sim.Nanosecond {
				t.Error("an interrupt ended a think")
			}
			if c.SpinUntil(sim.Never, sim.Cond{Ref: a, Arg: 7}, sim.Cond{Ref: a, Arg: 1}) != 1 {
				t.Error("the hook changed the conditions of a spin-wait")
			}
		})
		m.Go("sender", 1, func(c *sim.CPU) {
			for i := range 4 {
				c.SendIPI(0, func(*sim.CPU) {})
				c.Think(c.Now() + sim.Time(i)*70*sim.Nanosecond)
			}
			c.Store(a, 1)
		})
		Run(t, m)
		if calls == 0 {
			t.Errorf("seed %d: the hook never ran", seed)
		}
	}
	if !userSeen || !kernelSeen {
		t.Error("the hook was not called from both modes")
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
