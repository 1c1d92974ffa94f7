package explore

// rcuKind is the kind of an RCU event.
type rcuKind uint8

const (
	rcuLock rcuKind = iota
	rcuUnlock
	rcuSync
)

// rcuEvent is a grace period, or an end of an outermost read-side critical
// section.
type rcuEvent struct {
	cpu    int32
	po     int32 // memory events of the CPU before it
	kind   rcuKind
	match  int32 // unlocks: index of the lock
	domain uint64
}

// addRCU appends an RCU event to cpu's program order.
func (g *graph) addRCU(cpu int32, k rcuKind, match int32, domain uint64) int32 {
	g.rcu = append(g.rcu, rcuEvent{cpu: cpu, po: int32(len(g.th[cpu].events)), kind: k, match: match, domain: domain})
	if k == rcuSync {
		g.graces++
	}
	return int32(len(g.rcu) - 1)
}

// graceful checks the RCU axiom (irreflexive rb): no ring of links that holds
// at least as many grace periods as read-side critical sections.
func (g *graph) graceful() bool {
	n := len(g.rcu)
	g.links, g.order = newMatrix(g.links, n), newMatrix(g.order, n)
	g.fillLinks()
	for i := range g.rcu {
		if g.rcu[i].kind == rcuSync {
			g.order.set(i, i)
		}
	}
	for g.extendOrder() {
	}
	for a := range n {
		for b := range n {
			if g.order.has(a, b) && g.links.has(b, a) {
				return false
			}
		}
	}
	return true
}

// gracefulSoFar is graceful for an execution in which the sections that begin
// with these events are not over: they will end after all there is.
func (g *graph) gracefulSoFar(locks []int32) bool {
	n := len(g.rcu)
	for _, l := range locks {
		e := &g.rcu[l]
		g.addRCU(e.cpu, rcuUnlock, l, e.domain)
	}
	ok := g.graceful()
	g.rcu = g.rcu[:n]
	return ok
}

// matrix is a relation over the RCU events of a graph.
type matrix struct {
	n, stride int
	w         []uint64
}

// newMatrix returns an empty matrix in the storage of old.
func newMatrix(old matrix, n int) matrix {
	m := matrix{n: n, stride: (n + 63) / 64, w: old.w}
	if size := n * m.stride; cap(m.w) < size {
		m.w = make([]uint64, size)
	} else {
		m.w = m.w[:size]
		clear(m.w)
	}
	return m
}

func (m *matrix) row(a int) []uint64 { return m.w[a*m.stride : (a+1)*m.stride] }
func (m *matrix) set(a, b int)       { setBit(m.row(a), int32(b)) }
func (m *matrix) has(a, b int) bool  { return hasBit(m.row(a), int32(b)) }

// after is the composition a; b.
func (m *matrix) after(storage matrix, b *matrix) matrix {
	r := newMatrix(storage, m.n)
	for i := range m.n {
		for j := nextBit(m.row(i), 0); j != none; j = nextBit(m.row(i), j+1) {
			union(r.row(i), b.row(int(j)))
		}
	}
	return r
}

// fillLinks computes rcu-link, po?; hb*; pb*; prop; po, between all RCU events;
// where the model has one order instead (sc, x86-tso, arm64), po?; order*; po.
func (g *graph) fillLinks() {
	for a := range g.rcu {
		g.walkFrom(&g.rcu[a])
		for b := range g.rcu {
			v := &g.rcu[b]
			if v.cpu == g.rcu[a].cpu && b < a || g.anySeen(g.th[v.cpu].events[v.po:]) {
				g.links.set(b, a)
			}
		}
	}
}

func (g *graph) anySeen(events []int32) bool {
	for _, e := range events {
		if hasBit(g.seen, e) {
			return true
		}
	}
	return false
}

// walkFrom collects the events that precede RCU event a by a link.
func (g *graph) walkFrom(a *rcuEvent) {
	clear(g.seen)
	clear(g.work)
	g.stack = g.stack[:0]
	before := g.th[a.cpu].events[:a.po]
	if g.model != LKMM {
		for _, e := range before {
			g.visit(e)
		}
		g.walkOrder()
		return
	}
	clear(g.tail)
	for _, e := range before {
		union(g.tail, g.row(g.cs, e))
	}
	for more := true; more; more = g.strongBack() {
		g.visitRow(g.tail)
		g.visitOverwritten(g.tail)
		g.happensBefore()
	}
}

// extendOrder applies the rules of rcu-order once and reports whether anything
// was new.
func (g *graph) extendOrder() (more bool) {
	g.tmp = g.links.after(g.tmp, &g.order)
	g.via = g.tmp.after(g.via, &g.links) // link; order; link
	union(g.via.w, g.links.w)
	g.tmp2 = g.order.after(g.tmp2, &g.tmp) // order; link; order
	for i, w := range g.tmp2.w {
		more = more || w&^g.order.w[i] != 0
		g.order.w[i] |= w
	}
	for s := range g.rcu {
		for u := range g.rcu {
			if g.rcu[s].kind == rcuSync && g.rcu[u].kind == rcuUnlock && g.rcu[u].domain == g.rcu[s].domain {
				l := int(g.rcu[u].match)
				more = g.extend(g.via.has(s, u), s, l) || more
				more = g.extend(g.via.has(l, s), u, s) || more
			}
		}
	}
	return more
}

// extend puts (a, b) into rcu-order if the condition holds, and reports whether
// it was new.
func (g *graph) extend(cond bool, a, b int) bool {
	if !cond || g.order.has(a, b) {
		return false
	}
	g.order.set(a, b)
	return true
}
