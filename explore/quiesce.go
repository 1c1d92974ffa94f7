package explore

import "slices"

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

// quietCPU is what is asked of one CPU's program order.
type quietCPU struct {
	places   []int      // where it is outside of readers
	prefixes [][]uint64 // the first k events
	suffixes [][]uint64 // the events behind them
}

// quiescence is a partial answer: the order that it implies, as rows of
// predecessors, each with the event itself.
type quiescence struct {
	g      *graph
	cpus   []quietCPU
	pred   []uint64
	passes []pass
	left   *int // placings that may still be tried
}

// quiesces reports whether there is room for the quiescent states of all grace
// periods; known is false if the search for it was given up.
func (g *graph) quiesces() (ok, known bool) {
	left := maxPlacings
	q := &quiescence{g: g, left: &left, cpus: make([]quietCPU, len(g.th))}
	for i := range g.rcu {
		if r := &g.rcu[i]; r.kind == rcuSync && r.domain == 0 {
			q.addPasses(r)
		}
	}
	if len(q.passes) == 0 {
		return true, true
	}
	for cpu := range g.th {
		q.cpus[cpu] = g.quietPlaces(int32(cpu))
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

func (g *graph) quietPlaces(cpu int32) (c quietCPU) {
	events := g.th[cpu].events
	for k := 0; k <= len(events); k++ {
		c.prefixes = append(c.prefixes, g.rowOf(events[:k]))
		c.suffixes = append(c.suffixes, g.rowOf(events[k:]))
		if !g.inReader(cpu, k) {
			c.places = append(c.places, k)
		}
	}
	return c
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

// solve finds places for all that have none: by running the events in some
// order, or, if that gets stuck, by trying places.
func (q *quiescence) solve() bool {
	if !q.propagate() {
		return false
	}
	if q.runs() {
		return true
	}
	next, options := -1, 0
	for i := range q.passes {
		if p := &q.passes[i]; p.place == unplaced {
			if n := len(q.fitting(p)); next < 0 || n < options {
				next, options = i, n
			}
		}
	}
	if next < 0 {
		return true
	}
	for _, k := range q.fitting(&q.passes[next]) {
		if *q.left--; *q.left <= 0 {
			return false
		}
		try := *q
		try.pred, try.passes = slices.Clone(q.pred), slices.Clone(q.passes)
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
			first, last := unplaced, 0
			for _, k := range q.cpus[p.cpu].places {
				if q.fits(p, k) {
					if last = k; first == unplaced {
						first = k
					}
				}
			}
			if first == unplaced {
				return false
			}
			if first == last {
				p.place = first
			}
			early, late := q.cpus[p.cpu].prefixes[first], q.cpus[p.cpu].suffixes[last]
			more = q.order(early, p.after) || more
			more = q.order(p.before, late) || more
			more = q.order(early, late) || more
		}
	}
	return true
}

// fitting lists where the quiescent state can be.
func (q *quiescence) fitting(p *pass) (out []int) {
	for _, k := range q.cpus[p.cpu].places {
		if q.fits(p, k) {
			out = append(out, k)
		}
	}
	return out
}

// fits reports whether the order so far allows place k.
func (q *quiescence) fits(p *pass, k int) bool {
	if p.place != unplaced {
		if p.place != k {
			return false
		}
	}
	first, last := q.cpus[p.cpu].prefixes[k], q.cpus[p.cpu].suffixes[k]
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
	all := q.g.tail
	clear(all)
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
