package wait_test

import (
	"fmt"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/wait"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

var (
	why = sim.NewWaitReason("test-wait")

	objectLayout = sim.NewLayout("object", 256, 64, append(append(append(append([]sim.Field{
		sim.F("cond", 0, 8), sim.F("ready", 8, 8), sim.F("in", 16, 8)},
		wait.HeadMembers("wq.", 64)...), wait.CompletionMembers("done.", 96)...),
		wait.SemaphoreMembers("sem.", 128)...), sim.F("rcuwait", 192, 8))...)
)

type world struct {
	*kernel.Base
	mem             *sim.Memory
	cond, ready, in sim.Ref
	obj             sim.Ptr
	queues          *wait.Queues
	wq              wait.Queue
	done            wait.Completion
	sem             wait.Semaphore
	rcuwait         wait.RCUWait
}

func newWorld(tasks int) *world {
	mem := sim.NewMemory()
	cpus := make([]int, tasks)
	for i := range cpus {
		cpus[i] = i
	}
	b := kernel.NewBase(mem, &sim.Symbols{}, kernel.Config{CPUs: tasks, TaskCPU: cpus,
		TickPeriod: sim.Microsecond, Pages: kmem.PageOptions{Pages: 64, Batch: 4}})
	k := wait.New(b.Arena, b.Sched, b.Spin)
	o := b.Arena.Object(objectLayout, "")
	w := &world{b, mem, o.Ref(0, 8), o.Ref(8, 8), o.Ref(16, 8), o, k,
		k.At(o.Add(64)), k.CompletionAt(o.Add(96)), k.SemaphoreAt(o.Add(128), why), k.RCUWaitAt(o.Ref(192, 8))}
	c := sim.NewDirect(mem)
	w.wq.Init(c)
	w.done.Init(c)
	w.sem.Init(c, 1)
	return w
}

func (w *world) run(t *testing.T, tasks int, seed uint64, body func(c *sim.CPU, i int)) {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) { body(c, i) })
	}
	simtest.Run(t, m)
}

func seeds(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

// Tasks pass a turn around a wait queue that all of them sleep in; wakers look
// at waitqueue_active first, behind the full barrier.
func TestEventLosesNoWakeup(t *testing.T) {
	for _, tasks := range []int{2, 5, 16} {
		for seed := range uint64(seeds(300 / tasks)) {
			w := newWorld(tasks)
			const rounds = 6
			w.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for k := range uint64(rounds) {
					mine := k*uint64(tasks) + uint64(i)
					w.wq.Event(c, why, func() bool { return c.Load(w.cond) == mine })
					c.Store(w.cond, mine+1)
					c.SmpMB()
					if w.wq.Active(c) {
						w.wq.WakeUpAll(c)
					}
				}
			})
			if w.wq.Active(sim.NewDirect(w.mem)) {
				t.Fatalf("seed %d: an entry is left in the queue", seed)
			}
		}
	}
}

// Exclusive waiters are woken one at a time, first come first served, and those
// that are not exclusive all at once.
func TestExclusiveWakeOrder(t *testing.T) {
	const tasks = 6
	for seed := range uint64(seeds(60)) {
		w := newWorld(tasks)
		var woken []int
		w.run(t, tasks, seed, func(c *sim.CPU, i int) {
			if i == 0 {
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.ready, Arg: tasks - 1})
				c.Think(c.Now() + 20*sim.Microsecond)
				for n := range tasks - 2 {
					w.wq.WakeUp(c)
					c.Think(c.Now() + 20*sim.Microsecond)
					if len(woken) != n+2 {
						t.Errorf("seed %d: %d woken by %d wake-ups", seed, len(woken), n+1)
					}
				}
				return
			}
			c.SpinUntil(sim.Never, sim.Cond{Ref: w.ready, Arg: uint64(i - 1)})
			event, looks := w.wq.EventExclusive, 0
			if i == tasks-1 {
				event = w.wq.Event
			}
			event(c, why, func() bool {
				switch looks++; looks {
				case 1:
					return false
				case 2: // behind prepare_to_wait
					c.FetchAdd(w.ready, 1, sim.Relaxed)
					return false
				}
				woken = append(woken, i)
				return true
			})
		})
		if s := fmt.Sprint(woken); s != "[5 1 2 3 4]" && s != "[1 5 2 3 4]" {
			t.Errorf("seed %d: woken in the order %v", seed, woken)
		}
	}
}

// As many waits as completes end, whichever comes first, and no more.
func TestCompletion(t *testing.T) {
	for _, tasks := range []int{2, 4, 9} {
		for seed := range uint64(seeds(400 / tasks)) {
			w := newWorld(tasks)
			const rounds = 5
			waited, completed := 0, 0
			w.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for k := range rounds * (tasks - 1) {
					if i == 0 {
						completed++
						w.done.Complete(c)
						continue
					}
					if k < rounds {
						w.done.Wait(c, why)
						if waited++; waited > completed {
							t.Errorf("seed %d: a wait ended without its complete", seed)
						}
					}
				}
			})
			if c := sim.NewDirect(w.mem); waited != completed || w.done.TryWait(c) {
				t.Errorf("seed %d: %d waits, %d completes, or done is not 0", seed, waited, completed)
			}
		}
	}
}

// complete_all lets everybody through, also who comes later.
func TestCompleteAll(t *testing.T) {
	const tasks = 6
	for seed := range uint64(seeds(60)) {
		w := newWorld(tasks)
		w.run(t, tasks, seed, func(c *sim.CPU, i int) {
			if i == 0 {
				c.Compute(1)
				w.done.CompleteAll(c)
				return
			}
			w.done.Wait(c, why)
			w.done.Wait(c, why)
			if !w.done.TryWait(c) {
				t.Error("complete_all does not last")
			}
		})
		if n := w.mem.Read(w.obj.A+96, 4); n != 1<<32-1 {
			t.Errorf("done is %#x after complete_all", n)
		}
	}
}

// A wait with a time-out ends at its time, or earlier with the event.
func TestCompletionTimeout(t *testing.T) {
	for seed := range uint64(seeds(60)) {
		w := newWorld(2)
		late := seed%2 == 0
		w.run(t, 2, seed, func(c *sim.CPU, i int) {
			if i == 1 {
				if late {
					c.Think(c.Now() + 200*sim.Microsecond)
				}
				w.done.Complete(c)
				return
			}
			start := c.Now()
			got := w.done.WaitTimeout(c, 50*sim.Microsecond, why)
			took := c.Now() - start
			if got == late || late && took < 50*sim.Microsecond {
				t.Errorf("seed %d: done %v after %v", seed, got, took)
			}
			if !got {
				w.done.Wait(c, why) // the stale timer does no harm
			}
		})
	}
}

// A semaphore of count 1 excludes, and hands over in order of arrival.
func TestSemaphore(t *testing.T) {
	for _, tasks := range []int{2, 5, 16} {
		for seed := range uint64(seeds(200 / tasks)) {
			w := newWorld(tasks)
			tries := 0
			w.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for k := range 8 {
					if (k+i)%4 != 0 {
						w.sem.Down(c)
					} else if !w.sem.TryDown(c) {
						tries++
						continue
					}
					if c.FetchAdd(w.in, 1, sim.Relaxed) != 0 {
						t.Errorf("seed %d: two holders", seed)
					}
					c.Store(w.cond, c.Load(w.cond)+1)
					c.FetchAdd(w.in, ^uint64(0), sim.Relaxed)
					w.sem.Up(c)
				}
			})
			if n := w.mem.Read(w.cond.A, 8); n != uint64(8*tasks-tries) {
				t.Errorf("seed %d: %d sections, %d failed tries of %d", seed, n, tries, 8*tasks)
			}
		}
	}
}

// One task waits, all others tell it, each with a store and rcuwait_wake_up.
func TestRCUWait(t *testing.T) {
	const tasks = 4
	for seed := range uint64(seeds(100)) {
		w := newWorld(tasks)
		w.run(t, tasks, seed, func(c *sim.CPU, i int) {
			for k := range uint64(6) {
				if i != 0 {
					c.FetchAdd(w.cond, 1, sim.Relaxed)
					w.rcuwait.WakeUp(c)
					continue
				}
				w.rcuwait.Event(c, why, func() bool { return c.Load(w.cond) >= k*(tasks-1) })
			}
		})
	}
}
