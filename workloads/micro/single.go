package micro

import "mmsim/sim"

// Link writes a chain through the lines into memory, each word holding the
// address of the next line and the last one that of the first, in the random
// order that seed decides: every line is visited once per round, so no
// prefetcher and no replacement policy sees a pattern.
func Link(m *sim.Memory, lines []sim.Addr, seed uint64) {
	order := append([]sim.Addr(nil), lines...)
	r := sim.NewRand(seed, 0, 0)
	for i := len(order) - 1; i > 0; i-- {
		j := r.Below(uint64(i) + 1)
		order[i], order[j] = order[j], order[i]
	}
	for i, a := range order {
		m.Write(a, 8, uint64(order[(i+1)%len(order)]))
	}
}

// Chase follows a chain made by Link; one operation is one load that depends
// on the one before (machines.md 4.2, first row). The first warm loads are not
// measured.
func Chase(head sim.Addr, warm int) Body {
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		p := sim.At(head)
		for range warm {
			p = c.LoadPtr(p.Ref(0, 8))
		}
		for {
			measured(c, func(c *sim.CPU) { p = c.LoadPtr(p.Ref(0, 8)) })
		}
	}
}

// Instruction is one uncontended primitive of the CPU contract.
type Instruction struct {
	Name string
	Doc  string
	Do   func(c *sim.CPU, r sim.Ref) // r: a word that this CPU alone uses
}

// Instructions lists the primitives that are probed alone. The base of an
// atomic, fence, acquire or release is what comes out; what it would wait for
// behind other work does not (see StoresThenFence).
func Instructions() []Instruction {
	return []Instruction{
		{"atomic", "atomic_fetch_add_relaxed on a private line", func(c *sim.CPU, r sim.Ref) { c.FetchAdd(r, 1, sim.Relaxed) }},
		{"atomic-acquire", "atomic_fetch_add_acquire on a private line", func(c *sim.CPU, r sim.Ref) { c.FetchAdd(r, 1, sim.Acquire) }},
		{"atomic-release", "atomic_fetch_add_release on a private line", func(c *sim.CPU, r sim.Ref) { c.FetchAdd(r, 1, sim.Release) }},
		{"atomic-full", "atomic_fetch_add on a private line", func(c *sim.CPU, r sim.Ref) { c.FetchAdd(r, 1, sim.Full) }},
		{"cmpxchg", "successful cmpxchg on a private line", cmpxchgSame},
		{"this-cpu-add", "this_cpu_add", func(c *sim.CPU, r sim.Ref) { c.ThisCPUAdd(r, 1) }},
		{"mb", "smp_mb with nothing outstanding", func(c *sim.CPU, _ sim.Ref) { c.SmpMB() }},
		{"rmb", "smp_rmb with nothing outstanding", func(c *sim.CPU, _ sim.Ref) { c.SmpRMB() }},
		{"wmb", "smp_wmb with nothing outstanding", func(c *sim.CPU, _ sim.Ref) { c.SmpWMB() }},
		{"load-acquire", "smp_load_acquire of a private line", func(c *sim.CPU, r sim.Ref) { c.LoadAcquire(r) }},
		{"store-release", "smp_store_release to a private line", func(c *sim.CPU, r sim.Ref) { c.StoreRelease(r, 1) }},
	}
}

// cmpxchgSame exchanges zero for zero: it succeeds each time.
func cmpxchgSame(c *sim.CPU, r sim.Ref) { c.CmpXchg(r, 0, 0, sim.Full) }

// Alone repeats one instruction on a private line that is already owned, with
// a cycle of loop between two.
func Alone(in Instruction, a sim.Addr) Body {
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		c.Store(word(a), 0)
		for {
			c.SmpMB()
			c.Compute(1)
			measured(c, func(c *sim.CPU) { in.Do(c, word(a)) })
		}
	}
}

// StoresThenFence measures k stores to lines that are nowhere in this core's
// caches and the smp_mb behind them (machines.md 4.2, and section 2's isolated
// bursts): what the fence waits for. lines are used in turn, k at a time; there
// must be so many that a line has left the caches when its turn comes again.
func StoresThenFence(lines []sim.Addr, k int) Body {
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		next := 0
		for {
			c.Compute(1)
			measured(c, func(c *sim.CPU) {
				for range k {
					c.Store(word(lines[next]), 1)
					next = (next + 1) % len(lines)
				}
				c.SmpMB()
			})
		}
	}
}

// FetchAdd is one of N free-running threads that increment one word; one
// operation is one increment (machines.md section 2: never used to fit).
func FetchAdd(a sim.Addr) Body {
	return func(c *sim.CPU) {
		for {
			measured(c, func(c *sim.CPU) { c.FetchAdd(word(a), 1, sim.Relaxed) })
		}
	}
}
