package probes

import (
	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
)

const ns = sim.Nanosecond

// server is a two-socket machine with socket-wide LLC domains, an 11-way LLC
// of a set count that is no power of two, and SMT.
func server() *cores.Machine {
	return &cores.Machine{
		Name: "server",
		Mem: coherence.Params{
			Topology: coherence.Topology{Sockets: 2, ClustersPerSocket: 1, CoresPerCluster: 20, ThreadsPerCore: 2,
				Hops: [][]int{{0, 1}, {1, 0}}},
			LineBytes: 64, Protocol: coherence.MESIF,
			L1D:      coherence.CacheGeometry{Bytes: 32 << 10, Ways: 8, PLRU: true},
			L2:       coherence.CacheGeometry{Bytes: 1 << 20, Ways: 16},
			LLC:      coherence.CacheGeometry{Bytes: 28160 << 10, Ways: 11},
			LLCKind:  coherence.Victim,
			AgentLeg: 6500 * sim.Picosecond, SocketLeg: []sim.Time{36 * ns},
			AgentLookup: ns, LLCData: ns, OwnerPipeline: 15 * ns, Invalidate: 12 * ns, MemoryLatency: 62 * ns,
			MemoryDirectory: true, AgentOccupancy: ns, LineOccupancy: 4 * ns, LinkOccupancy: 3 * ns, MemoryOccupancy: 2 * ns,
			InterleaveBytes: 4096,
		},
		Clock:       []cores.ClockStep{{Cores: 20, Clock: 3_000_000_000}},
		SMTPermille: 600, SMTHandover: 20, L1Latency: 4, L2Latency: 14,
		StoreBuffer: 56, StoreCommit: 1, DrainInOrder: true, MissBuffers: 12,
		Ordering: cores.X86TSO, Costs: cores.InstrCosts{Atomic: 18, MB: 18, ThisCPU: 1},
		PauseLength: 140,
	}
}

// clustered is a one-socket machine with an LLC per cluster, no SMT, MOESI and
// weak ordering.
func clustered() *cores.Machine {
	m := server()
	m.Name = "clustered"
	m.Mem.Topology = coherence.Topology{Sockets: 1, ClustersPerSocket: 4, CoresPerCluster: 4, ThreadsPerCore: 1, Hops: [][]int{{0}}}
	m.Mem.Protocol, m.Mem.Domain, m.Mem.MemoryDirectory = coherence.MOESI, coherence.ScopeCluster, false
	m.Mem.FabricLeg, m.Mem.SocketLeg = 20*ns, nil
	m.Mem.LLC = coherence.CacheGeometry{Bytes: 16 << 20, Ways: 16}
	m.Ordering, m.DrainInOrder, m.Spin = cores.ARM64LSE, false, cores.Event
	m.Clock[0].Cores = 16
	m.Costs = cores.InstrCosts{Atomic: 13, MB: 12, RMB: 8, WMB: 6, Acquire: 3, Release: 4, AtomicAcq: 2, AtomicRel: 2, AtomicFull: 4, ThisCPU: 2}
	return m
}

// noLLC is one four-core cluster without a last-level cache.
func noLLC() *cores.Machine {
	m := clustered()
	m.Name = "no-llc"
	m.Mem.Topology.ClustersPerSocket = 1
	m.Mem.LLC = coherence.CacheGeometry{}
	m.Mem.Domain = coherence.ScopeSocket
	m.Clock[0].Cores = 4
	return m
}

// clusteredSockets is two sockets of two clusters with SMT.
func clusteredSockets() *cores.Machine {
	m := clustered()
	m.Name = "clustered-sockets"
	m.Mem.Topology = coherence.Topology{Sockets: 2, ClustersPerSocket: 2, CoresPerCluster: 4, ThreadsPerCore: 2, Hops: [][]int{{0, 1}, {1, 0}}}
	m.Mem.SocketLeg = []sim.Time{60 * ns}
	m.Mem.LLCKind = coherence.NonInclusive
	return m
}
