package rcu_test

import (
	"fmt"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

const tick = 400 * sim.Nanosecond

const poison = 0x6b6b6b6b6b6b6b6b

var (
	objectLayout = sim.NewLayout("object", 64, 64,
		sim.F("value", 0, 8), sim.F("check", 8, 8), sim.Arr("rcu", 16, 8, 2))
	value    = objectLayout.Field("value")
	check    = objectLayout.Field("check")
	rcuHead  = objectLayout.Field("rcu")
	waitTest = sim.NewWaitReason("test-wait")
)

type world struct {
	*kernel.Base
	mem    *sim.Memory
	shared sim.Ref // the published pointer
	stop   sim.Ref
	cache  *kmem.Cache
}

func newWorld(cpus int, taskCPU []int) *world {
	return boot(kernel.Config{CPUs: cpus, TaskCPU: taskCPU})
}

// newCrowd is a world with more tasks than CPUs, all of which may run anywhere
// and are preempted at any time.
func newCrowd(cpus, tasks int) *world {
	cfg := kernel.Config{CPUs: cpus, Slice: 2 * tick, Preempt: sched.Full}
	for i := range tasks {
		cfg.TaskCPU = append(cfg.TaskCPU, i%cpus)
		cfg.Allowed = append(cfg.Allowed, upTo(cpus))
	}
	return boot(cfg)
}

func boot(cfg kernel.Config) *world {
	mem := sim.NewMemory()
	cfg.TickPeriod, cfg.Pages = tick, kmem.PageOptions{Pages: 256, Batch: 4}
	b := kernel.NewBase(mem, &sim.Symbols{}, cfg)
	o := b.Arena.Object(objectLayout, "root")
	return &world{Base: b, mem: mem, shared: o.F(value), stop: o.F(check),
		cache: b.NewCache(objectLayout, kmem.CacheOptions{})}
}

func upTo(n int) (s []int) {
	for i := range n {
		s = append(s, i)
	}
	return s
}

// readers is ghost state: the read section that each task is in, 0 if none.
type readers struct {
	inside  []int
	section int
}

func (g *readers) enter(i int) { g.section++; g.inside[i] = g.section }
func (g *readers) leave(i int) { g.inside[i] = 0 }

// A callback runs only after every read section that was in progress at
// call_rcu has ended, whatever the CPUs do; and it does run.
func TestGracePeriods(t *testing.T) {
	for _, tasks := range []int{2, 5, 20} { // 20: two leaves and a root
		for seed := range uint64(200 / tasks) {
			gracePeriods(t, tasks, seed)
		}
	}
}

func gracePeriods(t *testing.T, tasks int, seed uint64) {
	w := newWorld(tasks, upTo(tasks))
	g := &readers{inside: make([]int, tasks)}
	before := map[sim.Addr][]int{} // readers inside at call_rcu
	queued, ran := 0, 0
	cb := w.RCU.Register("test", func(c *sim.CPU, head sim.Ptr) {
		for i, s := range before[head.A] {
			if s != 0 && g.inside[i] == s {
				t.Errorf("seed %d: callback runs while task %d is in a section older than it", seed, i)
			}
		}
		delete(before, head.A)
		ran++
	})
	const rounds = 40
	heads := w.Arena.Bytes(uint64(tasks)*rounds*rcu.HeadBytes, 64, nil)
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
			for k := range rounds {
				r := sim.NewRand(seed, uint64(i), uint64(k))
				w.RCU.ReadLock(c)
				g.enter(i)
				if k%4 == 0 {
					c.Think(c.Now() + r.TimeBelow(2*sim.Microsecond)) // several ticks
				}
				c.Compute(1)
				g.leave(i)
				w.RCU.ReadUnlock(c)
				if i < 3 {
					h := heads.Add(uint64(i*rounds+k) * rcu.HeadBytes)
					before[h.A] = append([]int(nil), g.inside...)
					queued++
					w.RCU.CallRCU(c, h, cb)
				}
				c.Think(c.Now() + r.TimeBelow(sim.Microsecond))
			}
			for ran < queued || queued < rounds*min(tasks, 3) {
				c.Think(c.Now() + 100*sim.Nanosecond)
			}
		})
	}
	simtest.Run(t, m)
	if n := m.Counts[sim.NewCounter("rcu_callbacks")]; ran != queued || n != int64(ran) {
		t.Errorf("seed %d: %d callbacks queued, %d ran, %d counted", seed, queued, ran, n)
	}
}

// Readers chase a pointer that is replaced all the time; freed objects are
// poisoned and reused through the slab.
func TestReadersNeverSeeFreedMemory(t *testing.T) {
	const tasks = 4
	freed := 0
	for seed := range uint64(25) {
		w := newWorld(tasks, upTo(tasks))
		cb := w.RCU.Register("free", func(c *sim.CPU, head sim.Ptr) {
			o := sim.At(head.A - sim.Addr(rcuHead.Off))
			c.Store(o.F(value), poison)
			c.Store(o.F(check), 0)
			w.cache.Free(c, o)
			freed++
		})
		publish := func(c *sim.CPU, v uint64) sim.Ptr {
			o := w.cache.Alloc(c)
			c.Store(o.F(value), v)
			c.Store(o.F(check), ^v)
			return sim.At(sim.Addr(c.Xchg(w.shared, uint64(o.A), sim.Release)))
		}
		publish(sim.NewDirect(w.mem), 1)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		for i := range tasks {
			m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
				for k := range uint64(100) {
					if i == 0 || i == 1 && k%3 == 0 {
						w.RCU.CallRCU(c, publish(c, k).Add(uint64(rcuHead.Off)), cb)
						continue
					}
					w.RCU.ReadLock(c)
					p := c.LoadPtr(w.shared)
					v := c.Load(p.F(value))
					if v == poison || c.Load(p.F(check)) != ^v || c.Load(p.F(value)) != v {
						t.Errorf("seed %d: a reader saw freed or reused memory", seed)
					}
					w.RCU.ReadUnlock(c)
				}
			})
		}
		simtest.Run(t, m)
	}
	if freed == 0 {
		t.Error("nothing was ever freed")
	}
}

// A reader that does not end holds its grace period up, and only a reader
// does: a task in user mode, one asleep and CPUs without tasks do not.
func TestWhoHoldsUpAGracePeriod(t *testing.T) {
	w := newWorld(40, []int{0, 1, 17, 33})
	ran := false
	cb := w.RCU.Register("test", func(*sim.CPU, sim.Ptr) { ran = true })
	head := w.Arena.Bytes(rcu.HeadBytes, 64, nil)
	m := simtest.New(w.mem, simtest.Options{Seed: 3})
	m.Kernel(w.Hooks())
	m.Go("updater", 0, func(c *sim.CPU) {
		c.Think(20 * sim.Microsecond) // the sleeper's tick has stopped
		w.RCU.CallRCU(c, head, cb)
		c.Think(60 * sim.Microsecond)
		if ran {
			t.Error("the callback did not wait for the reader")
		}
		c.Store(w.stop, 1)
		c.Think(80 * sim.Microsecond)
		if !ran {
			t.Error("the callback did not run after the reader had left")
		}
		w.Sched.WakeUp(c, w.Sched.Task(3))
	})
	m.Go("reader", 1, func(c *sim.CPU) {
		w.RCU.ReadLock(c)
		c.SpinUntil(sim.Never, sim.Cond{Ref: w.stop, Test: sim.Ne})
		w.RCU.ReadUnlock(c)
		c.Think(100 * sim.Microsecond)
	})
	m.Go("user", 17, func(c *sim.CPU) { c.Think(100 * sim.Microsecond) })
	m.Go("sleeper", 33, func(c *sim.CPU) {
		for c.Load(w.stop) == 0 {
			w.Sched.SetCurrentState(c, sched.Interruptible)
			w.Sched.Schedule(c, waitTest)
		}
	})
	simtest.Run(t, m)
}

// The tick takes callbacks off the list that call_rcu appends to: none may get
// lost, wherever in call_rcu the tick comes.
func TestCallRCUAgainstTick(t *testing.T) {
	const rounds = 300
	for seed := range uint64(20) {
		w := newWorld(1, upTo(1))
		ran := 0
		cb := w.RCU.Register("count", func(*sim.CPU, sim.Ptr) { ran++ })
		heads := w.Arena.Bytes(rounds*rcu.HeadBytes, 64, nil)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		m.Go("updater", 0, func(c *sim.CPU) {
			for k := range uint64(rounds) {
				w.RCU.CallRCU(c, heads.Add(k*rcu.HeadBytes), cb)
				r := sim.NewRand(seed, 0, k)
				next := (c.Now()/tick + 2 + sim.Time(r.Below(4))) * tick
				c.Think(next - r.TimeBelow(8*sim.Nanosecond)) // a tick is due
			}
			c.Think(c.Now() + 20*sim.Microsecond)
		})
		simtest.Run(t, m)
		if ran != rounds {
			t.Fatalf("seed %d: %d of %d callbacks ran", seed, ran, rounds)
		}
	}
}

// A CPU with callbacks keeps its tick although it idles, so they run.
func TestCallbacksOfAnIdleCPU(t *testing.T) {
	w := newWorld(2, upTo(2))
	cb := w.RCU.Register("wake", func(c *sim.CPU, _ sim.Ptr) {
		c.Store(w.stop, 1)
		w.Sched.WakeUp(c, w.Sched.Task(0))
	})
	head := w.Arena.Bytes(rcu.HeadBytes, 64, nil)
	for seed := range uint64(20) {
		m := simtest.New(w.mem.Clone(), simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		for i := range 2 {
			m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
				if i == 0 {
					w.RCU.CallRCU(c, head, cb)
				}
				for c.Load(w.stop) == 0 && i == 0 {
					w.Sched.SetCurrentState(c, sched.Uninterruptible)
					if c.Load(w.stop) != 0 {
						break
					}
					w.Sched.Schedule(c, waitTest)
				}
				w.Sched.SetRunning(c)
			})
		}
		simtest.Run(t, m)
	}
}

// Readers write no line that another CPU touches.
func TestReadersWriteNoSharedLine(t *testing.T) {
	w := newWorld(2, upTo(2))
	lines := map[sim.Addr]int{}
	m := simtest.New(w.mem, simtest.Options{Seed: 1, Trace: func(o simtest.Op) {
		if o.Ref.A == 0 {
			return
		}
		line := o.Ref.A &^ 63
		if cpu, ok := lines[line]; ok && cpu != o.CPU {
			t.Errorf("line %#x is touched by both CPUs", uint64(line))
		}
		lines[line] = o.CPU
	}})
	for i := range 2 {
		m.Go("reader", i, func(c *sim.CPU) {
			for range 10 {
				w.RCU.ReadLock(c)
				w.RCU.TraceReadLock(c)
				w.RCU.TraceReadUnlock(c)
				w.RCU.ReadUnlock(c)
			}
		})
	}
	simtest.Run(t, m)
	for i := range 2 {
		if n := w.mem.Read(w.Sched.Task(sim.TaskID(i)).F(sched.TaskTrcNesting).A, 4); n != 0 {
			t.Errorf("task %d is left with trc_reader_nesting %#x", i, n)
		}
	}
}
