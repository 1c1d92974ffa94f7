package cores

import (
	"testing"

	"mmsim/coherence"
	"mmsim/sim"
)

// TestNoSharingNoBounce: one core alone, and cores that share nothing, cause
// no bounce under any protocol, LLC kind or ordering class.
func TestNoSharingNoBounce(t *testing.T) {
	for o := X86TSO; o <= RISCV; o++ {
		for proto := coherence.MESI; proto <= coherence.MOESI; proto++ {
			m := classMachine(o, 2, 2, 1)
			m.Mem.Protocol = proto
			shrink(m, []string{"none", "victim", "inclusive"}[proto])
			var bodies []func(c *sim.CPU)
			for i := range 4 {
				base := sim.At(0x100000 + sim.Addr(i)*0x10000)
				bodies = append(bodies, func(c *sim.CPU) {
					for k := range uint64(100) {
						c.FetchAdd(base.Ref(k%40*64, 8), 1, sim.Full)
						c.Store(base.Ref(k%7*64, 8), k)
						c.Load(base.Ref(k%31*64, 8))
					}
				})
			}
			r := mustRun(t, m, onCPUs(sim.NewMemory(), bodies...))
			if n := total(r, Bounces); n != 0 || len(r.Bounces) != 0 {
				t.Errorf("%s/%s: %d bounces without sharing", classNames[o], protocolNames[proto], n)
			}
		}
	}
}

// alternate runs two CPUs that take turns on a word, far enough apart for one
// turn to end before the next, and returns bounces per round of two turns.
func alternate(t *testing.T, m *Machine, cpus [2]int, turn func(c *sim.CPU, w sim.Ref)) float64 {
	const rounds = 50
	var bodies []func(c *sim.CPU)
	for me := range 2 {
		bodies = append(bodies, func(c *sim.CPU) {
			for i := range rounds {
				at(c, 2*i+me+1)
				turn(c, word(0x20000))
			}
		})
	}
	p := onCPUs(sim.NewMemory(), bodies...)
	p.Threads[0].CPU, p.Threads[1].CPU = cpus[0], cpus[1]
	r := mustRun(t, m, p)
	n := total(r, Bounces)
	for _, b := range r.Bounces {
		if b.Addr != 0x20000 {
			t.Errorf("a bounce on %#x", uint64(b.Addr))
		}
		n -= b.Count
	}
	if n != 0 {
		t.Errorf("the bounce table misses %d bounces", n)
	}
	return float64(total(r, Bounces)) / rounds
}

// TestAlternation: two cores that alternate on one line cost two bounces a
// round when they write blindly, four when they read first, at any distance,
// under any protocol. (The first turn finds the line nowhere.)
func TestAlternation(t *testing.T) {
	blind := func(c *sim.CPU, w sim.Ref) { c.FetchAdd(w, 1, sim.Full) }
	readFirst := func(c *sim.CPU, w sim.Ref) { c.CmpXchg(w, c.Load(w), 7, sim.Full) }
	store := func(c *sim.CPU, w sim.Ref) { c.Store(w, 1) }
	const missing = 0.05 // the first turns
	for proto := coherence.MESI; proto <= coherence.MOESI; proto++ {
		for _, cpus := range [][2]int{{0, 1}, {0, 2}} {
			m := testMachine(2, 2, 2)
			m.Mem.Protocol = proto
			name := label(protocolNames[proto], cpus)
			if n := alternate(t, m, cpus, blind); n < 2-missing || n > 2 {
				t.Errorf("%s: %.2f bounces a round of blind RMW, want 2", name, n)
			}
			if n := alternate(t, m, cpus, store); n < 2-missing || n > 2 {
				t.Errorf("%s: %.2f bounces a round of stores, want 2", name, n)
			}
			if n := alternate(t, m, cpus, readFirst); n < 4-2*missing || n > 4 {
				t.Errorf("%s: %.2f bounces a round of read-then-write, want 4", name, n)
			}
		}
		m := testMachine(2, 2, 2)
		if n := alternate(t, m, [2]int{0, 4}, readFirst); n != 0 {
			t.Errorf("%s: %.2f bounces between SMT siblings, which share their caches", protocolNames[proto], n)
		}
	}
}

// TestFalseSharing: two fields that share a line bounce although no word is
// shared; moved apart by a layout override they do not.
func TestFalseSharing(t *testing.T) {
	together := sim.NewLayout("stats", 64, 64, sim.F("hits", 0, 8), sim.F("misses", 8, 8))
	apart, err := together.Move("misses", 64)
	if err != nil {
		t.Fatal(err)
	}
	bounces := func(l *sim.Layout) *Result {
		base := sim.At(0x20000)
		var bodies []func(c *sim.CPU)
		for _, f := range []string{"hits", "misses"} {
			bodies = append(bodies, func(c *sim.CPU) {
				for range 200 {
					c.FetchAdd(base.F(l.Field(f)), 1, sim.Relaxed)
					c.Compute(50)
				}
			})
		}
		p := onCPUs(sim.NewMemory(), bodies...)
		p.Syms.AddObject(base.A, l, "")
		return mustRun(t, testMachine(1, 2, 1), p)
	}
	r := bounces(together)
	if n := total(r, Bounces); n < 50 {
		t.Errorf("%d bounces with both fields on one line", n)
	}
	seen := map[string]bool{}
	for _, b := range r.Bounces {
		seen[r.Syms.Lookup(b.Addr).String()] = true
	}
	if !seen["stats.hits"] || !seen["stats.misses"] || len(seen) != 2 {
		t.Errorf("bounces are charged to %v", seen)
	}
	if n := total(bounces(apart), Bounces); n != 0 {
		t.Errorf("%d bounces with the fields on lines of their own", n)
	}
}

// TestOwnerBatching: a snoop acts when it arrives, so free-running increments
// cost less than one transfer each, and more cores get no more out of a line.
func TestOwnerBatching(t *testing.T) {
	perBounce := func(cores int) float64 {
		n := int64(0)
		stop := false
		p := onCPUs(sim.NewMemory(), repeat(cores, 1, func(c *sim.CPU) {
			for !stop && c.Now() < 100*sim.Microsecond {
				c.FetchAdd(word(0x20000), 1, sim.Full)
				n++
			}
			stop = true
		})...)
		r := mustRun(t, testMachine(1, cores, 1), p)
		return float64(n) / float64(total(r, Bounces))
	}
	if b := perBounce(2); b <= 1.2 {
		t.Errorf("%.2f increments per transfer between two cores, want a batch", b)
	}
}
