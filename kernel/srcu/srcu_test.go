package srcu_test

import (
	"fmt"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/sched"
	"mmsim/kernel/srcu"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

const tick = 10 * sim.Microsecond

type world struct {
	*kernel.Base
	mem *sim.Memory
	ss  *srcu.Struct
}

func newWorld(tasks int, f srcu.Flavor) *world { return newCrowd(tasks, tasks, f) }

// newCrowd is a world in which every task may run anywhere, and is preempted at
// any time.
func newCrowd(cpus, tasks int, f srcu.Flavor) *world {
	mem := sim.NewMemory()
	cfg := kernel.Config{CPUs: cpus, TickPeriod: tick, Slice: tick, Preempt: sched.Full,
		Pages: kmem.PageOptions{Pages: 64, Batch: 4}}
	var all []int
	for cpu := range cpus {
		all = append(all, cpu)
	}
	for i := range tasks {
		cfg.TaskCPU = append(cfg.TaskCPU, i%cpus)
		cfg.Allowed = append(cfg.Allowed, all)
	}
	b := kernel.NewBase(mem, &sim.Symbols{}, cfg)
	return &world{b, mem, b.SRCU.Define("test_srcu", f)}
}

func (w *world) machine(seed uint64) *simtest.Machine {
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	return m
}

// word finds a word of the domain by the name of its field.
func (w *world) word(t *testing.T, field string) sim.Addr {
	t.Helper()
	for a := sim.Addr(1 << 20); a < 1<<24; a += 8 {
		if s := w.Arena.Syms.Lookup(a); s.Field == field && s.Object == "srcu_usage(test_srcu)" {
			return a
		}
	}
	t.Fatal("no field " + field)
	return 0
}

var flavors = map[string]srcu.Flavor{"normal": srcu.Normal, "fast": srcu.Fast}

var ways = map[string]func(w *world, c *sim.CPU){
	"synchronize_srcu":           func(w *world, c *sim.CPU) { w.ss.Synchronize(c) },
	"synchronize_srcu_expedited": func(w *world, c *sim.CPU) { w.ss.SynchronizeExpedited(c) },
}

// section is a read section that one task began; who ends it may be another.
type section struct {
	idx srcu.Index
	id  int
}

// Whoever waits for a grace period waits for every section in progress,
// wherever it is ended; half of them are ended by another task on another CPU.
func TestSynchronizeWaitsForReaders(t *testing.T) {
	for flavor, f := range flavors {
		for way, wait := range ways {
			for _, tasks := range []int{3, 6, 20, 64} {
				for seed := range uint64(max(40/tasks, 1)) {
					name := fmt.Sprintf("%s, %s, %d tasks, seed %d", flavor, way, tasks, seed)
					synchronizes(t, name, newWorld(tasks, f), wait, tasks, 6, seed)
				}
			}
			for seed := range uint64(8) {
				synchronizes(t, fmt.Sprintf("%s, %s, crowded, seed %d", flavor, way, seed), newCrowd(3, 9, f), wait, 9, 6, seed)
			}
		}
	}
}

// The same where the counters of 256 CPUs are summed up.
func TestSynchronizeOn256CPUs(t *testing.T) {
	for way, wait := range ways {
		synchronizes(t, way+", 256 tasks", newWorld(256, srcu.Normal), wait, 256, 1, 0)
	}
}

func synchronizes(t *testing.T, name string, w *world, wait func(w *world, c *sim.CPU), tasks, rounds int, seed uint64) {
	t.Helper()
	inside := map[int]bool{}
	last, left := 0, 2
	var leases []section
	end := func(c *sim.CPU, s section) {
		delete(inside, s.id)
		w.ss.ReadUnlock(c, s.idx)
	}
	m := w.machine(seed)
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i%w.Sched.CPUs(), func(c *sim.CPU) {
			if i < 2 {
				for range rounds {
					var before []int
					for id := range inside {
						before = append(before, id)
					}
					wait(w, c)
					for _, id := range before {
						if inside[id] {
							t.Errorf("%s: returned while section %d, which is older, goes on", name, id)
						}
					}
				}
				left--
			}
			for k := 0; left > 0; k++ {
				r := sim.NewRand(seed, uint64(i), uint64(k))
				s := section{idx: w.ss.ReadLock(c)}
				last++
				s.id = last
				inside[s.id] = true
				c.Think(c.Now() + r.TimeBelow(4*sim.Microsecond))
				if r.Below(2) == 0 {
					leases = append(leases, s)
				} else {
					end(c, s)
				}
				c.Think(c.Now() + r.TimeBelow(2*sim.Microsecond))
				if len(leases) > 0 {
					s := leases[0]
					leases = leases[1:]
					end(c, s)
				}
			}
			for len(leases) > 0 {
				s := leases[0]
				leases = leases[1:]
				end(c, s)
			}
		})
	}
	if err := m.Run(); err != nil {
		t.Fatal(name, err)
	}
}

// Who waits does not wait for a reader that came after the flip, which keeps
// the new index.
func TestReadersAfterTheFlipAreNotWaitedFor(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(3, srcu.Normal)
		gpSeq := w.word(t, "srcu_gp_seq")
		entered, done := false, false
		m := w.machine(seed)
		m.Go("updater", 0, func(c *sim.CPU) {
			for !entered {
				c.Think(c.Now() + sim.Microsecond)
			}
			w.ss.Synchronize(c)
			done = true
		})
		m.Go("old reader", 1, func(c *sim.CPU) {
			idx := w.ss.ReadLock(c)
			entered = true
			for w.mem.Read(gpSeq, 8)&3 != 2 {
				c.Think(c.Now() + sim.Microsecond)
			}
			c.Think(c.Now() + 30*sim.Microsecond)
			if done {
				t.Errorf("seed %d: did not wait for the reader at the old index", seed)
			}
			w.ss.ReadUnlock(c, idx)
		})
		m.Go("new reader", 2, func(c *sim.CPU) {
			for w.mem.Read(gpSeq, 8)&3 != 2 {
				c.Think(c.Now() + sim.Microsecond)
			}
			idx := w.ss.ReadLock(c)
			for !done {
				c.Think(c.Now() + sim.Microsecond)
			}
			w.ss.ReadUnlock(c, idx)
		})
		simtest.Run(t, m)
	}
}

// A domain's grace periods do not wait for the readers of another.
func TestDomainsAreIndependent(t *testing.T) {
	w := newWorld(2, srcu.Normal)
	other := w.SRCU.Define("other", srcu.Normal)
	done := false
	m := w.machine(1)
	m.Go("updater", 0, func(c *sim.CPU) {
		w.ss.Synchronize(c)
		done = true
	})
	m.Go("reader", 1, func(c *sim.CPU) {
		idx := other.ReadLock(c)
		for !done {
			c.Think(c.Now() + sim.Microsecond)
		}
		other.ReadUnlock(c, idx)
	})
	simtest.Run(t, m)
}

// Callbacks of call_srcu run after their readers and free; many grace periods
// overlap.
func TestReadersNeverSeeFreedMemory(t *testing.T) {
	const poison = 0x6b6b6b6b6b6b6b6b
	layout := sim.NewLayout("object", 64, 64, sim.F("value", 0, 8), sim.Arr("rcu", 16, 8, 2))
	const tasks, rounds = 4, 15
	for flavor, f := range flavors {
		for seed := range uint64(20) {
			w := newWorld(tasks, f)
			shared := w.Arena.Object(layout, "root").Ref(0, 8)
			pool := w.Arena.Bytes(2*rounds*64+64, 64, layout)
			freed, used := 0, uint64(0)
			cb := w.RCU.Register("free", func(c *sim.CPU, head sim.Ptr) {
				c.Store(sim.At(head.A-16).Ref(0, 8), poison)
				freed++
			})
			publish := func(c *sim.CPU) sim.Ptr {
				o := pool.Add(used * 64)
				used++
				return sim.At(sim.Addr(c.Xchg(shared, uint64(o.A), sim.Release)))
			}
			publish(sim.NewDirect(w.mem))
			m := w.machine(seed)
			for i := range tasks {
				m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
					for range rounds {
						if i < 2 {
							w.ss.Call(c, publish(c).Add(16), cb)
							c.Think(c.Now() + sim.Microsecond)
						}
					}
					for freed < 2*rounds {
						idx := w.ss.ReadLock(c)
						p := c.LoadPtr(shared)
						c.Think(c.Now() + 100*sim.Nanosecond)
						if c.Load(p.Ref(0, 8)) == poison {
							t.Errorf("%s, seed %d: a reader saw freed memory", flavor, seed)
						}
						w.ss.ReadUnlock(c, idx)
					}
				})
			}
			simtest.Run(t, m)
		}
	}
}

// The read side as section 11 has it: per-CPU counters, and fences in the normal
// flavour only.
func TestReaderSequences(t *testing.T) {
	lock, unlock := []string{"load srcu_ctrp", "add srcu_ctrs[0].srcu_locks"}, []string{"add srcu_ctrs[0].srcu_unlocks"}
	fence := []string{"smp_mb"}
	for flavor, want := range map[srcu.Flavor][]string{
		srcu.Normal: append(append(append(lock[:2:2], fence...), fence...), unlock...),
		srcu.Fast:   append(lock[:2:2], unlock...),
	} {
		w := newWorld(1, flavor)
		var ops []string
		m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
			s := o.Kind
			if o.Ref.A != 0 {
				s += " " + w.Arena.Syms.Lookup(o.Ref.A).Field
			}
			ops = append(ops, s)
		}})
		m.Go("reader", 0, func(c *sim.CPU) { w.ss.ReadUnlock(c, w.ss.ReadLock(c)) })
		simtest.Run(t, m)
		if fmt.Sprint(ops) != fmt.Sprint(want) {
			t.Errorf("got %q\nwant %q", ops, want)
		}
	}
}

// The first grace period after a pause is expedited and takes microseconds; one
// right behind it waits for jiffies.
func TestIdleDomainIsExpedited(t *testing.T) {
	w := newWorld(1, srcu.Normal)
	var took [2]sim.Time
	m := w.machine(0)
	m.Go("updater", 0, func(c *sim.CPU) {
		c.Think(50 * sim.Microsecond)
		for i := range took {
			start := c.Now()
			w.ss.Synchronize(c)
			took[i] = c.Now() - start
		}
	})
	simtest.Run(t, m)
	if took[0] > tick || took[1] < tick {
		t.Errorf("the first took %v, the second %v; a jiffy is %v", took[0], took[1], tick)
	}
}

// A work item that is queued while it runs is run afterwards, by one worker at a
// time, as in a workqueue.
func TestWorkRunsOneAtATime(t *testing.T) {
	const pending, running, again = 1, 2, 4
	const tasks = 4
	queuedWhileRunning := 0
	for seed := range uint64(40) {
		w := newWorld(tasks, []srcu.Flavor{srcu.Normal, srcu.Fast}[seed%2])
		work, last := w.word(t, "work.data"), uint64(0)
		m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: func(o simtest.Op) {
			if o.Ref.A != work || o.Kind == "load" {
				return
			}
			if last&running != 0 && last&pending != 0 && o.Value&running != 0 && o.Value&pending == 0 {
				t.Errorf("seed %d: a second worker took the work", seed)
			}
			if o.Value&again != 0 && last&again == 0 {
				queuedWhileRunning++
			}
			last = o.Value
		}})
		m.Kernel(w.Hooks())
		left := 2
		for i := range tasks {
			m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
				for k := 0; i < 2 && k < 8; k++ {
					w.ss.SynchronizeExpedited(c)
				}
				if i < 2 {
					left--
				}
				for left > 0 {
					idx := w.ss.ReadLock(c)
					w.ss.QueueWork(c)
					c.Think(c.Now() + 2*sim.Microsecond)
					w.ss.ReadUnlock(c, idx)
				}
			})
		}
		simtest.Run(t, m)
	}
	if queuedWhileRunning == 0 {
		t.Error("the work was never queued while it ran")
	}
}
