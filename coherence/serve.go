package coherence

import (
	"mmsim/cache"
	"mmsim/sim"
)

// accept serves a request whose turn it is: the directory moves on at once,
// the messages that make it true are sent.
func (s *System) accept(t *Txn, now sim.Time) {
	s.order++
	t.accepted, t.order = true, s.order
	pl, fwd := s.plan(t)
	t.grant, t.Upgrade = pl.Grant, pl.Supplier == FromNobody
	base := now + s.p.AgentLookup
	if pl.Invalidate && pl.Supplier != FromOwner && s.sharersInMemoryOnly(t) {
		base = s.f.memory(s.dir.at(t.entry).home, base)
	}
	t.ready = base
	switch pl.Supplier {
	case FromOwner:
		t.supplier = s.dir.at(t.entry).owner
	case FromForwarder:
		t.supplier = fwd
	case FromMemory:
		s.fetch(t, pl, base)
	case FromNobody:
		s.arrive(t, base+s.toRequester(t))
	}
	if t.supplier >= 0 {
		s.snoop(t, t.supplier, base)
	}
	if pl.Invalidate {
		s.invalidateOthers(t, base)
	}
	s.advance(t, pl)
	s.hold(t, base)
	if t.acks == 0 {
		s.complete(t)
	}
}

// plan asks the protocol. fwd is the core that answers under FromForwarder.
func (s *System) plan(t *Txn) (pl Plan, fwd int16) {
	if t.Request == Recall {
		return Plan{Supplier: FromNobody, Invalidate: true}, -1
	}
	i := t.entry
	e := s.dir.at(i)
	d := int(s.f.domainOf[t.Core])
	held := I
	if hasBit(s.dir.coreSet(i), int(t.Core)) {
		held = s.Private[t.Core].State(t.Line)
	}
	fwd = s.forwarder(e, i, d)
	near := fwd >= 0
	if !near {
		fwd = e.forwarder
	}
	llc := s.dir.llcSet(i)
	useLLC := hasBit(llc, d) || !near && !isEmpty(llc)
	return Serve(s.p.Protocol, e.dir, t.Request, held, fwd >= 0 && fwd != t.Core, useLLC), fwd
}

// toRequester is the time of a message from where t is served to its core; a
// FarOp waits at the home itself.
func (s *System) toRequester(t *Txn) sim.Time {
	if t.Request == FarOp || t.Request == Recall {
		return 0
	}
	return s.p.AgentLeg + s.f.legs[t.place][s.f.domainOf[t.Core]]
}

func (s *System) arrive(t *Txn, at sim.Time) { t.ready = max(t.ready, at) }

// sharersInMemoryOnly: whoever shares the line in another socket is recorded
// in the memory's directory bits alone.
func (s *System) sharersInMemoryOnly(t *Txn) bool {
	i := t.entry
	if !s.p.MemoryDirectory || s.dir.at(i).dir != Shared || t.Request == Recall {
		return false
	}
	socket := s.f.socketOf[t.place]
	set := s.dir.coreSet(i)
	for c := nextBit(set, 0); c >= 0; c = nextBit(set, c+1) {
		if s.SocketOf(int16(c)) != socket {
			return true
		}
	}
	return false
}

// fetch gets the data from the nearest LLC that has it, else from memory.
func (s *System) fetch(t *Txn, pl Plan, base sim.Time) {
	e := s.dir.at(t.entry)
	own := int(s.f.domainOf[t.Core])
	d := s.llcWith(t.entry, own)
	if d < 0 {
		at := s.f.memory(e.home, base+s.f.legs[t.place][s.f.homeAgent(e.home)])
		if t.Request != FarOp {
			at += s.f.crossLink(e.home, s.f.socketOf[own], at)
			at += s.p.AgentLeg + s.f.legs[s.f.homeAgent(e.home)][own]
		}
		s.arrive(t, at)
		t.setSource(SourceMemory, SameDomain)
		if s.f.socketOf[own] != e.home {
			t.setSource(SourceFarMemory, OtherSocket)
		}
		if t.Request != FarOp && s.p.LLCKind != Victim {
			s.llcInsert(own, t.Line, false, base)
		}
		return
	}
	at := base + s.p.LLCData
	if d != t.place {
		at += s.f.legs[t.place][d] + s.p.AgentLookup
	}
	at += s.f.crossLink(s.f.socketOf[d], s.f.socketOf[own], at)
	if t.Request != FarOp {
		at += s.p.AgentLeg + s.f.legs[d][own]
	} else {
		at += s.f.legs[d][t.place]
	}
	s.arrive(t, at)
	t.setSource(SourceLLC, SameDomain)
	if d != own {
		t.setSource(SourceRemoteLLC, s.agentDistanceClass(d, own))
	}
	s.llcHit(t, pl, d)
}

func (s *System) agentDistanceClass(a, b int) Distance {
	if s.f.socketOf[a] == s.f.socketOf[b] {
		return SameSocket
	}
	return OtherSocket
}

func (t *Txn) setSource(src Source, d Distance) {
	t.Source, t.Distance = src, d
}

// invalidateOthers takes the line from every private copy but the requester's
// own and the one that supplies the data (asked already), and from the LLCs.
func (s *System) invalidateOthers(t *Txn, base sim.Time) {
	i := t.entry
	set := s.dir.coreSet(i)
	lo, hi := 0, len(s.Private)
	if t.Request == Recall {
		lo, hi = t.place*s.f.slices, (t.place+1)*s.f.slices
	}
	for c := nextBit(set, lo); c >= 0 && c < hi; c = nextBit(set, c+1) {
		if c != int(t.supplier) && (c != int(t.Core) || t.Request != GetX) {
			s.snoop(t, int16(c), base)
		}
	}
	if t.Request != Recall {
		s.llcDropAll(i, t.Line, -1)
	}
}

// snoop sends a snoop from where t is served to a core.
func (s *System) snoop(t *Txn, core int16, base sim.Time) {
	at := base + s.f.toCore(t.place, core)
	t.acks++
	s.Announce(core, at)
	s.in.Push(at, EvSnoop, t.id, int32(core))
}

// snooped: a snoop arrives. It waits for the operation that holds the line,
// and for a fill that was granted before.
func (s *System) snooped(t *Txn, core int16, now sim.Time) {
	s.Arrived(core, now)
	if p := s.Pending(core, t.Line); p != nil && p.accepted && p.order < t.order {
		p.deferred = append(p.deferred, t.id)
		return
	}
	priv := s.Private[core]
	at2, before := priv.L2.Find(t.Line), I
	if at2 >= 0 {
		before = State(priv.L2.Meta(at2) & stateMask)
	}
	kind := SnoopInvalidate
	if t.Request == GetS {
		kind = SnoopShare
	}
	next, writeBack := OnSnoop(s.p.Protocol, before, kind)
	leave := max(now, s.host.Pinned(core, t.Line))
	supplies := core == t.supplier
	if supplies {
		leave += s.p.OwnerPipeline
	} else {
		leave += s.p.Invalidate
	}
	if before != I {
		s.moved(t, core, supplies)
		if next == I {
			priv.dropAt(at2, t.Line)
			s.host.Lost(core, t.Line, now, true)
		} else if next != before {
			priv.set(t.Line, next)
			s.host.Downgraded(core, t.Line)
		}
	}
	if writeBack || before.Dirty() && t.Request == Recall {
		s.writeBack(t, int(s.f.domainOf[core]), now)
	}
	if t.Request == GetS && next == O {
		e := s.dir.at(t.entry)
		if e.dir == Shared {
			e.dir, e.owner = Owned, core
			t.grant = S
		}
	}
	s.arrive(t, s.answer(t, core, leave, supplies))
	if t.acks--; t.acks == 0 {
		s.complete(t)
	}
}

// moved notes that data or ownership left another core.
func (s *System) moved(t *Txn, core int16, data bool) {
	if t.Request == Recall {
		return
	}
	d := s.f.distance(core, t.Core)
	if !t.Bounced || d > t.Distance || data {
		t.Distance = d
	}
	t.Bounced = true
	if data {
		t.Source = SourceCore
	} else if t.Source != SourceCore {
		t.Source = SourceInvalidate
	}
}

// answer is when a snooped core's data or acknowledgement is where t waits.
func (s *System) answer(t *Txn, core int16, leave sim.Time, data bool) sim.Time {
	from := s.f.domainOf[core]
	if t.Request == FarOp || t.Request == Recall {
		return leave + s.p.AgentLeg + s.f.legs[from][t.place]
	}
	if data {
		leave += s.f.crossLink(s.f.socketOf[from], s.SocketOf(t.Core), leave)
	}
	return leave + s.f.between(core, t.Core)
}

// advance moves the directory to what will hold when t completes.
func (s *System) advance(t *Txn, pl Plan) {
	i := t.entry
	e := s.dir.at(i)
	set := s.dir.coreSet(i)
	d := s.f.domainOf[t.Core]
	switch t.Request {
	case GetS:
		e.dir = pl.Next
		setBit(set, int(t.Core))
		if pl.Next == Exclusive {
			if s.llcDropAll(i, t.Line, int(d)) {
				t.grant = M // another LLC's dirty data moved up
			}
			e.owner, e.only = t.Core, d
		} else if e.only != d {
			e.only = -1
		}
		if pl.Next == Shared {
			e.owner = -1
		}
		if pl.Grant == F {
			e.forwarder = t.Core
		}
	case GetX:
		clear(set)
		setBit(set, int(t.Core))
		e.dir, e.owner, e.forwarder, e.only = Exclusive, t.Core, -1, d
	case FarOp:
		clear(set)
		e.dir, e.owner, e.forwarder, e.only = Uncached, -1, -1, -1
	case Recall:
		for c := t.place * s.f.slices; c < (t.place+1)*s.f.slices; c++ {
			s.forget(i, int16(c))
		}
	}
}

// forget strikes a core's copy off the directory.
func (s *System) forget(i int32, core int16) {
	e := s.dir.at(i)
	set := s.dir.coreSet(i)
	clearBit(set, int(core))
	if e.forwarder == core {
		e.forwarder = -1
	}
	if e.owner == core {
		e.owner = -1
		e.dir = Shared
	}
	if isEmpty(set) {
		e.dir, e.owner, e.forwarder = Uncached, -1, -1
	}
}

// hold decides how long the line is closed to the next request. A request
// that asks other cores holds it until its own completion is back (or, under
// AtForward, ownership requests only until the snoops are sent); others for
// the line's occupancy.
func (s *System) hold(t *Txn, base sim.Time) {
	e := s.dir.at(t.entry)
	e.last = int16(t.place)
	if t.Request == FarOp || t.Request == Recall || t.acks > 0 && (s.p.Release == AtCompletion || t.Request == GetS) {
		t.holds = true
		e.busy = t.id
		return
	}
	e.busy = -1
	e.free = base + s.p.LineOccupancy
}

// complete: everything t waits for is known to arrive by t.ready.
func (s *System) complete(t *Txn) {
	switch t.Request {
	case Recall:
		s.letGo(t, t.ready, int16(t.place))
		s.release(t)
	case FarOp:
		s.q.Push(t.ready+s.far, EvFar, t.id, 0)
		s.Announce(t.Core, s.farAnswer(t, t.ready+s.far))
	default:
		s.Announce(t.Core, t.ready)
		s.in.Push(t.ready, EvFill, t.id, 0)
	}
}

// letGo opens a line that t held; at is when the agent knows.
func (s *System) letGo(t *Txn, at sim.Time, agent int16) {
	if !t.holds {
		return
	}
	e := s.dir.at(t.entry)
	e.busy, e.free, e.last = -1, at, agent
	if e.head >= 0 {
		s.q.Push(at, EvRelease, t.entry, 0)
	}
}

// filled: the requester has the line. Its operation comes first, then the
// snoops that arrived early.
func (s *System) filled(t *Txn, now sim.Time) {
	s.Arrived(t.Core, now)
	s.unpend(t)
	if t.Request != FarOp {
		s.llcFill(t, now)
		victim, vstate := s.Private[t.Core].fill(t.Line, t.grant)
		s.letGo(t, now+s.p.AgentLeg, s.f.domainOf[t.Core])
		if vstate != I {
			s.evict(t.Core, victim, vstate, now)
		}
	}
	for _, id := range t.deferred {
		s.Announce(t.Core, now)
		s.in.Push(now, EvSnoop, id, int32(t.Core))
	}
	s.host.Filled(t, now)
	s.release(t)
}

// evict: a private cache made room. The line's data goes to the LLC unless a
// request that was accepted already takes it elsewhere; a recall takes it to
// memory.
func (s *System) evict(core int16, l cache.Line, state State, now sim.Time) {
	s.host.Lost(core, l, now, false)
	s.host.Evicted(core, state.Dirty())
	i := s.dir.find(l)
	if p := s.Pending(core, l); p != nil && p.accepted || !hasBit(s.dir.coreSet(i), int(core)) {
		if e := s.dir.at(i); state.Dirty() && e.busy >= 0 && s.txns[e.busy].Request == Recall {
			s.f.memory(e.home, now)
		}
		return
	}
	s.forget(i, core)
	d := int(s.f.domainOf[core])
	if s.p.LLCKind != Inclusive || state.Dirty() {
		s.llcInsert(d, l, state.Dirty(), now)
	}
}
