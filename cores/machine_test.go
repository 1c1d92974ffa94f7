package cores

import (
	"mmsim/coherence"
	"mmsim/sim"
)

// testMachine is a machine of the Skylake-SP kind with round figures.
func testMachine(sockets, coresPerSocket, threads int) *Machine {
	hops := make([][]int, sockets)
	for a := range hops {
		hops[a] = make([]int, sockets)
		for b := range hops[a] {
			if a != b {
				hops[a][b] = 1
			}
		}
	}
	ns := sim.Nanosecond
	return &Machine{
		Name: "test",
		Mem: coherence.Params{
			Topology:  coherence.Topology{Sockets: sockets, ClustersPerSocket: 1, CoresPerCluster: coresPerSocket, ThreadsPerCore: threads, Hops: hops},
			LineBytes: 64, Protocol: coherence.MESIF,
			L1D:      coherence.CacheGeometry{Bytes: 32 << 10, Ways: 8, PLRU: true},
			L2:       coherence.CacheGeometry{Bytes: 1 << 20, Ways: 16},
			LLC:      coherence.CacheGeometry{Bytes: 22 << 20, Ways: 11},
			LLCKind:  coherence.Victim,
			AgentLeg: 7 * ns, SocketLeg: []sim.Time{36 * ns}, AgentLookup: ns, LLCData: ns,
			OwnerPipeline: 15 * ns, Invalidate: 12 * ns, MemoryLatency: 62 * ns, MemoryDirectory: true,
			AgentOccupancy: ns, LineOccupancy: 4 * ns, LinkOccupancy: 3 * ns, MemoryOccupancy: 2 * ns,
			InterleaveBytes: 4096,
		},
		Clock:       []ClockStep{{Cores: 1 << 20, Clock: 2_500_000_000}},
		SMTPermille: 600, SMTHandover: 20,
		L1Latency: 4, L2Latency: 14,
		StoreBuffer: 56, StoreCommit: 1, DrainInOrder: true, MissBuffers: 12,
		Costs:       InstrCosts{Atomic: 18, MB: 18, ThisCPU: 1},
		PauseLength: 140,
		OS: OSCosts{TrapEntry: 440, TrapExit: 270, ContextSwitch: 1500, IdleExit: 500 * ns, IPISend: 200,
			IPIDelivery: 600 * ns, IRQEntryExit: 500},
	}
}

// onCPUs makes a program of one thread per CPU, all in one group.
func onCPUs(mem *sim.Memory, bodies ...func(c *sim.CPU)) *Program {
	p := &Program{Mem: mem, Syms: &sim.Symbols{}, Hooks: parking}
	for i, b := range bodies {
		p.Threads = append(p.Threads, Thread{Name: "t", Path: "test", CPU: i, Body: b})
	}
	return p
}
