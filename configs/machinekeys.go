package configs

import (
	"mmsim/coherence"
	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/cores"
	"mmsim/sim"
)

// Limits of the model.
const (
	maxSockets        = 64
	maxCores          = 1024
	maxCoresPerDomain = 256
	maxThreads        = 8 // per core
)

var machineTable = &schema.Table[Machine]{Fresh: freshMachine}

// freshMachine has the defaults of keys that may be left out.
func freshMachine() Machine {
	m := Machine{smt: 600}
	m.hw.Mem.Topology = coherence.Topology{Sockets: 1, ClustersPerSocket: 1, ThreadsPerCore: 1}
	m.hw.Mem.LineBytes = 64
	m.hw.Mem.L1D.PLRU = true
	m.hw.Mem.LLCKind = coherence.Victim
	m.hw.Mem.InterleaveBytes = 4096
	m.hw.StoreCommit = 1
	m.hw.DrainInOrder = true
	m.hw.Costs.ThisCPU = 1
	return m
}

func init() {
	t := machineTable
	schema.Bind(t, "name", schema.Name, "Name of the machine; a preset's is its file name.",
		func(m *Machine) *string { return &m.hw.Name }).Required().Role(schema.Descriptive)
	schema.Bind(t, "title", schema.Text, "One line for lists and reports.",
		func(m *Machine) *string { return &m.hw.Title }).Role(schema.Descriptive)
	bindTopology(t)
	bindClock(t)
	bindCaches(t)
	bindInterconnect(t)
	bindCore(t)
	bindOrdering(t)
	bindOS(t)
	schema.Tables(t, "fact", "Published figures that machine show --micro prints beside the measured ones.",
		schema.Named[Machine, Fact]{Elem: factTable, NameKey: "probe",
			At: func(m *Machine) *[]Fact { return &m.facts }, Name: func(f *Fact) string { return f.Probe }}).Role(schema.Descriptive)
}

func bindTopology(t *schema.Table[Machine]) {
	schema.Bind(t, "topology.sockets", schema.Count(1, maxSockets), "Sockets.",
		func(m *Machine) *int { return &m.hw.Mem.Topology.Sockets }).Required()
	schema.Bind(t, "topology.clusters_per_socket", schema.Count(1, maxCores), "Clusters (CCX) of a socket.",
		func(m *Machine) *int { return &m.hw.Mem.Topology.ClustersPerSocket }).Required()
	schema.Bind(t, "topology.cores_per_cluster", schema.Count(1, maxCores), "Physical cores of a cluster.",
		func(m *Machine) *int { return &m.hw.Mem.Topology.CoresPerCluster }).Required()
	schema.Bind(t, "topology.threads_per_core", schema.Count(1, maxThreads),
		"Hardware threads of a core. CPUs are numbered as Linux does on x86 servers: thread 0 of every core, then thread 1 of every core.",
		func(m *Machine) *int { return &m.hw.Mem.Topology.ThreadsPerCore }).Required()
	schema.Bind(t, "topology.socket_hops", hopsKind, "Link crossings between each pair of sockets, as a square matrix; left out, every pair is one hop apart.",
		func(m *Machine) *[][]int { return &m.hops }).When("topology.sockets of at least 2", severalSockets)
}

func severalSockets(m *Machine) bool { return m.hw.Mem.Topology.Sockets > 1 }

func hasSMT(m *Machine) bool { return m.hw.Mem.Topology.ThreadsPerCore > 1 }

var hopsKind = func() schema.Kind[[][]int] {
	k := schema.OmitEmpty(schema.List(schema.List(schema.Count(0, maxSockets))))
	k.Expected = "a square matrix such as [[0, 1], [1, 0]]"
	return k
}()

func bindClock(t *schema.Table[Machine]) {
	schema.Bind(t, "clock.fixed", omitZero(schema.Clock), "Core clock, whatever the load.",
		func(m *Machine) *sim.Hertz { return &m.fixed })
	schema.Bind(t, "clock.by_active_cores", clockKind,
		"Core clock of a socket by its number of active physical cores, instead of a fixed one: { cores = at most, clock = }, ascending.",
		func(m *Machine) *[]cores.ClockStep { return &m.hw.Clock })
	schema.Bind(t, "smt.throughput", positivePercent, "Speed of each of two or more busy siblings, as a share of a lone thread's.",
		func(m *Machine) *units.Permille { return &m.smt }).When("topology.threads_per_core of at least 2", hasSMT)
	schema.Bind(t, "smt.handover", schema.Cycles, "Added when a thread reads a line that its sibling has written since (memory-ordering machine clear).",
		func(m *Machine) *sim.Cycles { return &m.hw.SMTHandover }).When("topology.threads_per_core of at least 2", hasSMT)
}

func omitZero[V comparable](k schema.Kind[V]) schema.Kind[V] {
	format := k.Format
	k.Format = func(v V) any {
		var zero V
		if v == zero {
			return nil
		}
		return format(v)
	}
	return k
}

var positivePercent = schema.Positive(schema.Percent)

func bindCaches(t *schema.Table[Machine]) {
	schema.Bind(t, "cache.line", lineKind, "Line size.", func(m *Machine) *int { return &m.hw.Mem.LineBytes })
	schema.Bind(t, "cache.protocol", schema.Enum[coherence.Protocol]("protocol", "mesi", "mesif", "moesi"),
		"Line states: mesif has a clean forwarder, moesi keeps a dirty line at its owner when others read it.",
		func(m *Machine) *coherence.Protocol { return &m.hw.Mem.Protocol }).Required()
	schema.Bind(t, "cache.adjacent_line_prefetch", schema.Bool, "On an L2 miss, fetch the other line of the 128-byte pair too.",
		func(m *Machine) *bool { return &m.hw.Mem.AdjacentLine }).When(`cache.line = "64B"`, func(m *Machine) bool { return m.hw.Mem.LineBytes == 64 })
	bindCache(t, "cache.l1d", "L1 data cache", func(m *Machine) *coherence.CacheGeometry { return &m.hw.Mem.L1D }, nil)
	schema.Bind(t, "cache.l1d.latency", positiveCycles, "Load-to-use time of an L1D hit.",
		func(m *Machine) *sim.Cycles { return &m.hw.L1Latency }).Required()
	bindCache(t, "cache.l2", "private L2, which includes L1D", func(m *Machine) *coherence.CacheGeometry { return &m.hw.Mem.L2 }, nil)
	schema.Bind(t, "cache.l2.latency", positiveCycles, "Load-to-use time of an L2 hit.",
		func(m *Machine) *sim.Cycles { return &m.hw.L2Latency }).Required()
	schema.Bind(t, "cache.llc.scope", schema.Enum[coherence.Scope]("scope", "socket", "cluster"),
		"Who shares one LLC and is asked first on a miss; also without an LLC.",
		func(m *Machine) *coherence.Scope { return &m.hw.Mem.Domain }).Required()
	bindCache(t, "cache.llc", `LLC of one scope ("0B": none)`, func(m *Machine) *coherence.CacheGeometry { return &m.hw.Mem.LLC }, hasLLC)
	schema.Bind(t, "cache.llc.kind", schema.Enum[coherence.LLCKind]("kind", "inclusive", "non-inclusive", "victim"),
		"inclusive: filled on every miss, evictions recall private copies; non-inclusive: the same without recalls; victim: filled by private evictions.",
		func(m *Machine) *coherence.LLCKind { return &m.hw.Mem.LLCKind }).When("an LLC", hasLLC)
}

func hasLLC(m *Machine) bool { return m.hw.Mem.LLC.Bytes > 0 }

var positiveCycles = schema.Positive(schema.Cycles)

// bindCache adds the keys of one cache array; live is nil for a cache that
// every machine has.
func bindCache(t *schema.Table[Machine], name, what string, at func(*Machine) *coherence.CacheGeometry, live func(*Machine) bool) {
	schema.Bind(t, name+".size", schema.Size, "Size of the "+what+".", func(m *Machine) *int { return &at(m).Bytes }).Required()
	ways := schema.Bind(t, name+".ways", schema.Count(1, 1024), "Associativity of the "+what+".",
		func(m *Machine) *int { return &at(m).Ways })
	replacement := schema.Bind(t, name+".replacement", replacementKind, "Replacement of the "+what+".",
		func(m *Machine) *bool { return &at(m).PLRU })
	if live == nil {
		ways.Required()
		return
	}
	ways.When("an LLC", live)
	replacement.When("an LLC", live)
}
