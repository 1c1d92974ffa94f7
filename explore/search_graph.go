package explore

// point is one choice of a search. What was chosen is kept, so that the way to
// the last point need not be worked out again in the next execution.
type point struct {
	n, chosen int32
	ctx       int32 // graph search: the context that chose
	cpu       int32
	pick      cand
	opt       option
	costs     bool   // the choice counts against the bound
	step      uint16 // reads: the step of its CPU that it is
	read      bool
	late      bool // reads: a racing write was seen; waiting for it is one more choice
}

// graphSearch visits every consistent execution graph once.
//
// All linear extensions of program order and reads-from lead to the same graph,
// so one is enough. Stores, whose place among stores already made is a choice
// of its own, are never waited for. A read takes one of the writes that are
// there, or is postponed until there is a new one, of which it then takes one.
// Whether postponing it leads anywhere is found out as in dynamic partial-order
// reduction: by a write of another CPU to the same location, later in some
// execution, that does not itself depend on the read.
type graphSearch struct {
	points []point
	depth  int  // points of the execution in progress
	all    bool // postpone every read, race or not: for tests
}

func (s *graphSearch) begin() { s.depth = 0 }

// free implements driver.
func (s *graphSearch) free(x *context) bool { return x.op.kind == opStore && x.state == ready }

// choose implements driver: where a store goes.
func (s *graphSearch) choose(m *machine, x *context) int {
	if s.known() {
		s.depth++
		x.cands = append(x.cands[:0], s.points[s.depth-1].pick)
		return 0
	}
	s.race(m, x)
	m.fill(x, true)
	return int(s.take(x, point{n: int32(len(x.cands)), cpu: x.cpu}))
}

// known reports whether the next point is on the way to the last one, which is
// the first that differs from the execution before.
func (s *graphSearch) known() bool { return s.depth < len(s.points)-1 }

// take goes through the next point: with the choice that is due, or the first.
func (s *graphSearch) take(x *context, p point) int32 {
	if s.depth == len(s.points) {
		s.points = append(s.points, p)
	}
	q := &s.points[s.depth]
	if s.depth++; q.chosen < q.n {
		q.pick = x.cands[q.chosen]
	}
	q.ctx = int32(x.id)
	return q.chosen
}

// again goes through a known point of a context that waited its turn; nil if it
// was postponed.
func (s *graphSearch) again(m *machine) *context {
	p := &s.points[s.depth]
	x := m.all[p.ctx]
	s.depth++
	if p.chosen == p.n {
		s.postpone(m, x)
		return nil
	}
	if p.read {
		s.watch(m, x)
	}
	x.pick, x.postponed = p.pick, false
	return x
}

func (s *graphSearch) postpone(m *machine, x *context) {
	x.postponed, x.since = true, int32(len(m.g.ev))
	if x.op.kind == opGhost {
		x.since = m.ghostOf(x.op.key).count
	}
}

// next implements driver.
func (s *graphSearch) next(m *machine) *context {
	for s.known() {
		if x := s.again(m); x != nil {
			return x
		}
	}
	x := m.cur
	if x == nil || !s.ready(m, x) {
		x = nil
		for _, y := range m.all[:m.handles] {
			if s.ready(m, y) && (x == nil || x.postponed && !y.postponed) {
				x = y
			}
		}
	}
	if x == nil {
		s.stuck(m)
		return nil
	}
	return s.decide(m, x)
}

// ready reports whether x can go on, with its ways in x.cands.
func (s *graphSearch) ready(m *machine, x *context) bool {
	if x.state != ready || m.polling(x) {
		return false
	}
	if x.op.kind == opGhost {
		x.cands = append(x.cands[:0], cand{})
		return !x.postponed || m.ghostOf(x.op.key).count > x.since
	}
	m.fill(x, true)
	if x.postponed {
		k := x.cands[:0]
		for _, c := range x.cands {
			if c.w >= x.since {
				k = append(k, c)
			}
		}
		x.cands = k
	}
	return len(x.cands) > 0
}

// decide lets x go on, or postpones it and picks another.
func (s *graphSearch) decide(m *machine, x *context) *context {
	s.race(m, x)
	k := s.take(x, point{n: int32(len(x.cands)), cpu: x.cpu, read: true, late: s.all, step: m.g.th[x.cpu].clock[x.cpu] + 1})
	if int(k) == len(x.cands) {
		s.postpone(m, x)
		return s.next(m)
	}
	s.watch(m, x)
	x.pick, x.postponed = x.cands[k], false
	return x
}

// lists calls f with the list of points of every location of x's operation.
func (m *machine) lists(x *context, f func(points *[]int32)) {
	switch x.op.kind {
	case opGhost:
		f(&m.ghostOf(x.op.key).points)
	case opSpin:
		for _, l := range x.op.locs[:len(x.c.Conds)] {
			if l != none {
				f(&m.g.locs[l].points)
			}
		}
	default:
		f(&m.g.locs[x.op.loc].points)
	}
}

// watch enters the point just taken in the lists of what it read.
func (s *graphSearch) watch(m *machine, x *context) {
	m.lists(x, func(points *[]int32) { *points = append(*points, int32(s.depth-1)) })
}

// race marks the reads of other CPUs that x's operation, if it writes, could
// have come before.
func (s *graphSearch) race(m *machine, x *context) {
	if x.op.kind == opLoad || x.op.kind == opSpin {
		return
	}
	clock := m.g.th[x.cpu].clock
	m.lists(x, func(points *[]int32) {
		for _, i := range *points {
			if p := &s.points[i]; p.cpu != x.cpu && clock[p.cpu] < p.step {
				p.late = true
			}
		}
	})
}

// stuck ends an execution in which nothing can go on.
func (s *graphSearch) stuck(m *machine) {
	m.end = deadlock
	if m.finished() {
		m.end = complete
		return
	}
	for _, x := range m.all[:m.handles] {
		if x.state != ready {
			continue
		}
		if x.postponed {
			x.postponed = false
			if s.ready(m, x) {
				m.end = cut
			}
		}
		if x.op.kind == opRMW { // what it waits for may have come the other way round
			s.race(m, x)
		}
	}
}

// more goes to the next execution; false when all have been visited.
func (s *graphSearch) more(m *machine) bool {
	if m.early {
		s.suspect()
	}
	for n := len(s.points); n > 0; n-- {
		p := &s.points[n-1]
		limit := p.n
		if p.late {
			limit++
		}
		if p.chosen+1 < limit {
			p.chosen++
			s.points = s.points[:n]
			return true
		}
	}
	s.points = s.points[:0]
	return false
}

// suspect marks every read as postponable when an execution ended before all
// its races could be seen.
func (s *graphSearch) suspect() {
	for i := range s.points[:s.depth] {
		if p := &s.points[i]; p.read {
			p.late = true
		}
	}
}
