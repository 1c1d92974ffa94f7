package explore

import "mmsim/sim"

// schedSearch visits the schedules whose preemptions, stale reads and delayed
// stores number at most bound, one execution each.
type schedSearch struct {
	points []point
	depth  int
	bound  int // Unbounded for none
	used   int
	short  bool // the bound left something out
	whole  bool // nothing is pruned: for tests
	list   []option
}

func (s *schedSearch) begin() { s.depth, s.used = 0, 0 }

// free implements driver.
func (s *schedSearch) free(*context) bool { return false }

// choose implements driver.
func (s *schedSearch) choose(*machine, *context) int { return 0 }

// left reports whether one more deviation is within the bound.
func (s *schedSearch) left() bool { return s.bound == Unbounded || s.used < s.bound }

// next implements driver.
func (s *schedSearch) next(m *machine) *context {
	if s.known() {
		p := &s.points[s.depth]
		s.depth++
		return s.follow(m, p.opt, p.costs)
	}
	s.list = m.options(s.list, s.left())
	s.short = s.short || !s.left() && s.blocked(m)
	if m.finished() || len(s.list) == 0 {
		m.over()
		if m.end == deadlock && !s.left() && s.blocked(m) {
			m.end = cut
		}
		return nil
	}
	free := 1 // options that are no preemption
	if s.list[0].x == nil || s.list[0].x != m.cur {
		for free < len(s.list) && s.list[free].kind != segTimer {
			free++
		}
	}
	n := len(s.list)
	if !s.left() {
		s.short = s.short || n > free
		n = free
	}
	n, free = s.prune(n, free)
	if n == 0 {
		m.end = cut
		return nil
	}
	p := s.take(n)
	k := int(p.chosen)
	p.opt, p.costs = s.list[k], k >= free
	return s.follow(m, p.opt, p.costs)
}

// known reports whether the next point is on the way to the last one.
func (s *schedSearch) known() bool { return s.depth < len(s.points)-1 }

// blocked reports whether some context waits that an older value could let go.
func (s *schedSearch) blocked(m *machine) bool {
	for i := range m.cpus {
		if x := m.cpus[i].top(); x != nil && !m.canRun(x, false) && m.canRun(x, true) {
			return true
		}
	}
	return false
}

// prune takes out contexts that were preempted and whose operation nothing that
// has run since conflicts with: had they gone on before the preemption, the
// outcome would be the same.
func (s *schedSearch) prune(n, free int) (int, int) {
	if s.whole {
		return n, free
	}
	kept, keptFree := 0, 0
	for i, o := range s.list[:n] {
		if o.x != nil && o.x.preempted && !o.x.conflict {
			continue
		}
		s.list[kept] = o
		kept++
		if i < free {
			keptFree++
		}
	}
	return kept, keptFree
}

// follow makes an option happen.
func (s *schedSearch) follow(m *machine, o option, preempts bool) *context {
	if c := m.cur; preempts {
		s.used++
		if c != nil && c.state == ready && c.live && !(o.kind != segRun && o.cpu == c.cpu) {
			c.preempted, c.conflict = true, false
		}
	}
	x := m.follow(o)
	if !x.live {
		return x
	}
	x.preempted = false
	if s.pick(m, x); m.end != going {
		return nil
	}
	m.disturb(x)
	return x
}

// pick chooses among the ways of x's operation.
func (s *schedSearch) pick(m *machine, x *context) {
	if s.known() {
		p := &s.points[s.depth]
		s.depth++
		x.pick = p.pick
		if p.costs {
			s.used++
		}
		return
	}
	m.fill(x, s.left())
	s.short = s.short || !s.left() && m.pastWays(x)
	if len(x.cands) == 0 { // only with an old value, after a preemption: too much
		s.short, m.end = true, cut
		return
	}
	p := s.take(len(x.cands))
	x.pick = x.cands[p.chosen]
	p.pick, p.costs = x.pick, m.old(x)
	if p.costs {
		s.used++
	}
}

// pastWays reports whether x's operation might take something else than the
// newest write.
func (m *machine) pastWays(x *context) bool {
	if x.returning {
		return false
	}
	if m.g == nil {
		return x.op.kind == opSpin
	}
	for i := range x.operands() {
		l := x.op.loc
		if x.op.kind == opSpin {
			l = x.op.locs[i]
		}
		if l != none && m.g.locs[l].coh[x.cpu] != m.g.locs[l].latest() {
			return true
		}
	}
	return x.op.kind == opSpin && (x.op.timeout || len(x.c.Conds) > 1)
}

// old reports whether x's pick is a stale read, a delayed store or a deadline
// that passes although the wait could end otherwise.
func (m *machine) old(x *context) bool {
	if x.pick.cond < 0 {
		return len(x.cands) > 1
	}
	l := m.pickLoc(x)
	return !x.returning && l != none && x.pick.w != m.g.locs[l].latest()
}

// disturb tells preempted contexts that x's operation runs, which may conflict
// with theirs.
func (m *machine) disturb(x *context) {
	for i := range m.cpus {
		if y := m.cpus[i].top(); y != nil && y != x && y.preempted && !y.conflict {
			y.conflict = conflicts(x, y)
		}
	}
}

// conflicts reports whether the operations of x and y may not be swapped.
func conflicts(x, y *context) bool {
	a, b := &x.op, &y.op
	if x.returning || y.returning {
		return true
	}
	if a.kind == opGhost && b.kind == opGhost {
		return a.key == b.key
	}
	if a.kind == opGhost || b.kind == opGhost {
		return other(a, b).outside()
	}
	if a.own() || b.own() {
		return disturbs(x, y) || disturbs(y, x)
	}
	if a.outside() || b.outside() {
		return true
	}
	if a.reads() && b.reads() {
		return false
	}
	for i := range x.operands() {
		for j := range y.operands() {
			if x.operand(i) == y.operand(j) {
				return true
			}
		}
	}
	return false
}

// own reports whether an operation is about its own CPU alone: no access of
// another CPU can tell whether it has happened.
func (o *op) own() bool {
	switch o.kind {
	case opCPU, opIPI, opReader:
		return true
	}
	return false
}

// disturbs reports whether the operation of x may not be swapped with that of y,
// which is about y's own CPU: an interrupt comes before or after what switches
// it off, and a grace period waits for a section or does not.
func disturbs(x, y *context) bool {
	switch y.op.kind {
	case opCPU, opIPI:
		return x.op.kind == opIPI && (x.op.key == uint64(y.cpu) || y.op.kind == opIPI && x.op.key == y.op.key) ||
			x.op.kind == opNone
	case opReader:
		return x.op.kind == opGrace || x.op.kind == opSync || x.op.kind == opNone
	}
	return false
}

// operands is the number of words that x's operation is about.
func (x *context) operands() int {
	if x.op.kind == opSpin {
		return len(x.c.Conds)
	}
	return 1
}

// operand is the i-th of them.
func (x *context) operand(i int) sim.Addr {
	if x.op.kind == opSpin {
		return x.c.Conds[i].Ref.A &^ 7
	}
	return x.op.ref.A &^ 7
}

func other(a, b *op) *op {
	if a.kind == opGhost {
		return b
	}
	return a
}

// outside reports whether an operation is about something else than memory.
func (o *op) outside() bool {
	switch o.kind {
	case opLoad, opStore, opRMW, opSpin, opGhost:
		return false
	}
	return true
}

func (o *op) reads() bool { return o.kind == opLoad || o.kind == opSpin }

// take goes through the next point: with the choice that is due, or the first.
func (s *schedSearch) take(n int) *point {
	if s.depth == len(s.points) {
		s.points = append(s.points, point{n: int32(n)})
	}
	s.depth++
	return &s.points[s.depth-1]
}

// more goes to the next execution; false when all have been visited.
func (s *schedSearch) more(*machine) bool {
	for n := len(s.points); n > 0; n-- {
		if p := &s.points[n-1]; p.chosen+1 < p.n {
			p.chosen++
			s.points = s.points[:n]
			return true
		}
	}
	s.points = s.points[:0]
	return false
}
