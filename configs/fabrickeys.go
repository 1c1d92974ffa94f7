package configs

import (
	"mmsim/coherence"
	"mmsim/configs/schema"
	"mmsim/sim"
)

func bindInterconnect(t *schema.Table[Machine]) {
	p := func(at func(p *coherence.Params) *sim.Time) func(*Machine) *sim.Time {
		return func(m *Machine) *sim.Time { return at(&m.hw.Mem) }
	}
	schema.Bind(t, "interconnect.agent_leg", schema.Positive(schema.Time), "Core to the agent (LLC slice) of its own domain, one way.",
		p(func(p *coherence.Params) *sim.Time { return &p.AgentLeg })).Required()
	schema.Bind(t, "interconnect.fabric_leg", schema.Time, "Agent to an agent of another domain, or to the home, in the same socket, one way.",
		p(func(p *coherence.Params) *sim.Time { return &p.FabricLeg })).When(`cache.llc.scope = "cluster"`, clusterScope)
	schema.Bind(t, "interconnect.socket_leg", schema.OmitEmpty(schema.List(schema.Positive(schema.Time))),
		"Agent to agent across 1, 2, ... socket hops, one way.",
		func(m *Machine) *[]sim.Time { return &m.hw.Mem.SocketLeg }).When("topology.sockets of at least 2", severalSockets)
	schema.Bind(t, "interconnect.agent_lookup", schema.Time, "Directory and LLC tag lookup at an agent.",
		p(func(p *coherence.Params) *sim.Time { return &p.AgentLookup })).Required()
	schema.Bind(t, "interconnect.llc_data", schema.Time, "LLC data array beyond the lookup.",
		p(func(p *coherence.Params) *sim.Time { return &p.LLCData })).When("an LLC", hasLLC)
	schema.Bind(t, "interconnect.owner_pipeline", schema.Time, "A snooped owner's caches: from the snoop's arrival to the answer's departure.",
		p(func(p *coherence.Params) *sim.Time { return &p.OwnerPipeline })).Required()
	schema.Bind(t, "interconnect.invalidate", schema.Time, "A sharer's caches: from the invalidation's arrival to the acknowledgement's departure.",
		p(func(p *coherence.Params) *sim.Time { return &p.Invalidate })).Required()
	schema.Bind(t, "interconnect.agent_occupancy", schema.Time, "How long a request keeps an agent's slice from the next one, whatever the line.",
		p(func(p *coherence.Params) *sim.Time { return &p.AgentOccupancy }))
	schema.Bind(t, "interconnect.line_occupancy", schema.Time, "How long a request that is answered without a snoop keeps its line from the next one.",
		p(func(p *coherence.Params) *sim.Time { return &p.LineOccupancy }))
	schema.Bind(t, "interconnect.link_occupancy", schema.Time, "How long one line's transfer keeps a socket link.",
		p(func(p *coherence.Params) *sim.Time { return &p.LinkOccupancy })).When("topology.sockets of at least 2", severalSockets)
	schema.Bind(t, "interconnect.release", schema.Enum[coherence.Release]("release rule", "completion", "forward"),
		"When the home accepts the next request to a line: when the transfer is complete, or as soon as the snoop was sent.",
		func(m *Machine) *coherence.Release { return &m.hw.Mem.Release })
	schema.Bind(t, "interconnect.arbitration", schema.Enum[coherence.Arbitration]("arbitration", "fifo", "local-first"),
		"Which of the requests that wait for a line is next.",
		func(m *Machine) *coherence.Arbitration { return &m.hw.Mem.Arbitration })
	schema.Bind(t, "interconnect.home", schema.Enum[coherence.HomePlacement]("home placement", "hash", "interleave", "first-touch"),
		"Which socket's memory a line is in.",
		func(m *Machine) *coherence.HomePlacement { return &m.hw.Mem.Home }).When("topology.sockets of at least 2", severalSockets)
	schema.Bind(t, "interconnect.interleave", schema.Positive(schema.Size), "Bytes in a row that have the same home.",
		func(m *Machine) *int { return &m.hw.Mem.InterleaveBytes }).When(`interconnect.home = "interleave" and 2 sockets`,
		func(m *Machine) bool { return m.hw.Mem.Home == coherence.HomeInterleave && severalSockets(m) })
	schema.Bind(t, "interconnect.memory_directory", schema.Bool,
		"Sharers in other sockets are recorded in memory only: invalidating them reads memory first.",
		func(m *Machine) *bool { return &m.hw.Mem.MemoryDirectory }).When("topology.sockets of at least 2", severalSockets)
	schema.Bind(t, "memory.latency", schema.Positive(schema.Time), "DRAM access at the home, beyond the way there and back.",
		p(func(p *coherence.Params) *sim.Time { return &p.MemoryLatency })).Required()
	schema.Bind(t, "memory.occupancy", schema.Time, "How long one line's access keeps a socket's memory channels.",
		p(func(p *coherence.Params) *sim.Time { return &p.MemoryOccupancy }))
}

func clusterScope(m *Machine) bool { return m.hw.Mem.Domain == coherence.ScopeCluster }
