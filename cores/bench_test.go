package cores

import (
	"fmt"
	"testing"

	"mmsim/sim"
)

// The patterns of docs/performance.md: 8-byte accesses, one outstanding per
// core, all accounting on.
var patterns = []struct {
	name string
	body func(core int, accesses *int64) func(c *sim.CPU)
}{
	{"private", func(core int, n *int64) func(c *sim.CPU) {
		return randomAccesses(core, n, sim.Addr(1<<20+core*4096), 64, nil)
	}},
	{"rmw-one", func(_ int, n *int64) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			for {
				c.FetchAdd(sim.At(1<<20).Ref(0, 8), 1, sim.Full)
				*n++
			}
		}
	}},
	{"store-one", func(_ int, n *int64) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			for {
				c.Store(sim.At(1<<20).Ref(0, 8), 1)
				*n++
			}
		}
	}},
	{"shared64", func(core int, n *int64) func(c *sim.CPU) {
		return randomAccesses(core, n, 1<<20, 64, nil)
	}},
	{"miss", func(core int, n *int64) func(c *sim.CPU) {
		return randomAccesses(core, n, sim.Addr(1<<20+core*4<<20), 4<<20/64, nil)
	}},
	{"mix", func(core int, n *int64) func(c *sim.CPU) {
		shared := sim.At(1 << 19)
		return randomAccesses(core, n, sim.Addr(1<<20+core*4096), 64, &shared)
	}},
}

// randomAccesses reads (70%) and writes (30%) random lines of an area; with
// shared given, 5% of the accesses are RMW on its 64 lines instead.
func randomAccesses(core int, n *int64, area sim.Addr, lines uint64, shared *sim.Ptr) func(c *sim.CPU) {
	return func(c *sim.CPU) {
		r := sim.NewRand(1, uint64(core), 0)
		for {
			d := r.Uint64()
			kind, line := d%1000, d>>32*lines>>32
			switch {
			case shared != nil && kind < 50:
				c.FetchAdd(shared.Ref(line%64*64, 8), 1, sim.Full)
			case kind < 700:
				c.Load(sim.At(area).Ref(line*64, 8))
			default:
				c.Store(sim.At(area).Ref(line*64, 8), d)
			}
			*n++
		}
	}
}

func benchMachine(cores int) *Machine {
	switch {
	case cores <= 32:
		return testMachine(1, cores, 1)
	case cores <= 64:
		return testMachine(2, cores/2, 1)
	}
	return testMachine(8, cores/8, 1)
}

// BenchmarkAccess reports host ns per simulated access, accesses/s and
// coherence misses/s.
func BenchmarkAccess(b *testing.B) {
	for _, p := range patterns {
		for _, cores := range []int{2, 8, 32, 64, 256, 1024} {
			b.Run(fmt.Sprintf("%s/cores=%d", p.name, cores), func(b *testing.B) {
				benchPattern(b, benchMachine(cores), cores, p.body)
			})
		}
	}
}

func benchPattern(b *testing.B, m *Machine, cores int, body func(int, *int64) func(*sim.CPU)) {
	var n int64
	var bodies []func(c *sim.CPU)
	for i := range cores {
		bodies = append(bodies, body(i, &n))
	}
	e, err := newEngine(m, onCPUs(sim.NewMemory(), bodies...), Options{Seed: 1, Duration: sim.Second, NoProgress: 10 * sim.Second, TaskStall: 10 * sim.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer e.stopAll()
	step := func(target int64) {
		for n < target && e.pendingEvents() > 0 {
			e.events++
			e.handle(e.next())
		}
	}
	step(int64(cores) * 4000) // warm the simulated caches
	start, misses, events := n, e.misses(), e.events
	b.ReportAllocs()
	b.ResetTimer()
	step(start + int64(b.N))
	b.StopTimer()
	done := float64(n - start)
	if n > start+2*int64(b.N)+1000 {
		b.Fatal("a core ran ahead without bound: the others wait for nothing")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/done, "ns/access")
	b.ReportMetric(done/b.Elapsed().Seconds(), "accesses/s")
	b.ReportMetric(float64(e.misses()-misses)/b.Elapsed().Seconds(), "misses/s")
	b.ReportMetric(float64(e.events-events)/done, "events/access")
}

// misses counts the fills of all CPUs so far.
func (e *engine) misses() int64 {
	var n int64
	for _, h := range e.hws {
		if h != nil {
			for m := LLCHits; m <= Upgrades; m++ {
				n += h.acct.Metrics[m]
			}
		}
	}
	return n
}
