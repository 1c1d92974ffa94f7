package workloads

import (
	"strings"
	"testing"

	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
)

const ns = sim.Nanosecond

// testMachine is two sockets of four cores, without SMT.
func testMachine() *cores.Machine {
	return &cores.Machine{
		Name: "test",
		Mem: coherence.Params{
			Topology:  coherence.Topology{Sockets: 2, ClustersPerSocket: 1, CoresPerCluster: 4, ThreadsPerCore: 1, Hops: [][]int{{0, 1}, {1, 0}}},
			LineBytes: 64, Protocol: coherence.MESIF,
			L1D:      coherence.CacheGeometry{Bytes: 32 << 10, Ways: 8, PLRU: true},
			L2:       coherence.CacheGeometry{Bytes: 1 << 20, Ways: 16},
			LLC:      coherence.CacheGeometry{Bytes: 11 << 20, Ways: 11},
			LLCKind:  coherence.Victim,
			AgentLeg: 6 * ns, SocketLeg: []sim.Time{36 * ns},
			AgentLookup: ns, LLCData: ns, OwnerPipeline: 15 * ns, Invalidate: 12 * ns, MemoryLatency: 62 * ns,
			AgentOccupancy: ns, LineOccupancy: 4 * ns, LinkOccupancy: 3 * ns, MemoryOccupancy: 2 * ns,
		},
		Clock: []cores.ClockStep{{Cores: 4, Clock: 3_000_000_000}}, SMTPermille: 1000, L1Latency: 4, L2Latency: 14,
		StoreBuffer: 56, StoreCommit: 1, DrainInOrder: true, MissBuffers: 12,
		Ordering: cores.X86TSO, Costs: cores.InstrCosts{Atomic: 18, MB: 18, ThisCPU: 1}, PauseLength: 40,
		OS: cores.OSCosts{TrapEntry: 440, TrapExit: 270, ContextSwitch: 1500, IdleExit: 500 * ns, IPISend: 200, IPIDelivery: 600 * ns, IRQEntryExit: 500},
	}
}

func TestWhatNoProgramCanBeMadeOf(t *testing.T) {
	hit := Group{Name: "hitters", Path: "uprobe-hit", CPUs: []int{0, 1}}
	with := func(change func(g *Group)) Group {
		g := hit
		change(&g)
		return g
	}
	probe := Group{Name: "probe", Path: "micro"}
	for _, c := range []struct {
		design, want string
		groups       []Group
	}{
		{"mmap-lock", "workload without a group", nil},
		{"mmap-lock", `group hitters: unknown path "uprobe"`, []Group{with(func(g *Group) { g.Path = "uprobe" })}},
		{"mmaplock", `group hitters: path uprobe-hit has no design "mmaplock"`, []Group{hit}},
		{"mmap-lock", "group hitters: no threads", []Group{with(func(g *Group) { g.CPUs = nil })}},
		{"mmap-lock", "group hitters: machine test has no CPU 8 (its CPUs are 0 to 7)", []Group{with(func(g *Group) { g.CPUs = []int{8} })}},
		{"mmap-lock", "group hitters: machine test has no CPU -1 (its CPUs are 0 to 7)", []Group{with(func(g *Group) { g.CPUs = []int{-1} })}},
		{"mmap-lock", "group other: CPU 1 already runs a thread of group hitters",
			[]Group{hit, with(func(g *Group) { g.Name, g.CPUs = "other", []int{2, 1} })}},
		{"mmap-lock", "group hitters: negative interval or think time", []Group{with(func(g *Group) { g.Think = -1 })}},
		{"l1-load", "group probe: path micro must be the only group of an experiment", []Group{probe, probe}},
		{"l1-load", "group probe: path micro places and paces its threads itself: it takes no CPUs, rate or think time",
			[]Group{{Name: "probe", Path: "micro", CPUs: []int{0}}}},
		{"load-m-smt", `group probe: path micro has no design "load-m-smt"`, []Group{probe}},
		{"cas-read-smt", "probe cas-read-smt does not apply to machine test: one thread per core", []Group{probe}},
	} {
		_, err := Build(Spec{Groups: c.groups}, testMachine(), c.design, 1)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v\n\twant %s", err, c.want)
		}
	}
}

func TestBuildProbe(t *testing.T) {
	m := testMachine()
	micro, err := LookupPath("micro")
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Groups: []Group{{Name: "probe", Path: "micro"}}}
	for _, d := range micro.DesignsOn(m) {
		p, err := Build(spec, m, d.Name, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, th := range p.Threads {
			if th.Group != 0 && th.Group != spec.HelperGroup() || th.Path != "micro" {
				t.Errorf("%s: thread %s in group %d on path %s", d.Name, th.Name, th.Group, th.Path)
			}
		}
	}
}

func TestRegistry(t *testing.T) {
	for _, p := range Paths() {
		q, err := LookupPath(p.Name)
		if err != nil || q.Doc != p.Doc || strings.ContainsAny(p.Doc, "\n") {
			t.Errorf("%s: %v %v", p.Name, q, err)
		}
		if !p.PlacesThreads && p.Targets == "" {
			t.Errorf("%s does not say what its targets are", p.Name)
		}
		for _, d := range p.Designs() {
			numbered := strings.ContainsAny(d.Name, "NSZ")
			if d.Doc == "" || p.HasDesign(d.Name) == numbered {
				t.Errorf("%s: design %q: known %v, doc %q", p.Name, d.Name, p.HasDesign(d.Name), d.Doc)
			}
		}
		for _, d := range p.DesignsOn(testMachine()) {
			if !p.HasDesign(d.Name) {
				t.Errorf("%s offers %s, which it does not know", p.Name, d.Name)
			}
		}
	}
}
