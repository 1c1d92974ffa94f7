package rcu_test

import (
	"fmt"
	"testing"

	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// ways to wait for a grace period.
var ways = []struct {
	name string
	wait func(w *world, c *sim.CPU)
}{
	{"synchronize_rcu", func(w *world, c *sim.CPU) { w.RCU.Synchronize(c) }},
	{"synchronize_rcu_expedited", func(w *world, c *sim.CPU) { w.RCU.SynchronizeExpedited(c) }},
	{"poll", func(w *world, c *sim.CPU) {
		for s := w.RCU.StartPoll(c); !w.RCU.PollState(c, s); {
			c.Think(c.Now() + 200*sim.Nanosecond)
		}
	}},
	{"cond", func(w *world, c *sim.CPU) {
		s := w.RCU.GetState(c)
		c.Think(c.Now() + 500*sim.Nanosecond)
		w.RCU.CondSynchronize(c, s)
		if !w.RCU.PollState(c, s) {
			c.Compute(1)
		}
	}},
}

// Whoever waits for a grace period waits for every section that was in progress
// when it began to wait, on any number of CPUs.
func TestSynchronizeWaitsForReaders(t *testing.T) {
	for _, way := range ways {
		for _, tasks := range []int{2, 5, 20, 256} {
			for seed := range uint64(max(40/tasks, 1)) {
				synchronizes(t, way.name, way.wait, newWorld(tasks, upTo(tasks)), seed)
			}
		}
		for seed := range uint64(8) {
			synchronizes(t, way.name+", crowded", way.wait, newCrowd(3, 9), seed)
		}
	}
}

func synchronizes(t *testing.T, name string, wait func(w *world, c *sim.CPU), w *world, seed uint64) {
	t.Helper()
	tasks, cpus := w.Sched.Tasks(), w.Sched.CPUs()
	g := &readers{inside: make([]int, tasks)}
	updaters, left := min(tasks, 3), min(tasks, 3)
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i%cpus, func(c *sim.CPU) {
			for k := 0; k < 120/(tasks+18) || i >= updaters && left > 0; k++ {
				r := sim.NewRand(seed, uint64(i), uint64(k))
				w.RCU.ReadLock(c)
				g.enter(i)
				c.Think(c.Now() + r.TimeBelow(2*sim.Microsecond))
				g.leave(i)
				w.RCU.ReadUnlock(c)
				if i >= updaters {
					c.Think(c.Now() + r.TimeBelow(sim.Microsecond))
					continue
				}
				before := append([]int(nil), g.inside...)
				wait(w, c)
				for j, s := range before {
					if s != 0 && g.inside[j] == s {
						t.Errorf("%s, %d tasks, seed %d: returned while task %d is in a section older than the call", name, tasks, seed, j)
					}
				}
			}
			if i < updaters {
				left--
			}
		})
	}
	simtest.Run(t, m)
}

// New readers do not hold a grace period up: there is always one inside, but
// none stays.
func TestGracePeriodsEndUnderReaders(t *testing.T) {
	for _, way := range ways {
		for seed := range uint64(5) {
			w := newWorld(3, upTo(3))
			m := simtest.New(w.mem, simtest.Options{Seed: seed})
			m.Kernel(w.Hooks())
			entered, done := [2]int{}, false
			for i := range 2 {
				m.Go("reader", i, func(c *sim.CPU) {
					for !done {
						w.RCU.ReadLock(c)
						entered[i]++
						for other := entered[1-i]; entered[1-i] == other && !done; {
							c.Compute(1) // until the other one is inside as well
						}
						w.RCU.ReadUnlock(c)
						c.Think(c.Now() + 300*sim.Nanosecond) // ticks find it outside
					}
				})
			}
			m.Go("updater", 2, func(c *sim.CPU) {
				for range 5 {
					way.wait(w, c)
				}
				done = true
			})
			simtest.Run(t, m)
		}
	}
}

// Who waits behind synchronize_rcu may free at once.
func TestReadersNeverSeeMemoryFreedAfterSynchronize(t *testing.T) {
	const tasks = 5
	for _, way := range ways {
		for seed := range uint64(10) {
			w := newWorld(tasks, upTo(tasks))
			publish := func(c *sim.CPU, v uint64) sim.Ptr {
				o := w.cache.Alloc(c)
				c.Store(o.F(value), v)
				c.Store(o.F(check), ^v)
				return sim.At(sim.Addr(c.Xchg(w.shared, uint64(o.A), sim.Release)))
			}
			publish(sim.NewDirect(w.mem), 1)
			done := 0
			m := simtest.New(w.mem, simtest.Options{Seed: seed})
			m.Kernel(w.Hooks())
			for i := range tasks {
				m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
					for k := uint64(0); k < 6 && i < 2; k++ {
						old := publish(c, k)
						way.wait(w, c)
						c.Store(old.F(value), poison)
						w.cache.Free(c, old)
					}
					for done++; done < tasks; {
						w.RCU.ReadLock(c)
						p := c.LoadPtr(w.shared)
						v := c.Load(p.F(value))
						if v == poison || c.Load(p.F(check)) != ^v || c.Load(p.F(value)) != v {
							t.Errorf("%s, seed %d: a reader saw freed or reused memory", way.name, seed)
						}
						w.RCU.ReadUnlock(c)
						if i > 1 && done >= 2 {
							return
						}
					}
				})
			}
			simtest.Run(t, m)
		}
	}
}

// An expedited grace period needs no tick: with all CPUs busy in user mode, or
// asleep, interrupts and the idle state answer for them.
func TestExpeditedNeedsNoTick(t *testing.T) {
	for seed := range uint64(40) {
		w := newWorld(20, upTo(20))
		ticks, asleep := 0, false
		w.Sched.OnTick(func(*sim.CPU, bool) bool { ticks++; return false })
		m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: func(o simtest.Op) {
			if asleep && o.Kind == "ipi" && o.Value%2 == 1 {
				t.Errorf("seed %d: an idle CPU was interrupted", seed)
			}
		}})
		m.Kernel(w.Hooks())
		m.Boot(nil) // no ticks
		stop := false
		for i := range 20 {
			m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
				switch {
				case i == 0:
					c.Think(20 * sim.Microsecond)
					asleep = true
					for range 3 {
						w.RCU.SynchronizeExpedited(c)
					}
					asleep = false
					stop = true
					c.Store(w.stop, 1)
					for j := range 20 {
						w.Sched.WakeUp(c, w.Sched.Task(sim.TaskID(j)))
					}
				case i%2 == 0:
					for !stop {
						c.Think(c.Now() + sim.Microsecond)
					}
				default:
					for {
						w.Sched.SetCurrentState(c, sched.Uninterruptible)
						if c.Load(w.stop) != 0 {
							break
						}
						w.Sched.Schedule(c, waitTest)
					}
					w.Sched.SetRunning(c)
				}
			})
		}
		simtest.Run(t, m) // no boot: no ticks
		if ticks != 0 {
			t.Fatalf("%d ticks", ticks)
		}
	}
}

// Callers that want an expedited grace period at the same time share it.
func TestExpeditedIsShared(t *testing.T) {
	const tasks, rounds = 24, 4
	w := newWorld(tasks, upTo(tasks))
	begun := 0
	m := simtest.New(w.mem, simtest.Options{Seed: 7, Trace: func(o simtest.Op) {
		if o.Kind == "store" && o.Ref.A != 0 && w.Arena.Syms.Lookup(o.Ref.A).Field == "expedited_sequence" && o.Value&3 != 0 {
			begun++
		}
	}})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
			for range rounds {
				w.RCU.SynchronizeExpedited(c)
			}
		})
	}
	simtest.Run(t, m)
	if begun < rounds || begun > tasks*rounds/4 {
		t.Errorf("%d grace periods for %d calls of %d tasks", begun, tasks*rounds, tasks)
	}
}

// rcu_barrier returns when every callback queued before, on any CPU, has run.
func TestBarrier(t *testing.T) {
	for _, tasks := range []int{2, 5, 20} {
		for seed := range uint64(max(40/tasks, 2)) {
			w := newWorld(tasks, upTo(tasks))
			const rounds = 4
			queued, ran, left := 0, map[sim.Addr]bool{}, tasks
			cb := w.RCU.Register("test", func(_ *sim.CPU, h sim.Ptr) { ran[h.A] = true })
			heads := w.Arena.Bytes(uint64(tasks)*rounds*8*rcu.HeadBytes, 64, nil)
			var all []sim.Addr
			m := simtest.New(w.mem, simtest.Options{Seed: seed})
			m.Kernel(w.Hooks())
			for i := range tasks {
				m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
					for k := range rounds {
						for range (k + i) % 8 {
							h := heads.Add(uint64(queued) * rcu.HeadBytes)
							queued++
							w.RCU.CallRCU(c, h, cb)
							all = append(all, h.A)
						}
						if i > 1 {
							c.Think(c.Now() + 700*sim.Nanosecond)
							continue
						}
						before := len(all)
						w.RCU.Barrier(c)
						for _, a := range all[:before] {
							if !ran[a] {
								t.Fatalf("%d tasks, seed %d: a callback queued before rcu_barrier has not run", tasks, seed)
							}
						}
					}
					for left--; left > 0 && i > 1; { // keep the ticks of the others' callbacks
						c.Think(c.Now() + sim.Microsecond)
					}
				})
			}
			simtest.Run(t, m)
		}
	}
}

// Callbacks run in batches of ten, ten batches in a row; when they are more, a
// task gets the CPU in between.
func TestCallbackBatches(t *testing.T) {
	const n = 600
	w := newWorld(1, upTo(1))
	ran := 0
	cb := w.RCU.Register("count", func(*sim.CPU, sim.Ptr) { ran++ })
	heads := w.Arena.Bytes(n*rcu.HeadBytes, 64, nil)
	m := simtest.New(w.mem, simtest.Options{Seed: 0})
	m.Kernel(w.Hooks())
	m.Go("updater", 0, func(c *sim.CPU) {
		c.IRQDisable() // so that one grace period is for all of them
		for k := range uint64(n) {
			w.RCU.CallRCU(c, heads.Add(k*rcu.HeadBytes), cb)
		}
		c.IRQEnable()
		seen, most := ran, 0
		for ran < n {
			c.Compute(1)
			most = max(most, ran-seen)
			seen = ran
		}
		if most > 100 || most < 90 {
			t.Errorf("at most %d callbacks ran before the task got the CPU", most)
		}
	})
	simtest.Run(t, m)
	if ran != n {
		t.Errorf("%d of %d callbacks ran", ran, n)
	}
}
