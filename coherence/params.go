package coherence

import (
	"mmsim/cache"
	"mmsim/sim"
)

// Topology counts the parts of a machine. Cores are numbered socket by socket
// and cluster by cluster; CPUs (hardware threads) are numbered as Linux on x86
// servers does: first thread 0 of every core, then thread 1 of every core.
type Topology struct {
	Sockets           int
	ClustersPerSocket int
	CoresPerCluster   int
	ThreadsPerCore    int
	// Hops[a][b] is the number of socket crossings between sockets a and b.
	Hops [][]int
}

// Cores is the number of physical cores.
func (t *Topology) Cores() int { return t.Sockets * t.ClustersPerSocket * t.CoresPerCluster }

// CPUs is the number of hardware threads.
func (t *Topology) CPUs() int { return t.Cores() * t.ThreadsPerCore }

// CoreOf is the physical core of a CPU.
func (t *Topology) CoreOf(cpu int) int { return cpu % t.Cores() }

// ThreadOf is the CPU's SMT thread number within its core.
func (t *Topology) ThreadOf(cpu int) int { return cpu / t.Cores() }

// SocketOf is the socket of a core.
func (t *Topology) SocketOf(core int) int { return core / (t.ClustersPerSocket * t.CoresPerCluster) }

// ClusterOf is the machine-wide number of a core's cluster.
func (t *Topology) ClusterOf(core int) int { return core / t.CoresPerCluster }

// Protocol is the family of line states a machine uses.
type Protocol uint8

const (
	MESI  Protocol = iota
	MESIF          // a clean forwarder answers for sharers; no O: a dirty line read elsewhere is written back
	MOESI          // a dirty line read elsewhere stays O at its owner, not written back
)

// LLCKind says how the last-level cache relates to the private caches.
type LLCKind uint8

const (
	// Inclusive: allocated on every fill; evicting a line takes it out of the
	// private caches too.
	Inclusive LLCKind = iota
	// NonInclusive: allocated on fills and on private evictions; evicting
	// leaves private copies alone.
	NonInclusive
	// Victim: allocated on private evictions only; a hit moves the line up.
	Victim
)

// Scope is the part of the machine that shares one LLC, and with it one
// coherence agent: the domain that a miss asks first.
type Scope uint8

const (
	ScopeSocket Scope = iota
	ScopeCluster
)

// HomePlacement says which socket is the home of a line.
type HomePlacement uint8

const (
	HomeHash       HomePlacement = iota // by a hash of the line number
	HomeInterleave                      // by address, InterleaveBytes at a time
	HomeFirstTouch                      // the socket that first touched the line's page
)

// Arbitration picks among requests that wait for one busy line.
type Arbitration uint8

const (
	FIFO       Arbitration = iota // in order of arrival
	LocalFirst                    // those of the domain that holds the line, then by arrival
)

// Release says when the home accepts the next request to a line.
type Release uint8

const (
	AtCompletion Release = iota // when the requester's completion reaches it
	AtForward                   // as soon as the snoop was sent
)

// CacheGeometry is one cache array.
type CacheGeometry struct {
	Bytes int
	Ways  int
	PLRU  bool // tree-PLRU instead of true LRU
}

// Params is the memory system of a machine beyond the private caches'
// pipelines. Times are in ns of wall time and do not follow the core clock.
type Params struct {
	Topology  Topology
	LineBytes int
	Protocol  Protocol

	L1D, L2 CacheGeometry // private, per core; L2 includes L1D
	LLC     CacheGeometry // per domain; Bytes 0 means no LLC
	LLCKind LLCKind
	Domain  Scope // also without an LLC: the scope of the first lookup

	AgentLeg      sim.Time   // core <-> agent (LLC slice) of its own domain, one way
	FabricLeg     sim.Time   // agent <-> agent of another domain in the same socket, one way
	SocketLeg     []sim.Time // agent <-> agent across 1, 2, ... socket hops, one way
	AgentLookup   sim.Time   // directory and LLC tag lookup at an agent
	LLCData       sim.Time   // LLC data array access beyond the lookup
	OwnerPipeline sim.Time   // a snooped core's caches: from snoop arrival to answer departure
	Invalidate    sim.Time   // a sharer's caches: from invalidation arrival to acknowledgement departure
	MemoryLatency sim.Time   // DRAM access at the home, beyond the path
	// MemoryDirectory: sharers across domains are recorded in memory only, so
	// a request that must invalidate clean copies in another domain reads
	// memory first. A line owned (dirty) by another domain is found without.
	MemoryDirectory bool

	AgentOccupancy  sim.Time // an agent's slice per request, any line
	LineOccupancy   sim.Time // one line at its agent or home, per request answered without a snoop
	LinkOccupancy   sim.Time // a socket link per line transferred
	MemoryOccupancy sim.Time // a socket's memory channels per line

	Home            HomePlacement
	InterleaveBytes int
	Arbitration     Arbitration
	Release         Release
	AdjacentLine    bool // prefetch the other line of the 128-byte pair on an L2 miss
}

// HomeOf is the socket of a line's memory where the address alone decides it:
// not under first touch.
func (p *Params) HomeOf(l cache.Line) int {
	sockets := uint64(p.Topology.Sockets)
	if p.Home == HomeInterleave {
		return int(uint64(l) * uint64(p.LineBytes) / uint64(p.InterleaveBytes) % sockets)
	}
	return int(uint64(l) * 0x9e3779b97f4a7c15 >> 33 % sockets)
}
