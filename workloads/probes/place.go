package probes

import "mmsim/coherence"

// Distance says how far a probe's partner is from the measured CPU, CPU 0.
type Distance uint8

const (
	SMT    Distance = iota // the other thread of the core
	Domain                 // another core under the same LLC (or, without one, of the same first lookup)
	Socket                 // another domain of the socket
	Remote                 // another socket, the nearest one
)

// String is the distance's name in probe ids.
func (d Distance) String() string { return [...]string{"smt", "domain", "socket", "remote"}[d] }

// domainOf is the machine-wide number of a core's domain.
func domainOf(p *coherence.Params, core int) int {
	if p.Domain == coherence.ScopeCluster {
		return p.Topology.ClusterOf(core)
	}
	return p.Topology.SocketOf(core)
}

// partner is the CPU at distance d from CPU 0, or -1 if the machine has none.
func partner(p *coherence.Params, d Distance) int {
	t := &p.Topology
	switch d {
	case SMT:
		if t.ThreadsPerCore > 1 {
			return t.Cores()
		}
		return -1
	case Remote:
		if s := nearestSocket(t); s > 0 {
			return s * t.ClustersPerSocket * t.CoresPerCluster
		}
		return -1
	}
	for core := 1; core < t.Cores() && t.SocketOf(core) == 0; core++ {
		if (domainOf(p, core) == 0) == (d == Domain) {
			return core
		}
	}
	return -1
}

// nearestSocket is the socket with the fewest hops from socket 0, or 0 if it
// is the only one.
func nearestSocket(t *coherence.Topology) int {
	best := 0
	for s := 1; s < t.Sockets; s++ {
		if best == 0 || t.Hops[0][s] < t.Hops[0][best] {
			best = s
		}
	}
	return best
}

// neighbour is another core of cpu's domain than cpu and core 0, or -1.
func neighbour(p *coherence.Params, cpu int) int {
	for core := 1; core < p.Topology.Cores(); core++ {
		if core != cpu && domainOf(p, core) == domainOf(p, cpu) {
			return core
		}
	}
	return -1
}
