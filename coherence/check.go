package coherence

import (
	"fmt"

	"mmsim/cache"
	"mmsim/sim"
)

// InvariantError names a broken invariant of the memory system: a bug of the
// simulator, never of the simulated code.
type InvariantError struct {
	// Name is one of "single-writer", "owner-unique", "forwarder-unique",
	// "directory-agrees", "acks-conserved", "busy-line-held", "queue-woken",
	// "request-lost", "announced", "inclusion", "llc-presence",
	// "dirty-unique", "only-domain".
	Name   string
	Line   cache.Line
	Detail string
}

// Error is "coherence: single-writer: line 0x4000: ...".
func (e *InvariantError) Error() string {
	return fmt.Sprintf("coherence: %s: line %#x: %s", e.Name, uint32(e.Line), e.Detail)
}

// Check verifies the invariants of the memory system between two events, for
// every line that was ever asked for: one writer or many readers; directory,
// private caches and LLCs agree, counting what is on its way; every request is
// somewhere. It returns an *InvariantError, or nil.
func (s *System) Check() error {
	fl := s.inFlight()
	for i := int32(0); i < s.dir.n; i++ {
		if err := s.checkEntry(i, fl); err != nil {
			return err
		}
	}
	for d, a := range s.llc {
		if err := s.checkLLC(d, a); err != nil {
			return err
		}
	}
	for c := range s.Private {
		if err := s.checkPrivate(int16(c)); err != nil {
			return err
		}
		if err := s.checkRequests(int16(c), fl); err != nil {
			return err
		}
	}
	return s.checkAnnounced(fl)
}

// CheckLine verifies the invariants of one line alone.
func (s *System) CheckLine(l cache.Line) error {
	if i := s.dir.find(l); i >= 0 {
		return s.checkEntry(i, s.inFlight())
	}
	return nil
}

// flight is an event of the memory system that is pending, or a snoop that
// waits at its core for a fill.
type flight struct {
	kind  uint8
	at    sim.Time
	a     int32 // transaction, or entry for EvRelease
	core  int16 // EvSnoop
	waits bool
}

func (s *System) inFlight() []flight {
	var fl []flight
	note := func(ev sim.Event) {
		if ev.Kind < NumEvents {
			fl = append(fl, flight{ev.Kind, ev.At, ev.A, int16(ev.B), false})
		}
	}
	s.q.Each(note)
	if s.in != s.q {
		s.in.Each(note)
	}
	for c := range s.pending {
		for _, r := range s.pending[c] {
			for _, id := range s.txns[r.txn].deferred {
				fl = append(fl, flight{EvSnoop, 0, id, int16(c), true})
			}
		}
	}
	return fl
}

// arrival is a snoop or fill that will act on a core's copy of a line.
type arrival struct {
	t    *Txn
	fill bool
}

// arrivals lists what will act on the core's copy of the line, in the order
// in which it will: that of acceptance.
func (s *System) arrivals(core int16, l cache.Line, fl []flight) []arrival {
	var out []arrival
	add := func(a arrival) {
		out = append(out, a)
		for i := len(out) - 1; i > 0 && out[i].t.order < out[i-1].t.order; i-- {
			out[i], out[i-1] = out[i-1], out[i]
		}
	}
	for _, f := range fl {
		if f.kind == EvSnoop && f.core == core && s.txns[f.a].Line == l {
			add(arrival{t: s.txns[f.a]})
		}
	}
	if p := s.Pending(core, l); p != nil && p.accepted && p.Request != FarOp {
		add(arrival{t: p, fill: true})
	}
	return out
}

// settled is the state the core's copy will have once all that is on its way
// has arrived: what the directory, which counts accepted requests as done,
// should know.
func (s *System) settled(core int16, l cache.Line, fl []flight) State {
	st := s.Private[core].State(l)
	for _, a := range s.arrivals(core, l, fl) {
		switch {
		case a.fill:
			st = a.t.grant
		case a.t.Request == GetS:
			st, _ = OnSnoop(s.p.Protocol, st, SnoopShare)
		default:
			st, _ = OnSnoop(s.p.Protocol, st, SnoopInvalidate)
		}
	}
	return st
}

// checkLLC: every tag in use belongs to a line with an entry.
func (s *System) checkLLC(d int, a *cache.Array) (err error) {
	a.Each(func(_ int, l cache.Line, m uint8) {
		if err == nil && s.dir.find(l) < 0 {
			err = s.broken("llc-presence", l, "LLC %d holds a line the directory has never seen", d)
		}
	})
	return err
}

// checkPrivate: L2 includes L1D with the same states, and the directory has
// an entry for every line.
func (s *System) checkPrivate(core int16) (err error) {
	p := s.Private[core]
	p.L1.Each(func(_ int, l cache.Line, m uint8) {
		if st := p.State(l); err == nil && State(m&stateMask) != st {
			err = s.broken("inclusion", l, "core %d holds it in %v in L1D, in %v in L2", core, State(m&stateMask), st)
		}
	})
	p.L2.Each(func(_ int, l cache.Line, _ uint8) {
		if err == nil && s.dir.find(l) < 0 {
			err = s.broken("directory-agrees", l, "core %d holds a line the directory has never seen", core)
		}
	})
	return err
}

// checkRequests: each outstanding request of the core is in exactly one place.
func (s *System) checkRequests(core int16, fl []flight) error {
	for k, r := range s.pending[core] {
		t := s.txns[r.txn]
		if !t.inUse || t.Core != core || t.Line != r.line {
			return s.broken("request-lost", r.line, "core %d waits for a transaction that is not its own", core)
		}
		for _, o := range s.pending[core][:k] {
			if o.line == r.line {
				return s.broken("request-lost", r.line, "core %d asked twice", core)
			}
		}
		if n := s.places(t, fl); n != 1 {
			return s.broken("request-lost", r.line, "%v of core %d is in %d places", t.Request, core, n)
		}
	}
	return nil
}

// places counts where a request is: on its way, in the queue of its line, or
// waiting for answers.
func (s *System) places(t *Txn, fl []flight) int {
	n := 0
	for _, f := range fl {
		if f.kind != EvSnoop && f.kind != EvRelease && f.a == t.id {
			n++
		}
	}
	for id := s.dir.at(t.entry).head; id >= 0; id = s.txns[id].next {
		if id == t.id {
			n++
		}
	}
	if t.accepted && t.acks > 0 {
		n++
	}
	return n
}

// checkAnnounced: cores know of everything that will reach them, so that none
// runs ahead of it.
func (s *System) checkAnnounced(fl []flight) error {
	for _, f := range fl {
		core := f.core
		switch {
		case f.kind == EvFill:
			core = s.txns[f.a].Core
		case f.kind != EvSnoop || f.waits:
			continue
		}
		found := false
		for _, at := range s.inbound[core] {
			found = found || at == f.at
		}
		if !found {
			return s.broken("announced", s.txns[f.a].Line, "an arrival at core %d at %v was not announced", core, f.at)
		}
	}
	return nil
}

func (s *System) broken(name string, l cache.Line, format string, args ...any) error {
	return &InvariantError{Name: name, Line: l, Detail: fmt.Sprintf(format, args...)}
}
