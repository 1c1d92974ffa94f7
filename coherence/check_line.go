package coherence

import "mmsim/cache"

// checkEntry checks one line: its copies, its directory entry, its
// transactions and its LLC copies.
func (s *System) checkEntry(i int32, fl []flight) error {
	l := s.dir.at(i).line
	if err := s.checkCopies(l); err != nil {
		return err
	}
	if err := s.checkDirectory(i, fl); err != nil {
		return err
	}
	if err := s.checkTxns(i, fl); err != nil {
		return err
	}
	return s.checkDomains(i, fl)
}

// checkCopies: the private copies that exist now are compatible.
func (s *System) checkCopies(l cache.Line) error {
	var n [M + 1]int
	holders := 0
	for c := range s.Private {
		if st := s.Private[c].State(l); st != I {
			n[st]++
			holders++
		}
	}
	switch writers := n[E] + n[M]; {
	case writers > 1 || writers == 1 && holders > 1:
		return s.broken("single-writer", l, "%d copies, %d of them writable", holders, writers)
	case n[O] > 1 || n[O] > 0 && s.p.Protocol != MOESI:
		return s.broken("owner-unique", l, "%d copies in O", n[O])
	case n[F] > 1 || n[F] > 0 && s.p.Protocol != MESIF:
		return s.broken("forwarder-unique", l, "%d copies in F", n[F])
	}
	return nil
}

// checkDirectory: the entry describes the copies as they will be.
func (s *System) checkDirectory(i int32, fl []flight) error {
	e := s.dir.at(i)
	set := s.dir.coreSet(i)
	forwarder := int16(-1)
	for c := range s.Private {
		st := s.settled(int16(c), e.line, fl)
		if hasBit(set, c) != (st != I) {
			return s.broken("directory-agrees", e.line, "core %d will hold it in %v, the directory's sharer bit is %v", c, st, hasBit(set, c))
		}
		if st == F {
			forwarder = int16(c)
		}
		if want := s.knownAs(e, int16(c), st); st != I && e.dir != want {
			return s.broken("directory-agrees", e.line, "core %d will hold it in %v, the directory says %d with owner %d", c, st, e.dir, e.owner)
		}
	}
	switch {
	case e.forwarder != forwarder:
		return s.broken("directory-agrees", e.line, "forwarder is core %d, the directory says %d", forwarder, e.forwarder)
	case isEmpty(set) != (e.dir == Uncached):
		return s.broken("directory-agrees", e.line, "directory state %d with no sharers: %v", e.dir, isEmpty(set))
	case (e.owner >= 0) != (e.dir == Exclusive || e.dir == Owned):
		return s.broken("directory-agrees", e.line, "directory state %d with owner %d", e.dir, e.owner)
	case e.owner >= 0 && !hasBit(set, int(e.owner)):
		return s.broken("directory-agrees", e.line, "owner %d is no sharer", e.owner)
	}
	return nil
}

// knownAs is the directory state that fits a copy in the given state. While a
// read is on its way to an owner that may have written (MOESI), the directory
// does not know yet whether it will be Owned or Shared.
func (s *System) knownAs(e *entry, core int16, st State) DirState {
	switch st {
	case E, M:
		if e.owner == core {
			return Exclusive
		}
		return Uncached
	case O:
		if e.owner == core {
			return Owned
		}
		if e.dir == Shared && e.busy >= 0 && s.txns[e.busy].supplier == core {
			return Shared
		}
		return Uncached
	case S:
		if e.dir == Owned && e.owner != core {
			return Owned
		}
	}
	return Shared
}

// checkTxns: every snoop is answered once, a line is closed on somebody's
// behalf, and waiting requests will be woken.
func (s *System) checkTxns(i int32, fl []flight) error {
	e := s.dir.at(i)
	for _, t := range s.txns {
		if !t.inUse || t.entry != i {
			continue
		}
		n := 0
		for _, f := range fl {
			if f.kind == EvSnoop && f.a == t.id {
				n++
			}
		}
		if n != t.acks {
			return s.broken("acks-conserved", e.line, "%v of core %d waits for %d answers, %d snoops are on their way", t.Request, t.Core, t.acks, n)
		}
	}
	if e.busy >= 0 {
		t := s.txns[e.busy]
		if !t.inUse || t.entry != i || !(t.accepted && t.holds || pending(fl, EvStart, t.id)) {
			return s.broken("busy-line-held", e.line, "closed on behalf of transaction %d, which does not hold it", e.busy)
		}
	}
	return s.checkQueue(i, fl)
}

func (s *System) checkQueue(i int32, fl []flight) error {
	e := s.dir.at(i)
	if e.head >= 0 && e.busy < 0 && !pending(fl, EvRelease, i) {
		return s.broken("queue-woken", e.line, "requests wait for an open line and nothing will wake them")
	}
	last := int32(-1)
	for id := e.head; id >= 0; id = s.txns[id].next {
		if t := s.txns[id]; !t.inUse || t.accepted || t.entry != i {
			return s.broken("request-lost", e.line, "transaction %d does not belong in the queue", id)
		}
		last = id
	}
	if last != e.tail && e.head >= 0 {
		return s.broken("request-lost", e.line, "the queue ends at %d, its tail is %d", last, e.tail)
	}
	return nil
}

func pending(fl []flight, kind uint8, a int32) bool {
	for _, f := range fl {
		if f.kind == kind && f.a == a {
			return true
		}
	}
	return false
}

// checkDomains: LLC presence as the directory knows it, and the single domain
// that has every copy.
func (s *System) checkDomains(i int32, fl []flight) error {
	e := s.dir.at(i)
	set := s.dir.llcSet(i)
	dirty := 0
	for d, a := range s.llc {
		k := a.Find(e.line)
		if k >= 0 && a.Meta(k)&llcDirty != 0 {
			if dirty++; dirty > 1 {
				return s.broken("dirty-unique", e.line, "two LLCs hold it dirty")
			}
		}
		has := k >= 0 && a.Meta(k)&llcStale == 0
		if hasBit(set, d) != has {
			return s.broken("llc-presence", e.line, "LLC %d has data: %v, the directory says %v", d, has, hasBit(set, d))
		}
		if has && e.only >= 0 && int(e.only) != d {
			return s.broken("only-domain", e.line, "LLC %d has a copy, domain %d should have all", d, e.only)
		}
	}
	for c := range s.Private {
		d := int(s.f.domainOf[c])
		if e.only >= 0 && hasBit(s.dir.coreSet(i), c) && int(e.only) != d {
			return s.broken("only-domain", e.line, "core %d has a copy, domain %d should have all", c, e.only)
		}
		held := s.Private[c].State(e.line) != I
		if held && s.llc != nil && s.p.LLCKind == Inclusive && s.llc[d].Find(e.line) < 0 && !s.leaving(int16(c), e.line, fl) {
			return s.broken("inclusion", e.line, "core %d holds it, its LLC does not", c)
		}
	}
	return nil
}

// leaving reports whether the core's copy is about to go or to be replaced: a
// snoop or the core's own ownership request is on its way, or a recall.
func (s *System) leaving(core int16, l cache.Line, fl []flight) bool {
	if len(s.arrivals(core, l, fl)) > 0 {
		return true
	}
	for _, t := range s.txns {
		if t.inUse && t.Request == Recall && t.Line == l && t.place == int(s.f.domainOf[core]) {
			return true
		}
	}
	return false
}
