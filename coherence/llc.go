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

// llcDropAll takes the line's data out of every LLC except keep's.
func (s *System) llcDropAll(i int32, l cache.Line, keep int) {
	set := s.dir.llcSet(i)
	for d := nextBit(set, 0); d >= 0; d = nextBit(set, d+1) {
		if d != keep {
			s.llcRemove(d, s.llc[d].Find(l))
		}
	}
}

// llcFill allocates for a fill: an inclusive LLC holds the tag of every line
// above it (its data is old once a core owns the line); the other kinds keep
// a copy of a line that a second core reads, as Skylake-SP's does.
func (s *System) llcFill(t *Txn, now sim.Time) {
	d := int(s.f.domainOf[t.Core])
	shared := t.grant == S || t.grant == F
	if s.llc == nil || !shared && s.p.LLCKind != Inclusive || s.llc[d].Find(t.Line) >= 0 {
		return
	}
	s.llcInsert(d, t.Line, false, now)
	if t.grant == M {
		k := s.llc[d].Find(t.Line)
		s.llc[d].SetMeta(k, llcStale)
		clearBit(s.dir.llcSet(t.entry), d)
	}
}

// llcWriteBack stores dirty data that a core gave up, in its domain's LLC or,
// without one, in memory.
func (s *System) llcWriteBack(d int, l cache.Line, now sim.Time) { s.llcInsert(d, l, true, now) }

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
