package cores

import (
	"testing"

	"mmsim/sim"
)

// TestSiblingsShareMisses: a line that one SMT sibling has asked for serves
// the other too: one fill, and both have it at the same time.
func TestSiblingsShareMisses(t *testing.T) {
	m := testMachine(1, 2, 2)
	var done [2]sim.Time
	var bodies []func(c *sim.CPU)
	for i := range 2 {
		bodies = append(bodies, func(c *sim.CPU) {
			c.Compute(sim.Cycles(1000 + 20*i))
			c.Load(word(0x20000 + sim.Addr(8*i)))
			done[i] = c.Now()
		})
	}
	p := onCPUs(sim.NewMemory(), bodies...)
	p.Threads[1].CPU = 2 // sibling of CPU 0
	r := mustRun(t, m, p)
	if n := total(r, MemLocalFills); n != 1 {
		t.Errorf("%d fills for one line, want 1", n)
	}
	if done[0] != done[1] {
		t.Errorf("the siblings have the line at %v and %v", done[0], done[1])
	}
}

// TestSiblingsShareMissBuffers: the core's outstanding misses are one pool.
func TestSiblingsShareMissBuffers(t *testing.T) {
	finished := func(cpu int) sim.Time {
		m := testMachine(1, 2, 2)
		m.MissBuffers = 4
		var end sim.Time
		stores := func(base sim.Addr) func(c *sim.CPU) {
			return func(c *sim.CPU) {
				for i := range uint64(24) {
					c.Store(sim.At(base).Ref(64*i, 8), 1)
				}
				c.SmpMB()
				end = max(end, c.Now())
			}
		}
		p := onCPUs(sim.NewMemory(), stores(0x20000), stores(0x30000))
		p.Threads[1].CPU = cpu
		mustRun(t, m, p)
		return end
	}
	if own, shared := finished(1), finished(2); shared*2 < own*3 {
		t.Errorf("missing stores of two threads take %v on two cores, %v on one", own, shared)
	}
}

// TestSiblingsSlowEachOther: two busy siblings run at the stated share of a
// lone thread's speed; one that waits, thinks, spins or sleeps costs nothing.
func TestSiblingsSlowEachOther(t *testing.T) {
	m := testMachine(1, 1, 2)
	lone := cyc(400 * 50)
	for _, c := range []struct {
		name  string
		other func(c *sim.CPU)
		slow  bool
	}{
		{"computes", func(c *sim.CPU) { c.Compute(100_000) }, true},
		{"hits in L1D", func(c *sim.CPU) {
			for range 100_000 {
				c.Load(word(0x30000))
			}
		}, true},
		{"thinks", func(c *sim.CPU) { c.Think(100 * sim.Microsecond) }, false},
		{"spins", func(c *sim.CPU) { c.SpinUntil(sim.Never, sim.Cond{Ref: word(0x20000), Arg: 1}) }, false},
		{"sleeps", func(c *sim.CPU) { park(c, whyTest) }, false},
	} {
		var took sim.Time
		p := onCPUs(sim.NewMemory(), func(cpu *sim.CPU) {
			cpu.Think(5 * sim.Microsecond)
			start := cpu.Now()
			for range 400 {
				cpu.Compute(50)
			}
			took = cpu.Now() - start
			cpu.Store(word(0x20000), 1)
			unpark(cpu, 1)
		}, c.other)
		mustRun(t, m, p)
		want := lone
		if c.slow {
			want = lone * 1000 / sim.Time(m.SMTPermille)
		}
		if d := took - want; d < -want/100 || d > want/100 {
			t.Errorf("with a sibling that %s, %v of work take %v, want %v", c.name, lone, took, want)
		}
	}
}

// TestSiblingHandover: reading what the sibling has just written costs the
// machine clear, once per write.
func TestSiblingHandover(t *testing.T) {
	m := testMachine(1, 1, 2)
	m.SMTHandover = 100
	var first, second sim.Time
	p := onCPUs(sim.NewMemory(), func(c *sim.CPU) {
		at(c, 2)
		start := c.Now()
		c.Load(word(0x20000))
		first = c.Now() - start
		start = c.Now()
		c.Load(word(0x20000))
		second = c.Now() - start
	}, func(c *sim.CPU) {
		at(c, 1)
		c.FetchAdd(word(0x20000), 1, sim.Full)
	})
	mustRun(t, m, p)
	if hit := cyc(m.L1Latency); second != hit || first != hit+cyc(100) {
		t.Errorf("the reads took %v and %v, want %v and %v", first, second, hit+cyc(100), hit)
	}
}

// TestSiblingRunAhead: a thread that runs hits ahead of global time stops
// before whatever reaches its core, the answers to its sibling's misses and
// far atomics included.
func TestSiblingRunAhead(t *testing.T) {
	for place := Near; place <= FarVoid; place++ {
		m := testMachine(1, 2, 2)
		m.Atomics, m.FarOccupy = place, 10*sim.Nanosecond
		m.Mem.AgentLookup = 20 * sim.Nanosecond
		done := false
		p := onCPUs(sim.NewMemory(), func(c *sim.CPU) {
			for i := range uint64(50) {
				c.AtomicAdd(word(0x20000), 1)
				c.Load(sim.At(0x40000).Ref(64*i, 8))
			}
			done = true
		}, func(c *sim.CPU) {
			for range 50 {
				c.AtomicAdd(word(0x20008), 1)
			}
		}, func(c *sim.CPU) {
			for !done && c.Now() < sim.Millisecond {
				c.Load(word(0x30000))
			}
		})
		mustRunChecked(t, m, p)
	}
}
