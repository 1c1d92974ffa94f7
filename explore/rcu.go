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
	g.fillLinks(n)
	g.order = resize(g.order, n*n)
	for i := range g.rcu {
		g.order[i*n+i] = g.rcu[i].kind == rcuSync
	}
	for g.extendOrder(n) {
	}
	for a := range n {
		for b := range n {
			if g.order[a*n+b] && g.links[b*n+a] {
				return false
			}
		}
	}
	return true
}

func resize(s []bool, n int) []bool {
	if cap(s) < n {
		return make([]bool, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// fillLinks computes rcu-link, po?; hb*; pb*; prop; po, between all RCU events;
// where the model has one order instead (sc, x86-tso, arm64), po?; order*; po.
func (g *graph) fillLinks(n int) {
	g.links = resize(g.links, n*n)
	for a := range n {
		g.walkFrom(&g.rcu[a])
		for b := range n {
			v := &g.rcu[b]
			own := v.cpu == g.rcu[a].cpu && b < a
			g.links[b*n+a] = own || g.anySeen(g.th[v.cpu].events[v.po:])
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
func (g *graph) extendOrder(n int) (more bool) {
	via := make([]bool, n*n) // link | link; order; link
	for a := range n {
		for b := range n {
			via[a*n+b] = g.links[a*n+b] || g.spans(n, a, b, g.links)
			if !g.order[a*n+b] && g.spans(n, a, b, g.order) { // order; link; order
				g.order[a*n+b], more = true, true
			}
		}
	}
	for s := range g.rcu {
		if g.rcu[s].kind != rcuSync {
			continue
		}
		for u := range g.rcu {
			if g.rcu[u].kind != rcuUnlock || g.rcu[u].domain != g.rcu[s].domain {
				continue
			}
			l := int(g.rcu[u].match)
			if via[s*n+u] && !g.order[s*n+l] {
				g.order[s*n+l], more = true, true
			}
			if via[l*n+s] && !g.order[u*n+s] {
				g.order[u*n+s], more = true, true
			}
		}
	}
	return more
}

// spans reports outer; inner; outer from a to b, where inner is the other of
// link and order.
func (g *graph) spans(n, a, b int, outer []bool) bool {
	inner := g.order
	if &outer[0] == &g.order[0] {
		inner = g.links
	}
	for x := range n {
		if !outer[a*n+x] {
			continue
		}
		for y := range n {
			if inner[x*n+y] && outer[y*n+b] {
				return true
			}
		}
	}
	return false
}
