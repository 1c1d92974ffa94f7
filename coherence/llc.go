package coherence

import (
	"mmsim/cache"
	"mmsim/sim"
)

// Bits of an LLC entry.
const (
	llcDirty = 1 << 0
	llcStale = 1 << 1 // inclusive LLC: the tag is kept for a line owned above, its data is old
)

// llcWith is the domain whose LLC should supply the line: the requester's own
// if it can, else the home's, else the first that can; -1 if none.
func (s *System) llcWith(i int32, own int) int {
	set := s.dir.llcSet(i)
	if hasBit(set, own) {
		return own
	}
	if home := s.f.homeAgent(s.dir.at(i).home); home < s.f.domains && hasBit(set, home) {
		return home
	}
	return nextBit(set, 0)
}

// llcHit updates an LLC that supplied a line: a victim LLC hands a line
// without other sharers up; dirty data that moves up stays dirty.
func (s *System) llcHit(t *Txn, pl Plan, d int) {
	a := s.llc[d]
	k := a.Find(t.Line)
	a.Touch(k)
	if s.p.LLCKind == Victim && pl.Next == Exclusive {
		if a.Meta(k)&llcDirty != 0 && t.grant == E {
			t.grant = M
		}
		s.llcRemove(d, k)
	}
}

// llcRemove takes entry k out of a domain's LLC and its directory bit away.
func (s *System) llcRemove(d, k int) {
	a := s.llc[d]
	if i := s.dir.find(a.Line(k)); i >= 0 {
		clearBit(s.dir.llcSet(i), d)
	}
	a.Remove(k)
}

// llcDropAll takes the line's data out of every LLC except keep's, and reports
// whether dirty data was among it.
func (s *System) llcDropAll(i int32, l cache.Line, keep int) (dirty bool) {
	set := s.dir.llcSet(i)
	for d := nextBit(set, 0); d >= 0; d = nextBit(set, d+1) {
		if d != keep {
			k := s.llc[d].Find(l)
			dirty = dirty || s.llc[d].Meta(k)&llcDirty != 0
			s.llcRemove(d, k)
		}
	}
	return dirty
}

// llcFill allocates for a fill: an inclusive LLC holds the tag of every line
// above it (its data is old once a core owns the line); the other kinds keep
// a copy of a line that a second core reads, as Skylake-SP's does. Nothing is
// allocated if a request accepted since takes the line away again.
func (s *System) llcFill(t *Txn, now sim.Time) {
	d := int(s.f.domainOf[t.Core])
	shared := t.grant == S || t.grant == F
	if s.llc == nil || !shared && s.p.LLCKind != Inclusive || !hasBit(s.dir.coreSet(t.entry), int(t.Core)) {
		return
	}
	if k := s.llc[d].Find(t.Line); k >= 0 && (!shared || s.llc[d].Meta(k)&llcStale == 0) {
		return
	}
	s.llcInsert(d, t.Line, false, now)
	if t.grant == M {
		k := s.llc[d].Find(t.Line)
		s.llc[d].SetMeta(k, llcStale)
		clearBit(s.dir.llcSet(t.entry), d)
	}
}

// writeBack stores dirty data that a core of domain d gave up to t: in the
// domain's LLC or, if there is none or it has just evicted the line (a recall),
// in memory.
func (s *System) writeBack(t *Txn, d int, now sim.Time) {
	if t.Request == Recall && s.llc[d].Find(t.Line) < 0 {
		s.f.memory(s.dir.at(t.entry).home, now)
		return
	}
	s.llcInsert(d, t.Line, true, now)
}

// llcInsert puts a line's data into a domain's LLC; what has to leave for it
// is written to memory if dirty.
func (s *System) llcInsert(d int, l cache.Line, dirty bool, now sim.Time) {
	i := s.dir.find(l)
	if s.llc == nil {
		if dirty {
			s.f.memory(s.dir.at(i).home, now)
		}
		return
	}
	a := s.llc[d]
	m := uint8(0)
	if dirty {
		m = llcDirty
	}
	k := a.Find(l)
	if k >= 0 {
		m |= a.Meta(k) & llcDirty
	} else {
		var full bool
		if k, full = a.Victim(l); full {
			s.llcEvict(d, k, now)
		}
	}
	a.Put(k, l, m)
	setBit(s.dir.llcSet(i), d)
}

func (s *System) llcEvict(d, k int, now sim.Time) {
	a := s.llc[d]
	l := a.Line(k)
	i := s.dir.find(l)
	if a.Meta(k)&llcDirty != 0 {
		s.f.memory(s.dir.at(i).home, now)
	}
	s.llcRemove(d, k)
	if s.p.LLCKind != Inclusive {
		return
	}
	if s.firstCore(i, d) < 0 {
		return
	}
	t := s.newTxn()
	t.Line, t.Request, t.entry, t.place = l, Recall, i, d
	t.Core = int16(d * s.f.slices)
	s.q.Push(now+s.p.AgentLeg, EvStart, t.id, 0) // the eviction reaches the agent
}
