package coherence

import (
	"mmsim/cache"
	"mmsim/sim"
)

// Host is the side of the cores: what the memory system tells them.
type Host interface {
	// Lost says that a core no longer holds a line.
	Lost(core int16, l cache.Line, at sim.Time, invalidated bool)
	// Downgraded says that a core may no longer write a line it still holds.
	Downgraded(core int16, l cache.Line)
	// Filled says that a request is complete: the line is in the private
	// caches in the granted state (a FarOp leaves nothing there). t is
	// recycled when Filled returns.
	Filled(t *Txn, at sim.Time)
	// Pinned is when the operation that holds the line ends; a snoop waits
	// for it.
	Pinned(core int16, l cache.Line) sim.Time
	// PerformFar executes the far atomic of t at the home.
	PerformFar(t *Txn)
	// Evicted counts a line that left a core's private caches for lack of room.
	Evicted(core int16, dirty bool)
}

// Events of the memory system. A is the transaction (or directory entry for
// EvRelease), B the core for EvSnoop.
const (
	EvAgent   uint8 = iota // a request reaches the agent of its own domain
	EvHome                 // a request reaches the home
	EvSnoop                // a snoop reaches a core
	EvFill                 // data and all acknowledgements have reached the requester
	EvFar                  // a far atomic executes
	EvRelease              // a line can be served again
	EvStart                // a queued request's turn has reached the agent it waits at
	NumEvents
)

// System is the memory system of one machine in one run.
type System struct {
	p    *Params
	q    *sim.Queue // what happens at agents and homes
	in   *sim.Queue // what arrives at cores: snoops and fills
	host Host
	f    *fabric
	dir  *directory
	// Private caches by core.
	Private []*Private
	llc     []*cache.Array // by domain; nil without an LLC
	txns    []*Txn
	freeTxn int32
	pending [][]request  // by core: outstanding requests
	inbound [][]sim.Time // by core: when messages on the way arrive
	touched []int8       // by page: home under first touch, plus one
	far     sim.Time     // home occupancy of a far atomic
	order   uint64       // requests accepted so far
}

// New makes an idle memory system. Its events go to two queues, because what
// happens at an agent can reach a core sooner than what arrives at another
// core: see Lookahead. farOccupancy is what one far atomic keeps its line busy
// for.
func New(p *Params, agents, arrivals *sim.Queue, host Host, farOccupancy sim.Time) *System {
	f := newFabric(p)
	cores := p.Topology.Cores()
	s := &System{p: p, q: agents, in: arrivals, host: host, f: f, dir: newDirectory(cores, f.domains), freeTxn: -1,
		pending: make([][]request, cores), inbound: make([][]sim.Time, cores), far: farOccupancy}
	for range cores {
		s.Private = append(s.Private, NewPrivate(p))
	}
	if p.LLC.Bytes > 0 {
		for range f.domains {
			s.llc = append(s.llc, cache.New(p.LLC.Bytes/p.LineBytes, p.LLC.Ways, p.LLC.PLRU))
		}
	}
	return s
}

// Lookahead is the shortest time in which an event can reach a core that it
// does not happen at: an event at an agent by a snoop; an arrival at another
// core by that core's answer, or by a request that it sends by way of an agent.
func (s *System) Lookahead() (agent, arrival sim.Time) {
	agent = s.p.AgentLookup + s.p.AgentLeg
	return agent, s.p.AgentLeg + min(agent, s.p.OwnerPipeline, s.p.Invalidate)
}

// SocketOf is the socket of a core.
func (s *System) SocketOf(core int16) int16 { return s.f.socketOf[s.f.domainOf[core]] }

// Announce books a message that will reach a core at the given time: the core
// must not run ahead of it.
func (s *System) Announce(core int16, at sim.Time) {
	s.inbound[core] = append(s.inbound[core], at)
}

// Arrived strikes a booked message off.
func (s *System) Arrived(core int16, at sim.Time) {
	in := s.inbound[core]
	for i, t := range in {
		if t == at {
			in[i] = in[len(in)-1]
			s.inbound[core] = in[:len(in)-1]
			return
		}
	}
}

// NextArrival is when the next booked message reaches the core.
func (s *System) NextArrival(core int16) sim.Time {
	next := sim.Never
	for _, t := range s.inbound[core] {
		next = min(next, t)
	}
	return next
}

// Request sends a core's miss on its way at the given time. The core must not
// have a request for the same line outstanding. The caller fills in the
// exported accounting fields of the result.
func (s *System) Request(core int16, l cache.Line, r Request, at sim.Time) *Txn {
	t := s.newTxn()
	t.Line, t.Core, t.Request, t.Started = l, core, r, at
	t.entry = s.dir.get(l, func(l cache.Line) int { return s.home(core, l) })
	s.pending[core] = append(s.pending[core], request{l, t.id})
	s.q.Push(at+s.p.AgentLeg, EvAgent, t.id, 0)
	return t
}

// home is the socket of a line's memory.
func (s *System) home(toucher int16, l cache.Line) int {
	sockets := s.p.Topology.Sockets
	if sockets == 1 {
		return 0
	}
	if s.p.Home != HomeFirstTouch {
		return s.p.HomeOf(l)
	}
	page := int(uint64(l) * uint64(s.p.LineBytes) / sim.PageBytes)
	for page >= len(s.touched) {
		s.touched = append(s.touched, 0)
	}
	if s.touched[page] == 0 {
		s.touched[page] = int8(s.SocketOf(toucher)) + 1
	}
	return int(s.touched[page]) - 1
}

// Handle carries out one event of the memory system.
func (s *System) Handle(ev sim.Event) {
	switch ev.Kind {
	case EvAgent:
		s.atAgent(s.txns[ev.A], ev.At)
	case EvHome:
		s.atHome(s.txns[ev.A], ev.At)
	case EvStart:
		s.start(s.txns[ev.A], ev.At)
	case EvSnoop:
		s.snooped(s.txns[ev.A], int16(ev.B), ev.At)
	case EvFill:
		s.filled(s.txns[ev.A], ev.At)
	case EvFar:
		s.performFar(s.txns[ev.A], ev.At)
	case EvRelease:
		s.released(ev.A, ev.At)
	}
}

// atAgent: the own domain is asked first; only if it lacks the right does the
// request travel to the home.
func (s *System) atAgent(t *Txn, now sim.Time) {
	e := s.dir.at(t.entry)
	d := int(s.f.domainOf[t.Core])
	home := s.f.homeAgent(e.home)
	t.place = d
	switch {
	case d == home:
		s.atHome(t, now)
	case e.busy >= 0 && s.f.domainOf[s.txns[e.busy].Core] == int16(d):
		s.enqueue(e, t, d)
	case e.busy >= 0 || t.Request == FarOp || !s.domainHas(t.entry, t.Request, d):
		s.toHome(t, d, home, now)
	case e.free > now || e.head >= 0:
		s.wait(t, d, now)
	default:
		s.accept(t, now+s.f.slice(d, t.Line, now))
	}
}

func (s *System) toHome(t *Txn, from, home int, now sim.Time) {
	s.q.Push(now+s.f.slice(from, t.Line, now)+s.p.AgentLookup+s.f.legs[from][home], EvHome, t.id, 0)
}

func (s *System) atHome(t *Txn, now sim.Time) {
	e := s.dir.at(t.entry)
	t.place = s.f.homeAgent(e.home)
	if e.busy >= 0 || e.free > now || e.head >= 0 {
		s.wait(t, t.place, now)
		return
	}
	s.accept(t, now+s.f.slice(t.place, t.Line, now))
}

// wait queues t for its line, and makes sure that somebody wakes the queue.
func (s *System) wait(t *Txn, place int, now sim.Time) {
	e := s.dir.at(t.entry)
	if e.busy < 0 && e.head < 0 {
		s.q.Push(max(now, e.free), EvRelease, t.entry, 0)
	}
	s.enqueue(e, t, place)
}

// start: the turn of a queued request has reached the agent it waits at, or a
// recall begins.
func (s *System) start(t *Txn, now sim.Time) {
	e := s.dir.at(t.entry)
	if e.busy != t.id && (e.busy >= 0 || e.free > now || e.head >= 0) {
		s.wait(t, t.place, now)
		return
	}
	s.accept(t, now)
	if e.busy < 0 && e.head >= 0 {
		s.q.Push(e.free, EvRelease, t.entry, 0)
	}
}

// domainHas reports whether a domain can serve the request by itself.
func (s *System) domainHas(i int32, r Request, d int) bool {
	e := s.dir.at(i)
	inLLC := hasBit(s.dir.llcSet(i), d)
	switch {
	case r == GetX:
		return e.only == int16(d) && (inLLC || s.firstCore(i, d) >= 0)
	case e.dir == Exclusive || e.dir == Owned:
		return e.owner >= 0 && s.f.domainOf[e.owner] == int16(d)
	}
	return inLLC || s.forwarder(e, i, d) >= 0
}

// firstCore is the first core of a domain that holds the line, or -1.
func (s *System) firstCore(i int32, d int) int {
	n := s.f.slices // cores per domain
	if c := nextBit(s.dir.coreSet(i), d*n); c < (d+1)*n {
		return c
	}
	return -1
}

// forwarder is a core of domain d that may answer for a clean shared line: F
// where the protocol has it; under MOESI any sharer, by the domain's tags.
func (s *System) forwarder(e *entry, i int32, d int) int16 {
	switch {
	case s.p.Protocol == MOESI:
		return int16(s.firstCore(i, d))
	case e.forwarder >= 0 && s.f.domainOf[e.forwarder] == int16(d):
		return e.forwarder
	}
	return -1
}

// released: the line can be served again; the next waiting request gets it.
func (s *System) released(i int32, now sim.Time) {
	e := s.dir.at(i)
	for e.busy < 0 && e.head >= 0 {
		if e.free > now {
			s.q.Push(e.free, EvRelease, i, 0)
			return
		}
		last := e.last
		t := s.dequeue(e, last)
		d := int(s.f.domainOf[t.Core])
		home := s.f.homeAgent(e.home)
		if t.place != home && t.Request != Recall && !s.domainHas(i, t.Request, d) {
			s.toHome(t, d, home, now)
			continue
		}
		if lag := s.f.legs[last][t.place]; lag > 0 {
			e.busy = t.id
			s.q.Push(now+lag, EvStart, t.id, 0)
			return
		}
		s.accept(t, now)
	}
}
