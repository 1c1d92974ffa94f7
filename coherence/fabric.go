package coherence

import (
	"mmsim/cache"
	"mmsim/sim"
)

// Distance classes of a transfer, seen from the requester.
type Distance uint8

const (
	SameCore    Distance = iota // the SMT sibling, or the core's own caches
	SameDomain                  // within the domain of the first lookup
	SameSocket                  // another domain of the socket
	OtherSocket                 // across a socket link
	NumDistances
)

// String is the distance's name in records.
func (d Distance) String() string {
	return [...]string{"same_core", "same_domain", "same_socket", "other_socket"}[d]
}

// fabric knows where agents are and how long a message between them takes.
// Agents 0..domains-1 are the domains' own; with cluster domains, agents
// domains..domains+sockets-1 are the sockets' homes, otherwise a socket's home
// is its domain agent.
type fabric struct {
	p         *Params
	domains   int
	agents    int
	domainOf  []int16      // by core
	socketOf  []int16      // by agent
	legs      [][]sim.Time // agent to agent, one way
	linkFree  [][]sim.Time // by socket pair: when the link can start the next line
	sliceFree []sim.Time   // by agent and slice
	slices    int
	memFree   []sim.Time // by socket
}

func newFabric(p *Params) *fabric {
	t := &p.Topology
	f := &fabric{p: p, domains: t.Sockets}
	if p.Domain == ScopeCluster {
		f.domains = t.Sockets * t.ClustersPerSocket
	}
	f.agents = f.domains
	if p.Domain == ScopeCluster {
		f.agents += t.Sockets
	}
	for core := range t.Cores() {
		d := t.SocketOf(core)
		if p.Domain == ScopeCluster {
			d = t.ClusterOf(core)
		}
		f.domainOf = append(f.domainOf, int16(d))
	}
	for a := range f.agents {
		s := a
		switch {
		case a >= f.domains:
			s = a - f.domains
		case p.Domain == ScopeCluster:
			s = a / t.ClustersPerSocket
		}
		f.socketOf = append(f.socketOf, int16(s))
	}
	f.legs = make([][]sim.Time, f.agents)
	for a := range f.legs {
		f.legs[a] = make([]sim.Time, f.agents)
		for b := range f.legs[a] {
			f.legs[a][b] = f.agentDistance(a, b)
		}
	}
	f.linkFree = make([][]sim.Time, t.Sockets)
	for s := range f.linkFree {
		f.linkFree[s] = make([]sim.Time, t.Sockets)
	}
	f.slices = t.Cores() / f.domains
	f.sliceFree = make([]sim.Time, f.agents*f.slices)
	f.memFree = make([]sim.Time, t.Sockets)
	return f
}

func (f *fabric) agentDistance(a, b int) sim.Time {
	if a == b {
		return 0
	}
	sa, sb := f.socketOf[a], f.socketOf[b]
	var t sim.Time
	if sa != sb {
		t = f.p.SocketLeg[f.p.Topology.Hops[sa][sb]-1]
	}
	if f.p.Domain == ScopeCluster {
		t += f.p.FabricLeg
	}
	return t
}

// homeAgent is the agent of a home socket.
func (f *fabric) homeAgent(socket int16) int {
	if f.p.Domain == ScopeCluster {
		return f.domains + int(socket)
	}
	return int(socket)
}

// toCore is how long a message from an agent to a core takes: through the
// core's own agent, which looks it up, unless it starts there.
func (f *fabric) toCore(agent int, core int16) sim.Time {
	d := int(f.domainOf[core])
	t := f.p.AgentLeg + f.legs[agent][d]
	if agent != d {
		t += f.p.AgentLookup
	}
	return t
}

// between is how long data or an acknowledgement from one core to another
// takes.
func (f *fabric) between(from, to int16) sim.Time {
	return f.p.AgentLeg + f.legs[f.domainOf[from]][f.domainOf[to]]
}

// RoundTrip is how long a message from the agent of one core's domain to another
// core and the answer take.
func (s *System) RoundTrip(from, to int16) sim.Time {
	return s.f.toCore(int(s.f.domainOf[from]), to) + s.f.between(to, from)
}

// Distance classifies a core seen from another.
func (s *System) Distance(a, b int16) Distance { return s.f.distance(a, b) }

// distance classifies a core seen from another.
func (f *fabric) distance(a, b int16) Distance {
	da, db := f.domainOf[a], f.domainOf[b]
	switch {
	case a == b:
		return SameCore
	case da == db:
		return SameDomain
	case f.socketOf[da] == f.socketOf[db]:
		return SameSocket
	}
	return OtherSocket
}

// crossLink books a line's transfer on a socket link and returns the wait.
func (f *fabric) crossLink(from, to int16, at sim.Time) sim.Time {
	if from == to {
		return 0
	}
	free := &f.linkFree[from][to]
	wait := max(0, *free-at)
	*free = at + wait + f.p.LinkOccupancy
	return wait
}

// slice books an agent's slice for one request and returns the wait.
func (f *fabric) slice(agent int, l cache.Line, at sim.Time) sim.Time {
	h := uint64(l) * 0x9e3779b97f4a7c15 >> 40
	free := &f.sliceFree[agent*f.slices+int(h%uint64(f.slices))]
	wait := max(0, *free-at)
	*free = at + wait + f.p.AgentOccupancy
	return wait
}

// memory books a line's access at a socket's memory and returns when it is
// done.
func (f *fabric) memory(socket int16, at sim.Time) sim.Time {
	start := max(at, f.memFree[socket])
	f.memFree[socket] = start + f.p.MemoryOccupancy
	return start + f.p.MemoryLatency
}
