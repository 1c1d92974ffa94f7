package explore

// A grace period of RCU does more than the RCU axiom of the kernel model asks:
// every other CPU passes through a quiescent state in it, outside of readers and
// with its earlier accesses performed (litmus-format.md, "Meaning"). Under the
// models that are machines (sc, x86-tso, arm64) a finished execution must have
// room for that: a place in the program order of each CPU for each grace period,
// such that what comes before it comes before all behind the grace period, and
// what comes behind it comes behind all before the grace period.

// pass is the quiescent state of one CPU in one grace period.
type pass struct {
	before, after []uint64 // events of the caller
	cpu           int32
	place         int // its place in the CPU's program order, or unplaced
}

const unplaced = -1

// maxPlacings bounds the search for places.
const maxPlacings = 2000

// quiescence is a partial answer: the order that it implies, as rows of
// predecessors, each with the event itself.
type quiescence struct {
	g      *graph
	pred   []uint64
	passes []pass
	left   *int // placings that may still be tried
}

// quiesces reports whether there is room for the quiescent states of all grace
// periods; known is false if the search for it was given up.
func (g *graph) quiesces() (ok, known bool) {
	left := maxPlacings
	q := &quiescence{g: g, left: &left}
	for i := range g.rcu {
		if r := &g.rcu[i]; r.kind == rcuSync && r.domain == 0 {
			q.addPasses(r)
		}
	}
	if len(q.passes) == 0 {
		return true, true
	}
	q.pred = make([]uint64, len(g.ev)*g.stride)
	for e := range int32(len(g.ev)) {
		clear(g.seen)
		g.stack = g.stack[:0]
		g.visit(e)
		g.walkOrder()
		copy(g.row(q.pred, e), g.seen)
	}
	ok = q.solve()
	return ok, ok || left > 0
}

// addPasses adds what grace period r asks of the other CPUs.
func (q *quiescence) addPasses(r *rcuEvent) {
	g := q.g
	own := g.th[r.cpu].events
	before, after := g.rowOf(own[:r.po]), g.rowOf(own[r.po:])
	for cpu := range g.th {
		if int32(cpu) != r.cpu && len(g.th[cpu].events) > 0 {
			q.passes = append(q.passes, pass{before, after, int32(cpu), unplaced})
		}
	}
}

// rowOf is a row with some events.
func (g *graph) rowOf(events []int32) []uint64 {
	row := make([]uint64, g.stride)
	for _, e := range events {
		setBit(row, e)
	}
	return row
}

// solve finds places for all that have none.
func (q *quiescence) solve() bool {
	if !q.propagate() {
		return false
	}
	next, options := -1, 0
	for i := range q.passes {
		if p := &q.passes[i]; p.place == unplaced {
			if n := len(q.places(p)); next < 0 || n < options {
				next, options = i, n
			}
		}
	}
	if next < 0 {
		return true
	}
	for _, k := range q.places(&q.passes[next]) {
		if *q.left--; *q.left <= 0 {
			return false
		}
		try := quiescence{q.g, append([]uint64(nil), q.pred...), append([]pass(nil), q.passes...), q.left}
		try.passes[next].place = k
		if try.solve() {
			return true
		}
	}
	return false
}

// propagate adds the order that follows from the places that are left, until
// there is no more; false if some CPU has none.
func (q *quiescence) propagate() bool {
	for more := true; more; {
		more = false
		for i := range q.passes {
			p := &q.passes[i]
			at := q.places(p)
			if len(at) == 0 {
				return false
			}
			if len(at) == 1 {
				p.place = at[0]
			}
			events := q.g.th[p.cpu].events
			first, last := q.g.rowOf(events[:at[0]]), q.g.rowOf(events[at[len(at)-1]:])
			more = q.order(first, p.after) || more
			more = q.order(p.before, last) || more
			more = q.order(first, last) || more
		}
	}
	return true
}

// places lists where the quiescent state can be: an index of the CPU's program
// order.
func (q *quiescence) places(p *pass) (out []int) {
	events := q.g.th[p.cpu].events
	for k := 0; k <= len(events); k++ {
		if (p.place == unplaced || p.place == k) && !q.g.inReader(p.cpu, k) && q.fits(p, events, k) {
			out = append(out, k)
		}
	}
	return out
}

// fits reports whether the order so far allows place k.
func (q *quiescence) fits(p *pass, events []int32, k int) bool {
	first, last := q.g.rowOf(events[:k]), q.g.rowOf(events[k:])
	return !q.reaches(p.after, first) && !q.reaches(last, p.before) && !q.reaches(last, first)
}

// reaches reports whether some event of a row comes before one of another.
func (q *quiescence) reaches(from, to []uint64) bool {
	for e := nextBit(to, 0); e != none; e = nextBit(to, e+1) {
		if intersects(q.g.row(q.pred, e), from) {
			return true
		}
	}
	return false
}

// order puts all of one row before all of another, and reports whether that is
// new.
func (q *quiescence) order(first, last []uint64) (more bool) {
	all := make([]uint64, q.g.stride)
	for e := nextBit(first, 0); e != none; e = nextBit(first, e+1) {
		union(all, q.g.row(q.pred, e))
	}
	for e := range int32(len(q.g.ev)) {
		row := q.g.row(q.pred, e)
		if !intersects(row, last) {
			continue
		}
		for i, w := range all {
			more = more || w&^row[i] != 0
			row[i] |= w
		}
	}
	return more
}

// inReader reports whether place k of a CPU's program order lies within a
// reader.
func (g *graph) inReader(cpu int32, k int) bool {
	for i := range g.rcu {
		if u := &g.rcu[i]; u.cpu == cpu && u.kind == rcuUnlock && u.domain == 0 && k < int(u.po) && int(g.rcu[u.match].po) < k {
			return true
		}
	}
	return false
}
