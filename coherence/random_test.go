package coherence

import (
	"flag"
	"fmt"
	"testing"

	"mmsim/sim"
)

func smallMachine(clusters bool) *Params {
	ns := sim.Nanosecond
	p := &Params{
		Topology:  Topology{Sockets: 2, ClustersPerSocket: 1, CoresPerCluster: 3, ThreadsPerCore: 1, Hops: [][]int{{0, 1}, {1, 0}}},
		LineBytes: 64,
		L1D:       CacheGeometry{Bytes: 64, Ways: 1},
		L2:        CacheGeometry{Bytes: 64 * 2, Ways: 2},
		AgentLeg:  3 * ns, FabricLeg: 2 * ns, SocketLeg: []sim.Time{17 * ns}, AgentLookup: ns, LLCData: 2 * ns,
		OwnerPipeline: 6 * ns, Invalidate: 4 * ns, MemoryLatency: 40 * ns,
		AgentOccupancy: ns, LineOccupancy: 2 * ns, LinkOccupancy: ns, MemoryOccupancy: ns, InterleaveBytes: 4096,
	}
	if clusters {
		p.Topology.ClustersPerSocket, p.Topology.CoresPerCluster = 2, 2
		p.Domain = ScopeCluster
	}
	return p
}

var rounds = flag.Int("rounds", 1, "seeds per machine of the random tester")

func TestRandom(t *testing.T) {
	for _, proto := range []Protocol{MESI, MESIF, MOESI} {
		for _, kind := range []string{"none", "inclusive", "non-inclusive", "victim"} {
			t.Run(fmt.Sprintf("%s/%s", [...]string{"mesi", "mesif", "moesi"}[proto], kind), func(t *testing.T) {
				t.Parallel()
				randomVariants(t, proto, kind)
			})
		}
	}
}

// randomVariants runs a protocol and LLC kind under every domain scope,
// release rule, arbitration, home placement and kind of sharer directory.
func randomVariants(t *testing.T, proto Protocol, kind string) {
	events, evictions := 0, 0
	for seed := range variants * uint64(*rounds) {
		v := seed % variants
		p := variant(proto, kind, v)
		x := newTester(p, seed, 10, 14)
		if err := x.run(); err != nil {
			t.Fatalf("seed %d (domain %d, release %d, arbitration %d, home %d, memory directory %v): %v", seed,
				p.Domain, p.Release, p.Arbitration, p.Home, p.MemoryDirectory, err)
		}
		events += x.events
		evictions += x.evicted
	}
	if evictions == 0 {
		t.Fatal("no line was ever evicted: the caches are too large for this test")
	}
	t.Logf("%d events, %d evictions", events, evictions)
}

const variants = 2 * 2 * 2 * 3 * 2

// variant numbers the combinations of what is not protocol or LLC kind.
func variant(proto Protocol, kind string, v uint64) *Params {
	digit := func(n uint64) uint64 { d := v % n; v /= n; return d }
	p := smallMachine(digit(2) == 1)
	p.Protocol, p.Release, p.Arbitration = proto, Release(digit(2)), Arbitration(digit(2))
	p.Home, p.MemoryDirectory = HomePlacement(digit(3)), digit(2) == 1
	if kind != "none" {
		p.LLC = CacheGeometry{Bytes: 64 * 4, Ways: 2}
		p.LLCKind = map[string]LLCKind{"inclusive": Inclusive, "non-inclusive": NonInclusive, "victim": Victim}[kind]
	}
	return p
}
