package cores

import (
	"testing"

	"mmsim/coherence"
	"mmsim/sim"
)

// TestRandomPrograms runs threads that do random operations on a few lines
// with tiny caches, the memory system's invariants checked after every event.
// Every thread has a word of its own on each line that it alone writes, with
// rising values: no reader may ever see one fall, and the writer sees its
// latest. Every line also has a counter that all add to.
func TestRandomPrograms(t *testing.T) {
	for _, kind := range []string{"none", "inclusive", "non-inclusive", "victim"} {
		for proto := coherence.MESI; proto <= coherence.MOESI; proto++ {
			t.Run(label(kind, protocolNames[proto]), func(t *testing.T) {
				t.Parallel()
				for variant := range uint64(12) {
					runRandomProgram(t, kind, proto, variant)
				}
			})
		}
	}
}

const (
	randomLines   = 6
	randomThreads = 5
	randomOps     = 40
)

func runRandomProgram(t *testing.T, kind string, proto coherence.Protocol, variant uint64) {
	m := classMachine([]OrderingClass{X86TSO, ARM64LSE, POWER}[variant%3], 2, 2, 2)
	shrink(m, kind)
	m.Mem.Protocol = proto
	m.Mem.Release = coherence.Release(variant % 2)
	m.Mem.Arbitration = coherence.Arbitration(variant / 2 % 2)
	m.Mem.Home = coherence.HomePlacement(variant % 3)
	m.Mem.AdjacentLine = variant%4 == 3
	m.Atomics = AtomicPlacement(variant / 3 % 4)
	if variant%5 == 4 { // the odd one out among the lookahead's terms
		m.Mem.AgentLookup, m.Mem.OwnerPipeline, m.Mem.Invalidate = 30*sim.Nanosecond, sim.Nanosecond, sim.Nanosecond
	}
	m.MissBuffers = 1 + int(variant%4)
	m.StoreBuffer = 2 + int(variant%5)
	var counts [randomLines]uint64
	var bodies []func(c *sim.CPU)
	for i := range randomThreads {
		r := randomThread{t: t, me: i, rnd: sim.NewRand(variant, uint64(i), 0), counts: &counts}
		bodies = append(bodies, r.body)
	}
	p := onCPUs(sim.NewMemory(), bodies...)
	mustRunChecked(t, m, p)
	for l := range randomLines {
		if got := p.Mem.Read(randomWord(l, 7).A, 8); got != counts[l] {
			t.Errorf("variant %d: counter of line %d ends at %d, want %d", variant, l, got, counts[l])
		}
	}
}

// randomWord is word w of line l; the lines lie on several pages.
func randomWord(l, w int) sim.Ref { return word(0x10000 + sim.Addr(l)*(4096+64) + sim.Addr(w)*8) }

type randomThread struct {
	t      *testing.T
	me     int
	rnd    sim.Rand
	counts *[randomLines]uint64
	seen   [randomLines][randomThreads]uint64 // latest value of each word
}

func (r *randomThread) body(c *sim.CPU) {
	for range randomOps {
		l := int(r.rnd.Below(randomLines))
		mine := randomWord(l, r.me)
		switch r.rnd.Below(9) {
		case 0, 1:
			r.look(c, l, int(r.rnd.Below(randomThreads)))
		case 2, 3:
			r.seen[l][r.me]++
			c.Store(mine, r.seen[l][r.me])
		case 4:
			r.counts[l]++
			c.FetchAdd(randomWord(l, 7), 1, sim.Order(r.rnd.Below(4)))
		case 5:
			r.counts[l]++
			c.AtomicAdd(randomWord(l, 7), 1)
		case 6:
			c.Prefetch(mine, r.rnd.Below(2) == 0)
		case 7:
			c.Fence(sim.Fence(r.rnd.Below(uint64(sim.NumFences))))
		case 8:
			r.seen[l][r.me]++
			c.StoreRelease(mine, r.seen[l][r.me])
			r.look(c, l, r.me)
		}
		c.Compute(sim.Cycles(r.rnd.Below(60)))
	}
}

func (r *randomThread) look(c *sim.CPU, l, whose int) {
	v := c.Load(randomWord(l, whose))
	if v < r.seen[l][whose] || whose == r.me && v != r.seen[l][whose] {
		r.t.Errorf("thread %d reads %d in word %d of line %d, after %d", r.me, v, whose, l, r.seen[l][whose])
	}
	r.seen[l][whose] = v
}
