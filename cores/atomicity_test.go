package cores

import (
	"testing"

	"mmsim/coherence"
	"mmsim/sim"
)

// Words of the counter tests: the lock, the monitor and the counter that the
// lock protects lie on three lines.
const (
	lockAddr    sim.Addr = 0x10000
	monitorAddr sim.Addr = 0x10040
	counterAddr sim.Addr = 0x10080
)

// flavour increments the counter once.
type flavour struct {
	name      string
	increment func(t *testing.T, c *sim.CPU)
}

var flavours = []flavour{
	{"add-relaxed", func(_ *testing.T, c *sim.CPU) { c.FetchAdd(word(counterAddr), 1, sim.Relaxed) }},
	{"add-full", func(_ *testing.T, c *sim.CPU) { c.FetchAdd(word(counterAddr), 1, sim.Full) }},
	{"add-void", func(_ *testing.T, c *sim.CPU) { c.AtomicAdd(word(counterAddr), 1) }},
	{"cmpxchg-loop", func(_ *testing.T, c *sim.CPU) {
		old := c.Load(word(counterAddr))
		for {
			prev, ok := c.CmpXchg(word(counterAddr), old, old+1, sim.Release)
			if ok {
				return
			}
			old = prev
		}
	}},
	{"xchg-lock", func(t *testing.T, c *sim.CPU) {
		for c.Xchg(word(lockAddr), 1, sim.Acquire) != 0 {
			c.SpinWhile(word(lockAddr), 1, 1)
		}
		critical(t, c)
		c.StoreRelease(word(lockAddr), 0)
	}},
	{"test-and-set-lock", func(t *testing.T, c *sim.CPU) {
		for c.TestAndSetBit(word(lockAddr), 3) {
			c.Relax()
		}
		critical(t, c)
		c.FetchAnd(word(lockAddr), ^uint64(1<<3), sim.Release)
	}},
	{"cmpxchg-lock", func(t *testing.T, c *sim.CPU) {
		for {
			if _, ok := c.CmpXchg(word(lockAddr), 0, 1, sim.Acquire); ok {
				break
			}
			c.SpinUntil(sim.Never, sim.Cond{Ref: word(lockAddr), Arg: 0})
		}
		critical(t, c)
		c.StoreRelease(word(lockAddr), 0)
	}},
}

// critical is a critical section with a mutual-exclusion monitor.
func critical(t *testing.T, c *sim.CPU) {
	me := uint64(c.Task) + 1
	if holder := c.Load(word(monitorAddr)); holder != 0 {
		t.Errorf("%d enters while %d is inside", me, holder)
	}
	c.Store(word(monitorAddr), me)
	v := c.Load(word(counterAddr))
	c.Compute(5)
	c.Store(word(counterAddr), v+1)
	if holder := c.Load(word(monitorAddr)); holder != me {
		t.Errorf("%d leaves and finds %d inside", me, holder)
	}
	c.Store(word(monitorAddr), 0)
}

// TestNoIncrementLost: threads x increments is what the counter ends at, for
// every way to increment it, ordering class, protocol and place where atomics
// execute; with SMT siblings among the threads.
func TestNoIncrementLost(t *testing.T) {
	const each = 12
	placements := []string{"near", "far", "far-unless-held", "far-void"}
	for o := X86TSO; o <= RISCV; o++ {
		for proto := coherence.MESI; proto <= coherence.MOESI; proto++ {
			for place := Near; place <= FarVoid; place++ {
				t.Run(label(classNames[o], protocolNames[proto], placements[place]), func(t *testing.T) {
					for _, f := range flavours {
						m := classMachine(o, 2, 2, 2)
						m.Mem.Protocol, m.Atomics, m.FarOccupy = proto, place, 3*sim.Nanosecond
						p := onCPUs(sim.NewMemory(), repeat(5, each, func(c *sim.CPU) { f.increment(t, c) })...)
						mustRun(t, m, p)
						if got := p.Mem.Read(counterAddr, 8); got != 5*each {
							t.Errorf("%s: the counter ends at %d, want %d", f.name, got, 5*each)
						}
					}
				})
			}
		}
	}
}

// repeat makes bodies that do something n times each.
func repeat(threads, n int, f func(c *sim.CPU)) (bodies []func(c *sim.CPU)) {
	for range threads {
		bodies = append(bodies, func(c *sim.CPU) {
			for range n {
				f(c)
			}
		})
	}
	return bodies
}

// TestThisCPUAdd: an unlocked per-CPU counter loses nothing on its own CPU,
// interrupts that use it included, and costs no atomic.
func TestThisCPUAdd(t *testing.T) {
	m := testMachine(1, 2, 1)
	var bodies []func(c *sim.CPU)
	for i := range 2 {
		mine := word(counterAddr + sim.Addr(i)*64)
		bodies = append(bodies, func(c *sim.CPU) {
			for range 50 {
				c.SetTimer(100*sim.Nanosecond, func(c *sim.CPU) { c.ThisCPUAdd(mine, 1) })
				for range 20 {
					c.ThisCPUAdd(mine, 1)
					c.Compute(10)
				}
			}
			c.Compute(1000)
		})
	}
	p := onCPUs(sim.NewMemory(), bodies...)
	r := mustRun(t, m, p)
	for i := range 2 {
		if got := p.Mem.Read(counterAddr+sim.Addr(i)*64, 8); got != 50*21 {
			t.Errorf("CPU %d counted %d, want %d", i, got, 50*21)
		}
	}
	if total(r, Bounces) != 0 || total(r, RMWs) != 0 {
		t.Errorf("per-CPU counters caused %d bounces and %d locked operations", total(r, Bounces), total(r, RMWs))
	}
}
