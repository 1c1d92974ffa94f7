package cores

import (
	"testing"

	"mmsim/coherence"
	"mmsim/sim"
)

// Litmus shapes of memory-barriers.txt on the timed engine. Loads wait for
// their value, so what can be seen out of order is what the store buffer does:
// stores behind later loads (SB), and, where it drains out of order, stores
// behind later stores (MP).

const litmusRounds = 40

// storeBuffering runs rounds of SB: each of two threads stores to its own
// word, does something, and loads the other's. Both lines are shared by both
// cores beforehand, so that stores take long and loads hit. It returns how
// often both loads missed both stores.
func storeBuffering(t *testing.T, m *Machine, store func(c *sim.CPU, r sim.Ref), between func(c *sim.CPU, private sim.Ref)) int {
	var got [2][litmusRounds]uint64
	var bodies []func(c *sim.CPU)
	for me := range 2 {
		bodies = append(bodies, func(c *sim.CPU) {
			for i := range litmusRounds {
				base := sim.Addr(0x100000 + i*0x1000)
				mine, theirs := word(base+sim.Addr(me)*256), word(base+sim.Addr(1-me)*256)
				c.Load(mine)
				c.Load(theirs)
				at(c, i+1)
				c.Compute(sim.Cycles(me * i))
				store(c, mine)
				between(c, word(0x10000+sim.Addr(me)*256))
				got[me][i] = c.Load(theirs)
			}
		})
	}
	mustRun(t, m, onCPUs(sim.NewMemory(), bodies...))
	both := 0
	for i := range litmusRounds {
		if got[0][i] == 0 && got[1][i] == 0 {
			both++
		}
	}
	return both
}

func TestStoreBuffering(t *testing.T) {
	once := func(c *sim.CPU, r sim.Ref) { c.Store(r, 1) }
	release := func(c *sim.CPU, r sim.Ref) { c.StoreRelease(r, 1) }
	nothing := func(*sim.CPU, sim.Ref) {}
	for _, v := range []struct {
		name        string
		store       func(c *sim.CPU, r sim.Ref)
		between     func(c *sim.CPU, private sim.Ref)
		x86, others bool // whether both loads may miss both stores
	}{
		{"plain", once, nothing, true, true},
		{"release", release, nothing, true, true},
		{"smp_wmb", once, func(c *sim.CPU, _ sim.Ref) { c.SmpWMB() }, true, true},
		{"smp_mb", once, func(c *sim.CPU, _ sim.Ref) { c.SmpMB() }, false, false},
		{"full-rmw", once, func(c *sim.CPU, p sim.Ref) { c.FetchAdd(p, 1, sim.Full) }, false, false},
		{"relaxed-rmw", once, func(c *sim.CPU, p sim.Ref) { c.FetchAdd(p, 1, sim.Relaxed) }, false, true},
		{"mb-before-atomic", once, func(c *sim.CPU, p sim.Ref) { c.Fence(sim.MBBeforeAtomic); c.AtomicAdd(p, 1) }, false, false},
		{"smp_store_mb", func(c *sim.CPU, r sim.Ref) { c.StoreMB(r, 1) }, nothing, false, false},
		{"xchg", func(c *sim.CPU, r sim.Ref) { c.Xchg(r, 1, sim.Full) }, nothing, false, false},
		{"this_cpu", once, func(c *sim.CPU, p sim.Ref) { c.ThisCPUAdd(p, 1) }, true, true},
	} {
		for o := X86TSO; o <= RISCV; o++ {
			t.Run(label(v.name, classNames[o]), func(t *testing.T) {
				allowed := v.others
				if o == X86TSO {
					allowed = v.x86
				}
				n := storeBuffering(t, classMachine(o, 2, 2, 1), v.store, v.between)
				if (n > 0) != allowed {
					t.Errorf("both loads missed both stores in %d of %d rounds; allowed: %v", n, litmusRounds, allowed)
				}
			})
		}
	}
}

// messagePassing runs rounds of MP: the writer stores data and then a flag,
// the reader waits for the flag and loads the data. The data line has its home
// and a sharer in the other socket, so its ownership comes late; the flag's
// comes soon. It returns how often the reader saw the flag and old data.
func messagePassing(t *testing.T, m *Machine, between func(c *sim.CPU), flagStore func(c *sim.CPU, r sim.Ref)) int {
	m.Mem.Home, m.Mem.InterleaveBytes = coherence.HomeInterleave, sim.PageBytes
	data := func(i int) sim.Ref { return word(sim.Addr(0x101000 + i*0x2000)) } // odd pages: socket 1
	flag := func(i int) sim.Ref { return word(sim.Addr(0x100000 + i*0x2000)) } // even pages: socket 0
	old := 0
	writer := func(c *sim.CPU) {
		for i := range litmusRounds {
			at(c, i+1)
			c.Store(data(i), 1)
			between(c)
			flagStore(c, flag(i))
		}
	}
	reader := func(c *sim.CPU) {
		for i := range litmusRounds {
			c.Load(data(i))
			at(c, i+1)
			c.Compute(sim.Cycles(20 * i))
			c.SpinUntil(sim.Never, sim.Cond{Ref: flag(i), Test: sim.Ne, Order: sim.Acquire})
			if c.Load(data(i)) == 0 {
				old++
			}
		}
	}
	sharer := func(c *sim.CPU) {
		for i := range litmusRounds {
			c.Load(data(i))
			at(c, i+1)
		}
	}
	p := onCPUs(sim.NewMemory(), writer, reader, sharer)
	p.Threads[2].CPU = m.Mem.Topology.Cores() / 2
	mustRun(t, m, p)
	return old
}

func TestMessagePassing(t *testing.T) {
	nothing := func(*sim.CPU) {}
	once := func(c *sim.CPU, r sim.Ref) { c.Store(r, 1) }
	for _, v := range []struct {
		name    string
		between func(c *sim.CPU)
		flag    func(c *sim.CPU, r sim.Ref)
		ordered bool // where stores may drain out of order
	}{
		{"plain", nothing, once, false},
		{"smp_rmb", (*sim.CPU).SmpRMB, once, false},
		{"smp_wmb", (*sim.CPU).SmpWMB, once, true},
		{"smp_mb", (*sim.CPU).SmpMB, once, true},
		{"store-release", nothing, func(c *sim.CPU, r sim.Ref) { c.StoreRelease(r, 1) }, true},
		{"rmw-release", nothing, func(c *sim.CPU, r sim.Ref) { c.FetchAdd(r, 1, sim.Release) }, true},
		{"wmb-rmw-relaxed", (*sim.CPU).SmpWMB, func(c *sim.CPU, r sim.Ref) { c.AtomicAdd(r, 1) }, true},
		{"wmb-rmw-acquire", (*sim.CPU).SmpWMB, func(c *sim.CPU, r sim.Ref) { c.Xchg(r, 1, sim.Acquire) }, true},
		{"rmw-relaxed", nothing, func(c *sim.CPU, r sim.Ref) { c.AtomicAdd(r, 1) }, false},
	} {
		for o := X86TSO; o <= RISCV; o++ {
			t.Run(label(v.name, classNames[o]), func(t *testing.T) {
				n := messagePassing(t, classMachine(o, 2, 3, 1), v.between, v.flag)
				if allowed := !v.ordered && o != X86TSO; (n > 0) != allowed {
					t.Errorf("the reader saw the flag and old data in %d of %d rounds; allowed: %v", n, litmusRounds, allowed)
				}
			})
		}
	}
}

// TestCoherenceOrder: all cores see the writes to one word in one order, on
// every class: no reader sees a counter's values out of order.
func TestCoherenceOrder(t *testing.T) {
	for o := X86TSO; o <= RISCV; o++ {
		m := classMachine(o, 2, 2, 1)
		w := word(0x20000)
		bodies := repeat(2, 60, func(c *sim.CPU) { c.FetchAdd(w, 1, sim.Relaxed) })
		for range 2 {
			last := uint64(0)
			bodies = append(bodies, repeat(1, 200, func(c *sim.CPU) {
				v := c.Load(w)
				if v < last {
					t.Errorf("%s: a reader sees %d after %d", classNames[o], v, last)
				}
				last = v
			})...)
		}
		mustRun(t, m, onCPUs(sim.NewMemory(), bodies...))
	}
}
