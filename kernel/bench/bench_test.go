package bench_test

import (
	"fmt"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/bench"
	"mmsim/kernel/locking/kinds"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// world is a kernel with one task on each CPU.
type world struct {
	*kernel.Base
	mem   *sim.Memory
	tasks int
}

func newWorld(tasks int) *world {
	mem := sim.NewMemory()
	cfg := kernel.Config{CPUs: tasks, TickPeriod: sim.Microsecond}
	for i := range tasks {
		cfg.TaskCPU = append(cfg.TaskCPU, i)
	}
	return &world{kernel.NewBase(mem, &sim.Symbols{}, cfg), mem, tasks}
}

func (w *world) run(t *testing.T, what string, seed uint64, body func(c *sim.CPU, task int)) {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	for i := range w.tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) { body(c, i) })
	}
	if err := m.Run(); err != nil {
		t.Fatalf("%s, seed %d: %v", what, seed, err)
	}
}

func sizes(objects int) bench.Sizes {
	return bench.Sizes{Objects: objects, LineBytes: 64, OwnLines: 1, SharedLines: 3}
}

// Each write section adds one to every line that it writes, by a load and a
// store: none is lost under any lock, nested or not.
func TestWriteSectionsLoseNothing(t *testing.T) {
	const tasks, rounds, locks = 4, 6, 3
	s := &bench.Section{OwnLines: 1, SharedReads: 1, SharedWrites: 2, Hold: 3}
	for _, kind := range bench.LockKinds() {
		for seed := range uint64(8) {
			w := newWorld(tasks)
			l, err := bench.NewLocks(w.Base, kind.Name, kinds.Options{}, sizes(locks))
			if err != nil {
				t.Fatal(err)
			}
			nest := bench.Nest{Locks: 1 + int(seed%locks), Descending: seed%2 == 1}
			want := make([]uint64, locks)
			w.run(t, kind.Name, seed, func(c *sim.CPU, task int) {
				for k := range uint64(rounds) {
					r := sim.NewRand(seed, uint64(task), k)
					first, mode := int(r.Below(uint64(locks-nest.Locks+1))), sim.LockMode(r.Below(2))
					l.Do(c, first, nest, mode, s)
					for i := first; mode == sim.Exclusive && i < first+nest.Locks; i++ {
						want[i]++
					}
				}
			})
			direct := sim.NewDirect(w.mem)
			for i := range locks {
				for line := range s.SharedWrites {
					if got := l.Written(direct, i, line); got != want[i] {
						t.Fatalf("%s, seed %d: line %d of lock %d counts %d write sections of %d", kind.Name, seed, line, i, got, want[i])
					}
				}
			}
		}
	}
}

// Every event is counted once, whoever reads the total in between.
func TestCountersCountEverything(t *testing.T) {
	const tasks, rounds = 5, 30
	for _, kind := range bench.CounterKinds() {
		for seed := range uint64(6) {
			w := newWorld(tasks)
			k, err := bench.NewCounters(w.Base, kind.Name, sizes(2))
			if err != nil {
				t.Fatal(err)
			}
			w.run(t, kind.Name, seed, func(c *sim.CPU, task int) {
				for range rounds {
					k.Add(c, task%k.Len())
					if n := k.Read(c, 0); n > 3*rounds {
						t.Errorf("%s: a total of %d after at most %d events", kind.Name, n, 3*rounds)
					}
				}
			})
			c := sim.NewDirect(w.mem)
			if a, b := k.Read(c, 0), k.Read(c, 1); a != 3*rounds || b != 2*rounds {
				t.Errorf("%s, seed %d: %d and %d events counted, want %d and %d", kind.Name, seed, a, b, 3*rounds, 2*rounds)
			}
		}
	}
}

// Readers never use an object that was freed (use panics), whatever protects
// them, while updaters replace it and its memory goes round.
func TestReadersNeverUseFreedObjects(t *testing.T) {
	const tasks, rounds = 4, 12
	s := &bench.Section{OwnLines: 1, SharedReads: 3, Hold: 2}
	for _, kind := range bench.RefKinds() {
		for seed := range uint64(10) {
			w := newWorld(tasks)
			r, err := bench.NewRefs(w.Base, kind.Name, kinds.Options{}, sizes(2))
			if err != nil {
				t.Fatal(err)
			}
			w.run(t, kind.Name, seed, func(c *sim.CPU, task int) {
				for k := range rounds {
					if task == 0 || task == 1 && k%4 == 0 {
						r.Replace(c, k%r.Len())
					} else {
						r.Read(c, k%r.Len(), s)
					}
				}
			})
		}
	}
}

func TestImpossibleBenches(t *testing.T) {
	w := newWorld(1)
	if _, err := bench.NewLocks(w.Base, "futex", kinds.Options{}, sizes(1)); err == nil {
		t.Error("a lock of no kind")
	}
	if _, err := bench.NewCounters(w.Base, "abacus", sizes(1)); err == nil {
		t.Error("a counter of no kind")
	}
	if _, err := bench.NewRefs(w.Base, "prayer", kinds.Options{}, sizes(1)); err == nil {
		t.Error("a protection of no kind")
	}
	big := sizes(1)
	big.SharedLines = bench.MaxObjectLines(64) + 1
	if _, err := bench.NewRefs(w.Base, "rcu", kinds.Options{}, big); err == nil {
		t.Error("an object larger than a page")
	}
}
