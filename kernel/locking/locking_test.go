package locking_test

import (
	"fmt"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// objectLayout has one of each lock, and what they protect.
var objectLayout = sim.NewLayout("object", 256, 64, append(locking.RWSemMembers("rwsem", 0),
	sim.F("spin", 64, 4),
	sim.F("seq", 68, 4),
	sim.F("refs", 72, 4),
	sim.F("count", 128, 8),
	sim.F("copy", 136, 8),
	sim.F("holders", 192, 8),
	sim.F("readers", 200, 8),
)...)

// world is a booted kernel with one object.
type world struct {
	*kernel.Base
	mem         *sim.Memory
	syms        *sim.Symbols
	rwsem       locking.RWSem
	spin        locking.SpinLock
	seq         locking.Seqcount
	refs        locking.Refcount
	count, copy sim.Ref
	holders     sim.Ref // monitor: exclusive holders inside
	readers     sim.Ref // monitor: shared holders inside
}

func newWorld(tasks int) *world { return newWorldWith(tasks, nil) }

// newWorldWith is newWorld with other rwsem options.
func newWorldWith(tasks int, opt *locking.RWSemOptions) *world {
	cpus := make([]int, tasks)
	for i := range cpus {
		cpus[i] = i
	}
	return boot(kernel.Config{CPUs: tasks, TaskCPU: cpus, RWSem: opt})
}

// newCrowd is a world with more tasks than CPUs, all of which may run anywhere
// and are preempted at any time.
func newCrowd(cpus, tasks int) *world {
	cfg := kernel.Config{CPUs: cpus, Slice: tick, Preempt: sched.Full}
	for i := range tasks {
		cfg.TaskCPU = append(cfg.TaskCPU, i%cpus)
		cfg.Allowed = append(cfg.Allowed, nil)
		for cpu := range cpus {
			cfg.Allowed[i] = append(cfg.Allowed[i], cpu)
		}
	}
	return boot(cfg)
}

const tick = 500 * sim.Nanosecond

func boot(cfg kernel.Config) *world {
	mem, syms := sim.NewMemory(), &sim.Symbols{}
	cfg.TickPeriod = tick
	b := kernel.NewBase(mem, syms, cfg)
	o := b.Arena.Object(objectLayout, "")
	f := func(name string) sim.Ref { return o.F(objectLayout.Field(name)) }
	w := &world{Base: b, mem: mem, syms: syms, spin: b.Spin.At(f("spin")), seq: locking.Seqcount(f("seq")),
		refs: locking.Refcount(f("refs")), count: f("count"), copy: f("copy"),
		holders: f("holders"), readers: f("readers")}
	w.rwsem = b.RWSems.At(o, locking.RWSemFieldsOf(objectLayout, "rwsem"))
	w.rwsem.Init(sim.NewDirect(mem))
	return w
}

func (w *world) run(t *testing.T, tasks int, seed uint64, body func(c *sim.CPU, i int)) *simtest.Machine {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i%w.Sched.CPUs(), func(c *sim.CPU) { body(c, i) })
	}
	simtest.Run(t, m)
	return m
}

// exclusive is the body of a critical section: the monitor in simulated memory
// must never see a second holder, and a plain increment must not be lost.
func (w *world) exclusive(t *testing.T, c *sim.CPU) {
	if n := c.FetchAdd(w.holders, 1, sim.Relaxed); n != 0 {
		t.Errorf("%s: %d other holders inside", c.Name, n)
	}
	if n := c.Load(w.readers); n != 0 {
		t.Errorf("%s: %d readers inside with a writer", c.Name, n)
	}
	c.Store(w.count, c.Load(w.count)+1)
	c.FetchAdd(w.holders, ^uint64(0), sim.Relaxed)
}

func (w *world) shared(t *testing.T, c *sim.CPU) {
	c.FetchAdd(w.readers, 1, sim.Relaxed)
	before := c.Load(w.count)
	if n := c.Load(w.holders); n != 0 {
		t.Errorf("%s: %d writers inside with a reader", c.Name, n)
	}
	if after := c.Load(w.count); after != before {
		t.Errorf("%s: a write came into a read section", c.Name)
	}
	c.FetchAdd(w.readers, ^uint64(0), sim.Relaxed)
}

const (
	seeds  = 30
	rounds = 12
)

// N tasks x M increments end at N*M under every lock, for 2 tasks (a
// qspinlock's pending waiter) and for more (its queue).
func TestIncrements(t *testing.T) {
	locks := map[string]func(w *world, t *testing.T, c *sim.CPU){
		"spinlock": func(w *world, t *testing.T, c *sim.CPU) {
			w.spin.Lock(c)
			w.exclusive(t, c)
			w.spin.Unlock(c)
		},
		"spinlock-irqsave": func(w *world, t *testing.T, c *sim.CPU) {
			irq := w.spin.LockIRQSave(c)
			w.exclusive(t, c)
			w.spin.UnlockIRQRestore(c, irq)
		},
		"spinlock-trylock": func(w *world, t *testing.T, c *sim.CPU) {
			for !w.spin.TryLock(c) {
				c.Relax()
			}
			w.exclusive(t, c)
			w.spin.Unlock(c)
		},
		"rwsem-write": func(w *world, t *testing.T, c *sim.CPU) {
			w.rwsem.DownWrite(c)
			w.exclusive(t, c)
			w.rwsem.UpWrite(c)
		},
		"rwsem-trylock": func(w *world, t *testing.T, c *sim.CPU) {
			for !w.rwsem.DownWriteTrylock(c) {
				c.Relax()
			}
			w.exclusive(t, c)
			w.rwsem.UpWrite(c)
		},
		"rwsem-downgrade": func(w *world, t *testing.T, c *sim.CPU) {
			w.rwsem.DownWrite(c)
			w.exclusive(t, c)
			w.rwsem.DowngradeWrite(c)
			w.shared(t, c)
			w.rwsem.UpRead(c)
		},
	}
	for name, section := range locks {
		for _, tasks := range []int{2, 3, 6} {
			for seed := range uint64(seeds) {
				w := newWorld(tasks)
				w.run(t, tasks, seed, func(c *sim.CPU, _ int) {
					for range rounds {
						section(w, t, c)
					}
				})
				if n := w.mem.Read(w.count.A, 8); n != uint64(tasks*rounds) {
					t.Fatalf("%s, %d tasks, seed %d: %d increments, want %d", name, tasks, seed, n, tasks*rounds)
				}
				checkIdle(t, w)
			}
		}
	}
}

// checkIdle: locks that nobody holds or waits for are all zero, apart from the
// owner word's hint.
func checkIdle(t *testing.T, w *world) {
	t.Helper()
	c := sim.NewDirect(w.mem)
	if w.spin.IsLocked(c) {
		t.Error("the spinlock's word is not zero")
	}
	if !w.rwsem.DownWriteTrylock(c) {
		t.Fatal("the rwsem's count is not zero")
	}
	w.rwsem.UpWrite(c)
}

// An interrupt handler takes the same lock: without irqsave this deadlocks.
func TestSpinLockIRQSave(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(3)
		section := func(c *sim.CPU) {
			irq := w.spin.LockIRQSave(c)
			w.exclusive(t, c)
			w.spin.UnlockIRQRestore(c, irq)
		}
		w.run(t, 3, seed, func(c *sim.CPU, i int) {
			for range rounds {
				c.SendIPI((i+1)%3, section)
				section(c)
			}
			c.SpinUntil(sim.Never, sim.Cond{Ref: w.count, Arg: 2 * 3 * rounds})
		})
	}
}

func TestSpinLockDeadlocksWithoutIRQSave(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(1)
		section := func(c *sim.CPU) {
			w.spin.Lock(c)
			w.exclusive(t, c)
			w.spin.Unlock(c)
		}
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		m.Boot(nil) // no ticks
		m.Go("task", 0, func(c *sim.CPU) {
			for range rounds {
				c.SendIPI(0, section)
				section(c)
			}
		})
		if m.Run() != nil {
			return
		}
	}
	t.Error("no schedule found the deadlock of an interrupt on the lock's holder")
}

// Readers and writers of an rwsem in every mixture, taken in every way.
func TestRWSemExclusion(t *testing.T) {
	waits := sim.NewCounter("lock_waits")
	slept, together := int64(0), false
	for _, tasks := range []int{2, 4, 7} {
		for seed := range uint64(3 * seeds) {
			w := newWorld(tasks)
			m := w.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for k := range uint64(rounds) {
					r := sim.NewRand(seed, uint64(i), k)
					together = w.mixed(t, c, r.Below(6)) || together
				}
			})
			slept += m.Counts[waits]
			checkIdle(t, w)
		}
	}
	if slept == 0 || !together {
		t.Errorf("not exercised: %d slow paths, readers together: %v", slept, together)
	}
}

// mixed takes the rwsem in one of its ways, and reports whether it saw another
// reader inside.
func (w *world) mixed(t *testing.T, c *sim.CPU, way uint64) (together bool) {
	switch way {
	case 0:
		w.rwsem.DownWrite(c)
		w.exclusive(t, c)
		w.rwsem.UpWrite(c)
	case 1:
		w.rwsem.DownWrite(c)
		w.exclusive(t, c)
		w.rwsem.DowngradeWrite(c)
		w.shared(t, c)
		w.rwsem.UpRead(c)
	case 2:
		if w.rwsem.DownWriteTrylock(c) {
			w.exclusive(t, c)
			w.rwsem.UpWrite(c)
		}
	case 3:
		if w.rwsem.DownReadTrylock(c) {
			w.shared(t, c)
			w.rwsem.UpRead(c)
		}
	default:
		w.rwsem.DownRead(c)
		together = c.Load(w.readers) > 0
		w.shared(t, c)
		w.rwsem.UpRead(c)
	}
	return together
}

// A failed down_read_trylock writes nothing.
func TestRWSemFailedTrylockWritesNothing(t *testing.T) {
	w := newWorld(1)
	w.run(t, 1, 0, func(c *sim.CPU, _ int) {
		w.rwsem.DownWrite(c)
		before := w.mem.Clone()
		if w.rwsem.DownReadTrylock(c) || w.rwsem.DownWriteTrylock(c) {
			t.Error("took a lock that is held")
		}
		for a := w.count.A - 128; a < w.count.A; a += 8 {
			if before.Read(a, 8) != w.mem.Read(a, 8) {
				t.Errorf("a failed trylock wrote at %#x", uint64(a))
			}
		}
		w.rwsem.UpWrite(c)
	})
}

// A reader that retries on a sequence counter never accepts a torn pair.
func TestSeqcount(t *testing.T) {
	retries := 0
	for seed := range uint64(seeds) {
		w := newWorld(3)
		w.run(t, 3, seed, func(c *sim.CPU, i int) {
			for k := range uint64(rounds) {
				if i == 0 {
					w.seq.WriteBegin(c)
					c.Store(w.count, k)
					c.Store(w.copy, k)
					w.seq.WriteEnd(c)
					continue
				}
				for {
					seq := w.seq.ReadBegin(c)
					a, b := c.Load(w.count), c.Load(w.copy)
					if w.seq.Retry(c, seq) {
						retries++
						continue
					}
					if a != b {
						t.Errorf("seed %d: torn read %d, %d", seed, a, b)
					}
					break
				}
			}
		})
	}
	if retries == 0 {
		t.Error("no reader ever had to retry")
	}
}

func TestSeqcountTryBegin(t *testing.T) {
	w := newWorld(1)
	c := sim.NewDirect(w.mem)
	seq, ok := w.seq.TryBegin(c)
	if !ok || w.seq.Retry(c, seq) {
		t.Error("an idle sequence was refused")
	}
	w.seq.WriteBegin(c)
	if _, ok := w.seq.TryBegin(c); ok {
		t.Error("began while a writer was inside")
	}
	if !w.seq.Retry(c, seq) {
		t.Error("a writer inside went unnoticed")
	}
	w.seq.WriteEnd(c)
	if !w.seq.Retry(c, seq) || w.seq.Read(c) != 2 {
		t.Error("a write section went unnoticed")
	}
}

// The last put, and only the last, sees the count reach zero; nobody gets a
// reference from then on.
func TestRefcount(t *testing.T) {
	late := 0
	for seed := range uint64(seeds) {
		w := newWorld(4)
		w.refs.Set(sim.NewDirect(w.mem), 1)
		freed := 0
		w.run(t, 4, seed, func(c *sim.CPU, i int) {
			if i > 0 {
				get := []func(*sim.CPU) bool{nil, w.refs.IncNotZero, w.refs.IncNotZeroAcquire,
					func(c *sim.CPU) bool { _, ok := w.refs.IncNotZeroLimitedAcquire(c, 1<<30); return ok }}[i]
				if !get(c) {
					late++
					return
				}
				if freed > 0 {
					t.Errorf("seed %d: got a reference to a freed object", seed)
				}
				w.refs.Inc(c)
				if w.refs.DecAndTest(c) {
					t.Errorf("seed %d: two references held, one put, and the count is zero", seed)
				}
			}
			if w.refs.DecAndTest(c) {
				freed++
			}
		})
		if freed != 1 {
			t.Errorf("seed %d: freed %d times", seed, freed)
		}
	}
	if late == 0 {
		t.Error("no task ever came after the last put")
	}
}

func TestRefcountLimit(t *testing.T) {
	w := newWorld(1)
	c := sim.NewDirect(w.mem)
	w.refs.Set(c, 4)
	if old, ok := w.refs.IncNotZeroLimitedAcquire(c, 5); !ok || old != 4 {
		t.Errorf("below the limit: %d, %v", old, ok)
	}
	if old, ok := w.refs.IncNotZeroLimitedAcquire(c, 5); ok || old != 5 {
		t.Errorf("at the limit: %d, %v", old, ok)
	}
}

// A count that goes wrong sticks in the saturated zone: no operation brings it
// back, and nobody frees the object.
func TestRefcountSaturation(t *testing.T) {
	w := newWorld(1)
	c, r := sim.NewDirect(w.mem), w.refs
	for _, tc := range []struct {
		name  string
		start uint64
		op    func()
		want  bool // saturated
	}{
		{"inc of 0", 0, func() { r.Inc(c) }, true},
		{"inc of 1", 1, func() { r.Inc(c) }, false},
		{"inc of the maximum", 1<<31 - 1, func() { r.Inc(c) }, true},
		{"inc_not_zero of 0", 0, func() { r.IncNotZero(c) }, false},
		{"inc_not_zero of the maximum", 1<<31 - 1, func() { r.IncNotZero(c) }, true},
		{"inc_not_zero_limited of the maximum", 1<<31 - 1, func() { r.IncNotZeroLimitedAcquire(c, 1<<31) }, true},
		{"put of 0", 0, func() { r.DecAndTest(c) }, true},
		{"put of 2", 2, func() { r.DecAndTest(c) }, false},
		{"dec of 1", 1, func() { r.Dec(c) }, true},
		{"dec of 2", 2, func() { r.Dec(c) }, false},
		{"dec_not_one of 1", 1, func() { r.DecNotOne(c) }, false},
		{"dec_not_one of a saturated count", refcountSaturated, func() { r.DecNotOne(c) }, true},
	} {
		r.Set(c, tc.start)
		if tc.op(); r.Saturated(c) != tc.want {
			t.Errorf("%s: %#x, saturated must be %v", tc.name, r.Read(c), tc.want)
		}
		if tc.want && r.Read(c) != refcountSaturated {
			t.Errorf("%s: %#x", tc.name, r.Read(c))
		}
	}
	for seed := range uint64(seeds) {
		w := newWorld(4)
		w.refs.Set(sim.NewDirect(w.mem), refcountSaturated)
		w.run(t, 4, seed, func(c *sim.CPU, i int) {
			for k := range uint64(rounds) {
				switch r := sim.NewRand(seed, uint64(i), k); r.Below(5) {
				case 0:
					w.refs.Inc(c)
				case 1:
					w.refs.IncNotZero(c)
				case 2:
					w.refs.DecNotOne(c)
				case 3:
					w.refs.Dec(c)
				case 4:
					if w.refs.DecAndTest(c) {
						t.Errorf("seed %d: a saturated count reached zero", seed)
					}
				}
			}
		})
		if got := w.refs.Read(sim.NewDirect(w.mem)); got < refcountSaturated-100 || got > refcountSaturated+100 {
			t.Errorf("seed %d: a saturated count became %#x", seed, got)
		}
	}
}

const refcountSaturated = 0xc000_0000
