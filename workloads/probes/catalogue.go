package probes

import (
	"fmt"

	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
	"mmsim/workloads/micro"
)

// Limits of numbered probes.
const (
	maxFenceStores = 256
	maxChaseBytes  = 1 << 30
)

// How many sets of each level a probe's lines are spread over.
const (
	chaseSets  = 4
	memorySets = 1  // few lines: first touch takes a memory access for each
	burstSets  = 64 // as many stores of a burst do not compete for ways
)

func nothing(*cores.Machine) string { return "" }

// lacksPartner is the condition of probes between two CPUs.
func lacksPartner(d Distance, helpers int) func(m *cores.Machine) string {
	return func(m *cores.Machine) string {
		cpu := partner(&m.Mem, d)
		switch {
		case cpu < 0:
			return [...]string{"one thread per core", "one core per LLC domain", "one LLC domain per socket", "one socket"}[d]
		case helpers > 1 && neighbour(&m.Mem, cpu) < 0:
			return "no further core in the helper's LLC domain"
		}
		return ""
	}
}

// loadProbes are pointer chases that one level of the memory system answers.
func loadProbes() []Probe {
	loads := []Probe{
		{ID: "l1-load", Doc: "dependent load, L1D hit", lacks: nothing, build: func(b *builder) {
			b.chase(contiguous(b.p, 16*b.p.LineBytes, anyHome), 2)
		}},
		{ID: "l2-load", Doc: "dependent load, L2 hit", lacks: nothing, build: func(b *builder) {
			b.chase(evictionSet(b.p, []level{levelOf(b.p, b.p.L1D)}, chaseSets, anyHome), 2)
		}},
		{ID: "llc-load", Doc: "dependent load, hit in the LLC of the own domain", lacks: lacksLLC, build: func(b *builder) {
			b.chase(evictionSet(b.p, []level{levelOf(b.p, b.p.L1D), levelOf(b.p, b.p.L2)}, chaseSets, 0), 2)
		}},
		{ID: "dram-local", Doc: "dependent load from the own socket's memory", lacks: nothing, build: func(b *builder) {
			b.chase(beyondCaches(b.p, memorySets, 0), 0)
		}},
		{ID: "dram-remote", Doc: "dependent load from the nearest other socket's memory", lacks: lacksPartner(Remote, 1), build: func(b *builder) {
			lines := beyondCaches(b.p, memorySets, nearestSocket(&b.p.Topology))
			b.chase(lines, 0)
			b.remoteHome(lines)
		}},
	}
	return oneHandOver(loads)
}

func lacksLLC(m *cores.Machine) string {
	if m.Mem.LLC.Bytes == 0 {
		return "no LLC"
	}
	return ""
}

func oneHandOver(ps []Probe) []Probe {
	for i := range ps {
		ps[i].HandOvers = 1
	}
	return ps
}

// chase lets CPU 0 chase through the lines after some unmeasured rounds: two
// until every line is where it stays, none if it is to come from memory, which
// it does from the first time on.
func (b *builder) chase(lines []sim.Addr, unmeasured int) {
	micro.Link(b.mem, lines, b.seed)
	b.nameLines(lines)
	b.measured(0, micro.Chase(lines[0], unmeasured*len(lines)))
}

// remoteHome adds a thread in the nearest other socket if it takes one to make
// that socket the lines' home.
func (b *builder) remoteHome(lines []sim.Addr) {
	if b.p.Home == coherence.HomeFirstTouch {
		b.helper(partner(b.p, Remote), micro.Idle)
		b.homeBy(1, lines...)
	}
}

// aloneProbes are single instructions with nothing to wait for.
func aloneProbes() []Probe {
	var out []Probe
	for _, in := range micro.Instructions() {
		out = append(out, Probe{ID: in.Name, Doc: in.Doc, lacks: nothing, build: func(b *builder) {
			b.measured(0, micro.Alone(in, b.line(micro.WordLayout, "private")))
		}})
	}
	return oneHandOver(out)
}

// casProbes are the two kinds of ping-pong at each distance. The word's home
// is the measured side's socket.
func casProbes() []Probe {
	kinds := []struct {
		name, doc string
		body      func(a sim.Addr, measured bool) micro.Body
	}{
		{"cas-blind", "ping-pong, both sides poll with cmpxchg", micro.BlindCAS},
		{"cas-read", "ping-pong, load until the other side wrote, then cmpxchg", micro.ReadCAS},
	}
	var out []Probe
	for _, k := range kinds {
		for d := SMT; d <= Remote; d++ {
			out = append(out, Probe{
				ID: fmt.Sprintf("%s-%s", k.name, d), HandOvers: 2,
				Doc:   fmt.Sprintf("%s; partner: %s; one operation is a round trip, two hand-overs", k.doc, distanceDocs[d]),
				lacks: lacksPartner(d, 1),
				build: func(b *builder) {
					a := b.line(micro.WordLayout, "ball")
					b.measured(0, k.body(a, true))
					b.helper(partner(b.p, d), k.body(a, false))
					b.homeBy(0, a)
				}})
		}
	}
	return out
}

var distanceDocs = [...]string{"SMT sibling", "core of the same LLC domain", "core of another domain of the socket", "core in the nearest other socket"}

// stateProbes load a line that helpers at a distance left in a state. The
// line's home is the loading side's socket.
func stateProbes() []Probe {
	var out []Probe
	for s := micro.Modified; s <= micro.Forward; s++ {
		for d := Domain; d <= Remote; d++ {
			out = append(out, Probe{
				ID:    fmt.Sprintf("load-%s-%s", s, d),
				Doc:   fmt.Sprintf("load of a line left %s by: %s", stateDocs[s], distanceDocs[d]),
				lacks: lacksState(s, d),
				build: func(b *builder) { b.loadState(s, d) }})
		}
	}
	return oneHandOver(out)
}

var stateDocs = [...]string{"modified", "exclusive", "shared (two cores)", "owned (with a second sharer)", "forward (with a second sharer)"}

func lacksState(s micro.LineState, d Distance) func(m *cores.Machine) string {
	partnerLacks := lacksPartner(d, s.Helpers())
	return func(m *cores.Machine) string {
		if s == micro.Owned && m.Mem.Protocol != coherence.MOESI || s == micro.Forward && m.Mem.Protocol != coherence.MESIF {
			return "its protocol has no such state"
		}
		return partnerLacks(m)
	}
}

func (b *builder) loadState(s micro.LineState, d Distance) {
	lines := beyondCaches(b.p, memorySets, 0)
	b.nameLines(lines)
	probe := &micro.LoadState{State: s, Lines: lines, Turn: b.line(micro.FlagLayout, "turn")}
	cpu := partner(b.p, d)
	b.measured(0, probe.Measured())
	b.helper(cpu, probe.Helper())
	if s.Helpers() > 1 {
		b.helper(neighbour(b.p, cpu), probe.Second())
	}
	b.homeBy(0, lines...)
}

// fetchAddCounts are powers of two, then all cores, then all CPUs.
func fetchAddCounts(m *cores.Machine) []int {
	var out []int
	for n := 1; n < m.Mem.Topology.Cores(); n *= 2 {
		out = append(out, n)
	}
	out = append(out, m.Mem.Topology.Cores())
	if all := m.Mem.Topology.CPUs(); all > m.Mem.Topology.Cores() {
		out = append(out, all)
	}
	return out
}

func fetchAddProbe(n int) Probe {
	return Probe{ID: fmt.Sprintf("fetch-add-%d", n), HandOvers: 1,
		Doc: fmt.Sprintf("free-running atomic increments of one word by CPUs 0 to %d; system-wide cost is the latency divided by %d", n-1, n),
		lacks: func(m *cores.Machine) string {
			if have := m.Mem.Topology.CPUs(); have < n {
				return fmt.Sprintf("%d CPUs", have)
			}
			return ""
		},
		build: func(b *builder) {
			a := b.line(micro.WordLayout, "counter")
			for cpu := range n {
				b.measured(cpu, micro.FetchAdd(a))
			}
			b.homeBy(0, a)
		}}
}

func fenceProbe(k int) Probe {
	return Probe{ID: fmt.Sprintf("fence-k-%d", k), HandOvers: 1,
		Doc: fmt.Sprintf("%d stores that miss to local memory, then smp_mb: the whole burst", k), lacks: nothing,
		build: func(b *builder) {
			lines := beyondCaches(b.p, burstSets, 0)
			b.nameLines(lines)
			b.measured(0, micro.StoresThenFence(lines, k))
			b.homeBy(0, lines...)
		}}
}

func chaseProbe(id string, bytes int) Probe {
	return Probe{ID: id, HandOvers: 1, Doc: "dependent loads in random order over a working set in local memory", lacks: nothing,
		build: func(b *builder) { b.chase(contiguous(b.p, bytes, 0), 0) }}
}
