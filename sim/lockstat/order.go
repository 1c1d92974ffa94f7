package lockstat

import (
	"fmt"
	"strings"

	"mmsim/sim"
)

// maxReports and maxPairs bound what the check remembers of a run that nests
// ever new locks in wrong orders, or ever new locks of one class.
const (
	maxReports = 32
	maxPairs   = 1 << 16
)

// Order is one observed nesting of two locks: a context took, or waited for,
// Second while it held First.
type Order struct {
	First, Second         string
	Context               string
	FirstStep, SecondStep sim.Step // in which each was taken
	At                    sim.Time
}

// String is the order as errors print it.
func (o Order) String() string {
	return fmt.Sprintf("%s takes %s (step %v) while it holds %s (step %v), at %v",
		o.Context, o.Second, o.SecondStep, o.First, o.FirstStep, o.At)
}

// Use is one observed acquisition, and whether an interrupt handler did it.
type Use struct {
	Lock    string
	Context string
	Handler bool
	Step    sim.Step
	At      sim.Time
}

// String is the use as errors print it.
func (u Use) String() string {
	where := "with interrupts on"
	if u.Handler {
		where = "in an interrupt handler"
	}
	return fmt.Sprintf("%s takes %s (step %v) %s, at %v", u.Context, u.Lock, u.Step, where, u.At)
}

// OrderReport is a finding of the lock-order check.
type OrderReport struct {
	What   string
	Orders []Order // the nestings that cannot all be right
	Uses   []Use   // or the acquisitions that cannot
}

// String is the finding, one nesting a line.
func (r OrderReport) String() string {
	var b strings.Builder
	b.WriteString(r.What)
	for _, o := range r.Orders {
		b.WriteString("\n    " + o.String())
	}
	for _, u := range r.Uses {
		b.WriteString("\n    " + u.String())
	}
	return b.String()
}

// edge is the first time that a lock of class to was taken under one of the
// class that the edge belongs to.
type edge struct {
	to            int32
	first, second sim.Step
	context       string
	at            sim.Time
}

// pair is two locks of one class, in order of their records; equal for one lock
// taken twice. Lives tell locks apart that lay at one address one after the
// other.
type pair struct {
	a, b         int32
	aLife, bLife uint32
}

// pairOrders has, for each order in which a pair was seen, who did it first.
type pairOrders struct{ seen [2]*edge }

// Orders returns the findings so far.
func (t *Tracker) Orders() []OrderReport { return t.reports }

// checkOrder is check_prev_add: every lock that x holds comes before the one
// that it takes now or starts to wait for. A class order that closes a cycle is
// reported, be the locks themselves others than those that met before. Shared
// and exclusive sides count alike, as lockdep has it for rwsems: a queued writer
// makes readers wait. The locks of one class may nest in any order that is the
// same for every two of them (double_rq_lock goes by address); the kernel's
// subclasses are not modelled.
func (t *Tracker) checkOrder(x *context, r int32, e *Event) {
	to := t.locks.at(r).class
	for i := range x.held {
		h := &x.held[i]
		from := t.locks.at(h.rec).class
		if from == to {
			t.checkPair(x, h, r, e)
		} else if !t.classes[from].hasAfter(to) {
			t.addEdge(from, edge{to: to, first: h.step, second: e.Step, context: x.cpu.Name, at: e.At})
		}
	}
}

func (k *class) hasAfter(to int32) bool {
	return int(to>>6) < len(k.after) && k.after[to>>6]>>(to&63)&1 != 0
}

func (t *Tracker) addEdge(from int32, n edge) {
	k := &t.classes[from]
	for int(n.to>>6) >= len(k.after) {
		k.after = append(k.after, 0)
	}
	k.after[n.to>>6] |= 1 << (n.to & 63)
	k.edges = append(k.edges, n)
	back := t.path(n.to, from)
	if back == nil {
		return
	}
	orders := []Order{t.order(from, &n)}
	for i, at := 0, n.to; i < len(back); i++ {
		orders = append(orders, t.order(at, back[i]))
		at = back[i].to
	}
	t.report(OrderReport{What: "circular lock order: " + k.name + " and " + t.classes[n.to].name, Orders: orders})
}

func (t *Tracker) order(from int32, n *edge) Order {
	return n.named(t.classes[from].name, t.classes[n.to].name)
}

func (n *edge) named(first, second string) Order {
	return Order{First: first, Second: second, Context: n.context, FirstStep: n.first, SecondStep: n.second, At: n.at}
}

// path is a shortest chain of edges from one class to another, nil if there is
// none.
func (t *Tracker) path(from, to int32) (edges []*edge) {
	came := make([]*edge, len(t.classes)) // the edge that led to a class first
	prev := make([]int32, len(t.classes))
	queue := []int32{from}
	for len(queue) > 0 && came[to] == nil {
		at := queue[0]
		queue = queue[1:]
		for i := range t.classes[at].edges {
			n := &t.classes[at].edges[i]
			if came[n.to] == nil && n.to != from {
				came[n.to], prev[n.to] = n, at
				queue = append(queue, n.to)
			}
		}
	}
	if came[to] == nil {
		return nil
	}
	for at := to; at != from; at = prev[at] {
		edges = append([]*edge{came[at]}, edges...)
	}
	return edges
}

// checkPair checks the order of two locks of one class, and that no lock is
// taken twice. (Twice shared is left alone: some read locks may nest.)
func (t *Tracker) checkPair(x *context, h *hold, r int32, e *Event) {
	if h.rec == r && h.mode == sim.Shared && e.Mode == sim.Shared {
		return
	}
	p := pair{a: h.rec, b: r, aLife: t.locks.at(h.rec).life, bLife: t.locks.at(r).life}
	way := 0
	if p.a > p.b {
		p = pair{a: p.b, b: p.a, aLife: p.bLife, bLife: p.aLife}
		way = 1
	}
	o := t.pairs[p]
	if o == nil {
		if len(t.pairs) == maxPairs {
			return
		}
		o = new(pairOrders)
		t.pairs[p] = o
	}
	if o.seen[way] != nil {
		return
	}
	o.seen[way] = &edge{first: h.step, second: e.Step, context: x.cpu.Name, at: e.At}
	first, second := t.name(h.addr), t.name(e.Lock)
	report := OrderReport{Orders: []Order{o.seen[way].named(first, second)}}
	switch other := o.seen[1-way]; {
	case h.rec == r:
		report.What = "a lock is taken by its holder: " + first
	case other != nil:
		report.What = "circular lock order: " + first + " and " + second
		report.Orders = append(report.Orders, other.named(second, first))
	default:
		return
	}
	t.report(report)
}

func (t *Tracker) report(r OrderReport) {
	if len(t.reports) < maxReports {
		t.reports = append(t.reports, r)
	}
}
