package explore

// newest is the way of an operation that needs no choice.
func (m *machine) newest(x *context) cand {
	if x.op.kind == opSpin {
		return m.candidates(x, false)[0]
	}
	if m.g == nil || x.op.loc == none {
		return cand{w: none}
	}
	return cand{w: m.g.locs[x.op.loc].latest()}
}

// fill computes the ways in which x's operation can be carried out now, the
// newest write first; only that one unless stale is set.
func (m *machine) fill(x *context, stale bool) { x.cands = m.candidates(x, stale) }

func (m *machine) candidates(x *context, stale bool) []cand {
	list, o := x.cands[:0], &x.op
	switch {
	case x.returning: // it does not get to its operation yet
		list = append(list, cand{w: none})
	case o.kind == opSpin:
		for i := range x.c.Conds {
			list = m.spinWays(list, x, i, stale)
		}
		if o.timeout {
			list = append(list, cand{w: none, cond: -1})
		}
	case o.kind == opLoad || o.kind == opStore || o.kind == opRMW:
		if m.g == nil {
			list = m.directWay(list, x)
		} else {
			list = m.ways(list, x, stale)
		}
	case o.kind == opSync:
		if x.quiescent() {
			list = append(list, cand{})
		}
	default:
		list = append(list, cand{})
	}
	x.cands = list
	return list
}

// directWay is the only way in plain memory, if the operation can go on.
func (m *machine) directWay(list []cand, x *context) []cand {
	o := &x.op
	if o.kind == opRMW && o.must && m.mem.Read(o.ref.A, o.ref.Size) != o.cmp {
		return list
	}
	return append(list, cand{w: none})
}

// ways lists the writes that a load or atomic may read from, or that a store
// may be put behind.
func (m *machine) ways(list []cand, x *context, stale bool) []cand {
	o := &x.op
	lo := &m.g.locs[o.loc]
	oldest := m.g.position(lo.coh[x.cpu])
	for pos := int32(len(lo.co)) - 1; pos >= oldest; pos-- {
		w := none
		if pos >= 0 {
			w = lo.co[pos]
		}
		if m.possible(x, lo, w, pos) && !m.repeats(x, lo, w) {
			list = append(list, cand{w: w})
		}
		if !stale {
			break
		}
	}
	return list
}

// repeats reports whether a polling loop would see once more what it has seen,
// although something newer is there.
func (m *machine) repeats(x *context, lo *location, w int32) bool {
	o := &x.op
	if !x.polls || o.kind == opStore || w != lo.coh[x.cpu] || w == lo.latest() {
		return false
	}
	_, writes := o.rmw.Apply(part(o.ref, m.g.value(o.loc, w)), o.arg, o.cmp, o.ref.Size)
	return o.kind == opLoad || !writes
}

// possible reports whether w is a way: by its value, atomicity and, if it is
// not the newest write, the axioms.
func (m *machine) possible(x *context, lo *location, w, pos int32) bool {
	o := &x.op
	last := int(pos) == len(lo.co)-1
	switch o.kind {
	case opStore:
		if !last && (m.g.taken(o.loc, w) || wordMask(o.ref) != lo.mask || m.mergedAfter(lo, pos)) {
			return false
		}
	case opRMW:
		v := part(o.ref, m.g.value(o.loc, w))
		_, writes := o.rmw.Apply(v, o.arg, o.cmp, o.ref.Size)
		if writes && !last && (m.g.taken(o.loc, w) || wordMask(o.ref) != lo.mask || m.mergedAfter(lo, pos)) {
			return false
		}
		if o.must && !writes {
			return false
		}
	}
	return last || m.allowed(x, cand{w: w})
}

// mergedAfter reports whether a write behind position pos keeps bytes of what
// was before it: nothing can be put in front of it then.
func (m *machine) mergedAfter(lo *location, pos int32) bool {
	for _, w := range lo.co[pos+1:] {
		if m.g.ev[w].flags&fPartial != 0 {
			return true
		}
	}
	return false
}

// allowed tries a way out on the graph.
func (m *machine) allowed(x *context, k cand) bool {
	m.g.save(x.cpu, &m.mark)
	_, e := m.apply(x, k)
	ok := m.g.consistent(e)
	m.g.undo(x.cpu, &m.mark)
	return ok
}

// spinWays lists the writes that meet condition i of x's spin-wait.
func (m *machine) spinWays(list []cand, x *context, i int, stale bool) []cand {
	k := &x.c.Conds[i]
	if m.g == nil || x.op.locs[i] == none {
		if k.Holds(m.mem.Read(k.Ref.A, k.Ref.Size)) {
			list = append(list, cand{w: none, cond: int8(i)})
		}
		return list
	}
	l := x.op.locs[i]
	lo := &m.g.locs[l]
	oldest := m.g.position(lo.coh[x.cpu])
	for pos := int32(len(lo.co)) - 1; pos >= oldest; pos-- {
		w := none
		if pos >= 0 {
			w = lo.co[pos]
		}
		last := int(pos) == len(lo.co)-1
		if c := (cand{w, int8(i)}); k.Holds(part(k.Ref, m.g.value(l, w))) && (last || m.allowed(x, c)) {
			list = append(list, c)
		}
		if !stale {
			break
		}
	}
	return list
}
