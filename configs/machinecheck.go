package configs

import (
	"fmt"

	"mmsim/coherence"
	"mmsim/configs/schema"
)

// check finds the first thing about the machine as a whole that cannot be.
func (m *Machine) check() error {
	for _, c := range []func() (string, error){m.checkTopology, m.checkHops, m.checkClock,
		func() (string, error) { return m.checkPrivate("cache.l1d", m.hw.Mem.L1D) },
		func() (string, error) { return m.checkPrivate("cache.l2", m.hw.Mem.L2) },
		m.checkInclusion, m.checkLLC, m.checkInterleave} {
		if key, err := c(); err != nil {
			return m.src.Fault(key, err)
		}
	}
	return nil
}

func (m *Machine) checkTopology() (string, error) {
	t := &m.hw.Mem.Topology
	if n := t.Cores(); n > maxCores {
		return "topology.cores_per_cluster", schema.Problem(fmt.Sprintf("at most %d cores in all", maxCores), "%d x %d x %d are %d cores", t.Sockets, t.ClustersPerSocket, t.CoresPerCluster, n)
	}
	domain, what := m.coresPerSocket(), "socket"
	if m.hw.Mem.Domain == coherence.ScopeCluster {
		domain, what = t.CoresPerCluster, "cluster"
	}
	if domain > maxCoresPerDomain {
		return "topology.cores_per_cluster", schema.Problem(fmt.Sprintf("at most %d cores per cache.llc.scope", maxCoresPerDomain), "the LLC domain, the %s, has %d cores", what, domain)
	}
	return "", nil
}

func (m *Machine) checkHops() (string, error) {
	n := m.hw.Mem.Topology.Sockets
	const key = "topology.socket_hops"
	if m.hops != nil && len(m.hops) != n {
		return key, schema.Problem(fmt.Sprintf("a %d x %d matrix", n, n), "%d rows for %d sockets", len(m.hops), n)
	}
	for a, row := range m.hops {
		if len(row) != n {
			return fmt.Sprintf("%s[%d]", key, a), schema.Problem(fmt.Sprintf("a %d x %d matrix", n, n), "%d entries for %d sockets", len(row), n)
		}
		for b, h := range row {
			at := fmt.Sprintf("%s[%d][%d]", key, a, b)
			switch {
			case (a == b) != (h == 0):
				return at, schema.Problem("0 on the diagonal and only there", "%d hops from socket %d to socket %d", h, a, b)
			case b < a && h != m.hops[b][a]:
				return at, schema.Problem("a symmetric matrix", "%d hops from socket %d to socket %d, but %d back", h, a, b, m.hops[b][a])
			}
		}
	}
	return m.checkLegs()
}

// checkLegs: there is a leg for every number of hops.
func (m *Machine) checkLegs() (string, error) {
	far := 0
	for _, row := range m.hopMatrix() {
		for _, h := range row {
			far = max(far, h)
		}
	}
	if have := len(m.hw.Mem.SocketLeg); have < far {
		return "interconnect.socket_leg", schema.Problem(fmt.Sprintf("a list of %d times, one for each number of hops", far), "%d entries, but sockets are up to %d hops apart", have, far)
	}
	return "", nil
}

func (m *Machine) checkClock() (string, error) {
	steps := m.hw.Clock
	switch {
	case m.fixed > 0 && len(steps) > 0:
		return "clock.fixed", schema.Problem("either clock.fixed or clock.by_active_cores", "there is a table by active cores as well")
	case m.fixed == 0 && len(steps) == 0:
		return "clock", schema.Problem(`clock.fixed such as "2.0GHz" or clock.by_active_cores`, "no core clock")
	case m.fixed == 0 && steps[len(steps)-1].Cores < m.coresPerSocket():
		return "clock.by_active_cores", schema.Problem(fmt.Sprintf("a last entry of at least %d cores", m.coresPerSocket()),
			"no clock for more than %d active cores, but a socket has %d", steps[len(steps)-1].Cores, m.coresPerSocket())
	}
	return "", nil
}

// checkPrivate: L1D and L2 are indexed by address bits.
func (m *Machine) checkPrivate(name string, g coherence.CacheGeometry) (string, error) {
	if key, err := m.checkWays(name, g); err != nil {
		return key, err
	}
	if sets := g.Bytes / (g.Ways * m.hw.Mem.LineBytes); sets&(sets-1) != 0 {
		return name + ".ways", schema.Problem("ways that divide the size into a power of two of sets",
			"%d bytes of %d-byte lines in %d ways are %d sets", g.Bytes, m.hw.Mem.LineBytes, g.Ways, sets)
	}
	return "", nil
}

func (m *Machine) checkWays(name string, g coherence.CacheGeometry) (string, error) {
	const most = 4 << 30
	switch {
	case g.Bytes == 0:
		return name + ".size", schema.Problem("", "this cache cannot be left out")
	case g.Bytes > most:
		return name + ".size", schema.Problem(`at most "4GiB"`, "%d bytes", g.Bytes)
	case g.Ways < 1:
		return name + ".ways", schema.Problem("a whole number of at least 1", "is missing")
	case g.Bytes%(g.Ways*m.hw.Mem.LineBytes) != 0:
		return name + ".ways", schema.Problem("ways that divide the size into whole sets", "%d bytes of %d-byte lines do not divide into %d ways", g.Bytes, m.hw.Mem.LineBytes, g.Ways)
	case g.PLRU && (g.Ways&(g.Ways-1) != 0 || g.Ways > 32):
		return name + ".replacement", schema.Problem(`"lru", or a power of two of at most 32 ways`, "tree-plru cannot keep %d ways", g.Ways)
	}
	return "", nil
}

func (m *Machine) checkInclusion() (string, error) {
	p := &m.hw.Mem
	if p.L2.Bytes < p.L1D.Bytes {
		return "cache.l2.size", schema.Problem("at least the size of L1D", "L2 includes L1D but is smaller")
	}
	return "", nil
}

// checkLLC: sliced LLCs are indexed by a hash, so any whole number of sets is
// real.
func (m *Machine) checkLLC() (string, error) {
	if m.hw.Mem.LLC.Bytes == 0 {
		return "", nil
	}
	return m.checkWays("cache.llc", m.hw.Mem.LLC)
}

func (m *Machine) checkInterleave() (string, error) {
	p := &m.hw.Mem
	if p.InterleaveBytes%p.LineBytes != 0 {
		return "interconnect.interleave", schema.Problem("a multiple of the line size", "%d bytes cut %d-byte lines", p.InterleaveBytes, p.LineBytes)
	}
	return "", nil
}
