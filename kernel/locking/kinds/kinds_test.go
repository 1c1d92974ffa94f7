package kinds_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/locking/kinds"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// dataLayout is the monitor of one lock: what it protects, and who is inside.
var dataLayout = sim.NewLayout("data", 64, 64,
	sim.F("count", 0, 8), sim.F("copy", 8, 8), sim.F("writers", 16, 8), sim.F("readers", 24, 8))

var (
	count   = dataLayout.Field("count")
	copied  = dataLayout.Field("copy")
	writers = dataLayout.Field("writers")
	readers = dataLayout.Field("readers")
)

type world struct {
	*kernel.Base
	mem  *sim.Memory
	syms *sim.Symbols
	kind kinds.Kind
	l    []kinds.Lock
	data []sim.Ptr
}

func newWorld(t *testing.T, kind string, tasks, locks int, o kinds.Options) *world {
	t.Helper()
	mem, syms := sim.NewMemory(), &sim.Symbols{}
	cpus := make([]int, tasks)
	for i := range cpus {
		cpus[i] = i
	}
	w := &world{mem: mem, syms: syms}
	w.Base = kernel.NewBase(mem, syms, kernel.Config{CPUs: tasks, TaskCPU: cpus, TickPeriod: sim.Time(tasks) * 500 * sim.Nanosecond})
	f := kinds.New(w.Base, o)
	for i := range locks {
		l, err := f.Make(kind, fmt.Sprintf("lock%d", i))
		if err != nil {
			t.Fatal(err)
		}
		w.l = append(w.l, l)
		w.data = append(w.data, w.Arena.Object(dataLayout, ""))
	}
	w.kind, _ = kinds.Find(kind)
	return w
}

func (w *world) run(t *testing.T, tasks int, seed uint64, body func(c *sim.CPU, i int)) *simtest.Machine {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) { body(c, i) })
	}
	if err := m.Run(); err != nil {
		t.Fatalf("%s, %d tasks: %v", w.kind.Name, tasks, err)
	}
	return m
}

// section is what a holder does: it must be alone, or alone with readers.
func (w *world) section(t *testing.T, c *sim.CPU, k int, m sim.LockMode) (together bool) {
	d := w.data[k]
	if m == sim.Shared && w.kind.Shared {
		together = c.FetchAdd(d.F(readers), 1, sim.Relaxed) != 0
		before := c.Load(d.F(count))
		if n := c.Load(d.F(writers)); n != 0 {
			t.Errorf("%s: %s reads with %d writers inside", w.kind.Name, c.Name, n)
		}
		if c.Load(d.F(count)) != before {
			t.Errorf("%s: a write came into a read section", w.kind.Name)
		}
		c.FetchAdd(d.F(readers), ^uint64(0), sim.Relaxed)
		return together
	}
	if n := c.FetchAdd(d.F(writers), 1, sim.Relaxed); n != 0 {
		t.Errorf("%s: %s finds %d holders inside", w.kind.Name, c.Name, n)
	}
	if n := c.Load(d.F(readers)); n != 0 {
		t.Errorf("%s: %s finds %d readers inside", w.kind.Name, c.Name, n)
	}
	if m == sim.Exclusive {
		v := c.Load(d.F(count)) + 1
		c.Store(d.F(count), v)
		c.Store(d.F(copied), v)
	}
	c.FetchAdd(d.F(writers), ^uint64(0), sim.Relaxed)
	return false
}

// take takes lock k in one of its ways and reports whether readers were
// together, and whether it wrote.
func (w *world) take(t *testing.T, c *sim.CPU, k int, way uint64) (together, wrote bool) {
	l, m := w.l[k], sim.LockMode(way%2)
	if way < 4 {
		l.Lock(c, m)
	} else if !l.TryLock(c, m) {
		return false, false
	}
	together = w.section(t, c, k, m)
	l.Unlock(c, m)
	return together, m == sim.Exclusive
}

// Every kind keeps writers alone and lets readers in together, taken in every
// way, by 2 tasks (a pending waiter) up to many.
func TestExclusion(t *testing.T) {
	for _, kind := range kinds.Kinds() {
		met := false
		for _, c := range []struct {
			tasks, rounds int
			seeds         uint64
		}{{2, 12, 30}, {3, 12, 30}, {7, 8, 20}, {64, 2, 2}, {256, 1, 1}} {
			for seed := range c.seeds {
				w := newWorld(t, kind.Name, c.tasks, 1, kinds.Options{})
				writes := uint64(0)
				w.run(t, c.tasks, seed, func(c2 *sim.CPU, i int) {
					for k := range uint64(c.rounds) {
						r := sim.NewRand(seed, uint64(i), k)
						together, wrote := w.take(t, c2, 0, r.Below(6))
						met = met || together
						if wrote {
							writes++
						}
					}
				})
				if n := w.mem.Read(w.data[0].F(count).A, 8); n != writes {
					t.Fatalf("%s, %d tasks, seed %d: %d increments of %d", kind.Name, c.tasks, seed, n, writes)
				}
			}
		}
		if met != kind.Shared {
			t.Errorf("%s: readers met: %v", kind.Name, met)
		}
	}
}

// A held lock refuses a trylock at once, in any mode, and a free one grants it.
func TestTryLockNeverWaits(t *testing.T) {
	for _, kind := range kinds.Kinds() {
		for _, held := range []sim.LockMode{sim.Exclusive, sim.Shared} {
			w := newWorld(t, kind.Name, 2, 1, kinds.Options{})
			flag := w.data[0].F(copied)
			w.run(t, 2, 0, func(c *sim.CPU, i int) {
				l := w.l[0]
				if i == 0 {
					if !l.TryLock(c, held) {
						t.Errorf("%s: a free lock was refused", kind.Name)
					}
					c.Store(flag, 1)
					c.SpinUntil(sim.Never, sim.Cond{Ref: flag, Arg: 2})
					l.Unlock(c, held)
					return
				}
				c.SpinUntil(sim.Never, sim.Cond{Ref: flag, Arg: 1})
				if l.TryLock(c, sim.Exclusive) {
					t.Errorf("%s: taken for %v while held for %v", kind.Name, sim.Exclusive, held)
				}
				want := kind.Shared && held == sim.Shared
				if got := l.TryLock(c, sim.Shared); got != want {
					t.Errorf("%s: a reader's trylock while held for %v: %v", kind.Name, held, got)
				} else if got {
					l.Unlock(c, sim.Shared)
				}
				c.Store(flag, 2)
			})
		}
	}
}

// Several locks held at once, taken in one order and released in another.
func TestNesting(t *testing.T) {
	const locks, tasks = 3, 4
	for _, kind := range kinds.Kinds() {
		for seed := range uint64(10) {
			w := newWorld(t, kind.Name, tasks, locks, kinds.Options{})
			w.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for round := range uint64(4) {
					m := sim.LockMode((round + uint64(i)) % 2)
					for k := range locks {
						w.l[k].Lock(c, m)
						w.section(t, c, k, m)
					}
					for k := range locks {
						w.l[(k+i)%locks].Unlock(c, m)
					}
				}
			})
		}
	}
}

// A preemptible lock leaves the preemption count alone.
func TestPreemptible(t *testing.T) {
	for _, kind := range []string{"tas", "ticket", "mcs"} {
		for _, preemptible := range []bool{false, true} {
			w := newWorld(t, kind, 1, 1, kinds.Options{Preemptible: preemptible})
			w.run(t, 1, 0, func(c *sim.CPU, _ int) {
				w.l[0].Lock(c, sim.Exclusive)
				if got := w.Sched.Preemptible(c); got != preemptible {
					t.Errorf("%s, preemptible %v: held with preemption on: %v", kind, preemptible, got)
				}
				w.l[0].TryLock(c, sim.Exclusive)
				w.l[0].Unlock(c, sim.Exclusive)
				if !w.Sched.Preemptible(c) {
					t.Errorf("%s: preemption stays off", kind)
				}
			})
		}
	}
}

func TestUnknownKind(t *testing.T) {
	w := newWorld(t, "tas", 1, 0, kinds.Options{})
	_, err := kinds.New(w.Base, kinds.Options{}).Make("futex", "")
	if err == nil || !strings.Contains(err.Error(), `"futex"; there are tas, ticket`) {
		t.Errorf("got %v", err)
	}
}
