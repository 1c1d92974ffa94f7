package litmus

import (
	"fmt"
	"math/bits"
	"slices"

	"mmsim/explore"
	"mmsim/sim"
)

// rel is a relation over at most 64 events: row i has the bits of i's
// successors.
type rel []uint64

// axGraph is one candidate execution.
type axGraph struct {
	ev  []axEvent
	rf  []int // of reads: the write
	co  map[sim.Addr][]int
	po  rel
	rfR rel
	coR rel
	fr  rel
}

func (g *axGraph) rel() rel { return make(rel, len(g.ev)) }

func (g *axGraph) make(in func(a, b int) bool) rel {
	r := g.rel()
	for a := range g.ev {
		for b := range g.ev {
			if in(a, b) {
				r[a] |= 1 << b
			}
		}
	}
	return r
}

func (r rel) has(a, b int) bool { return r[a]>>b&1 != 0 }

func (r rel) or(others ...rel) rel {
	out := slices.Clone(r)
	for _, o := range others {
		for i := range out {
			out[i] |= o[i]
		}
	}
	return out
}

func (r rel) and(o rel) rel {
	out := slices.Clone(r)
	for i := range out {
		out[i] &= o[i]
	}
	return out
}

func (r rel) minus(o rel) rel {
	out := slices.Clone(r)
	for i := range out {
		out[i] &^= o[i]
	}
	return out
}

// seq is relational composition.
func seq(rs ...rel) rel {
	out := rs[0]
	for _, o := range rs[1:] {
		next := make(rel, len(out))
		for i := range out {
			for m := out[i]; m != 0; m &= m - 1 {
				next[i] |= o[bits.TrailingZeros64(m)]
			}
		}
		out = next
	}
	return out
}

func (r rel) inv() rel {
	out := make(rel, len(r))
	for i := range r {
		for m := r[i]; m != 0; m &= m - 1 {
			out[bits.TrailingZeros64(m)] |= 1 << i
		}
	}
	return out
}

func (r rel) opt() rel {
	out := slices.Clone(r)
	for i := range out {
		out[i] |= 1 << i
	}
	return out
}

func (r rel) plus() rel {
	out := slices.Clone(r)
	for k := range out {
		for i := range out {
			if out[i]>>k&1 != 0 {
				out[i] |= out[k]
			}
		}
	}
	return out
}

func (r rel) star() rel { return r.plus().opt() }

func (r rel) irreflexive() bool {
	for i := range r {
		if r[i]>>i&1 != 0 {
			return false
		}
	}
	return true
}

func (r rel) acyclic() bool { return r.plus().irreflexive() }

// set is the identity on the events that satisfy f.
func (g *axGraph) set(f func(e *axEvent) bool) rel {
	r := g.rel()
	for i := range g.ev {
		if f(&g.ev[i]) {
			r[i] = 1 << i
		}
	}
	return r
}

func (e *axEvent) isR() bool { return e.kind == axRead }
func (e *axEvent) isW() bool { return e.kind == axWrite }
func (e *axEvent) isM() bool { return e.isR() || e.isW() }

// fenced is [from]; po; [a fence of these]; po; [to].
func (g *axGraph) fenced(from, to func(e *axEvent) bool, fences ...sim.Fence) rel {
	f := g.set(func(e *axEvent) bool { return e.kind == axFence && slices.Contains(fences, e.fence) })
	return seq(g.set(from), g.po, f, g.po, g.set(to))
}

func (g *axGraph) ext(r rel) rel {
	return r.and(g.make(func(a, b int) bool { return g.ev[a].thread != g.ev[b].thread || g.ev[a].thread < 0 }))
}

func (g *axGraph) int(r rel) rel { return r.minus(g.ext(r)) }

func (g *axGraph) sameLoc(r rel) rel {
	return r.and(g.make(func(a, b int) bool { return g.ev[a].isM() && g.ev[b].isM() && g.ev[a].loc == g.ev[b].loc }))
}

// deps is the relation from a thread's reads to the events that depend on them.
func (g *axGraph) deps(of func(e *axEvent) sim.Dep) rel {
	return g.make(func(a, b int) bool {
		return g.ev[a].isR() && g.po.has(a, b) && of(&g.ev[b])>>g.ev[a].read&1 != 0
	})
}

func (g *axGraph) rmw() rel {
	return g.make(func(a, b int) bool { return g.po.has(a, b) && g.ev[b].rmw >= 0 && g.traceIndex(a) == g.ev[b].rmw })
}

// traceIndex is the place of an event in its thread's trace.
func (g *axGraph) traceIndex(i int) int {
	n := 0
	for j := i - 1; j >= 0 && g.ev[j].thread == g.ev[i].thread; j-- {
		n++
	}
	return n
}

// coherent is what every model asks: coherence of each location, and atomicity.
func (g *axGraph) coherent() bool {
	if !g.sameLoc(g.po).or(g.rfR, g.coR, g.fr).acyclic() {
		return false
	}
	return g.rmw().and(seq(g.ext(g.fr), g.ext(g.coR))).empty()
}

func (r rel) empty() bool {
	for _, row := range r {
		if row != 0 {
			return false
		}
	}
	return true
}

func (g *axGraph) consistent(m explore.Model) bool {
	if !g.coherent() {
		return false
	}
	var order rel
	switch m {
	case explore.SC:
		order = g.po.or(g.rfR, g.coR, g.fr)
	case explore.X86TSO:
		order = g.tso()
	case explore.ARM64:
		order = g.arm64()
	default:
		return g.lkmm()
	}
	grace := g.set(func(e *axEvent) bool { return e.kind == axSync }) // a full barrier
	order = order.or(seq(g.set((*axEvent).isM), g.po, grace, g.po, g.set((*axEvent).isM)))
	return order.acyclic() && g.quiescent(order) && g.srcu(order)
}

func (g *axGraph) tso() rel {
	R, W, M := (*axEvent).isR, (*axEvent).isW, (*axEvent).isM
	ppo := seq(g.set(R), g.po, g.set(M)).or(seq(g.set(W), g.po, g.set(W)))
	locked := g.set(func(e *axEvent) bool { return e.locked })
	implied := seq(g.set(M), g.po, locked).or(seq(locked, g.po, g.set(M)))
	return ppo.or(implied, g.fenced(M, M, sim.MB), g.ext(g.rfR), g.coR, g.fr)
}

func (g *axGraph) arm64() rel {
	R, W, M := (*axEvent).isR, (*axEvent).isW, (*axEvent).isM
	isA := func(e *axEvent) bool {
		return e.isR() && (!e.locked || e.success) && (e.order == sim.Acquire || e.order == sim.Full)
	}
	isL := func(e *axEvent) bool { return e.isW() && (e.order == sim.Release || e.order == sim.Full) }
	A, L := g.set(isA), g.set(isL)
	all := g.set(func(*axEvent) bool { return true })
	addr, data := g.deps(func(e *axEvent) sim.Dep { return e.addr }), g.deps(func(e *axEvent) sim.Dep { return e.data })
	ctrl := g.deps(func(e *axEvent) sim.Dep { return e.ctrl })
	rmw, rfi := g.rmw(), g.int(g.rfR)
	full := []sim.Fence{sim.MB, sim.MBBeforeAtomic, sim.MBAfterAtomic, sim.MBAfterSpinlock}
	dob := addr.or(data, seq(ctrl, g.set(W)), seq(addr, g.po, g.set(W)), seq(addr.or(data), rfi))
	rangeRMW := seq(rmw.inv(), rmw).and(g.make(func(a, b int) bool { return a == b }))
	aob := rmw.or(seq(rangeRMW, rfi, A))
	amo := seq(A, rmw, L)
	rangeAmo := seq(amo.inv(), amo).and(g.make(func(a, b int) bool { return a == b }))
	bob := g.fenced(M, M, full...).or(g.fenced(R, M, sim.RMB, sim.AcquireAfterCtrlDep), g.fenced(W, W, sim.WMB),
		seq(L, g.po, A), seq(A, g.po, all), seq(all, g.po, L), seq(rangeAmo, g.po, all), seq(all, g.po, amo, g.po))
	lws := seq(g.sameLoc(g.po), g.set(W)) // local write successor
	return g.ext(g.rfR).or(g.ext(g.coR), g.ext(g.fr), lws, dob, aob, bob)
}

// lkmm is linux-kernel.cat for marked accesses.
func (g *axGraph) lkmm() bool {
	R, W, M := (*axEvent).isR, (*axEvent).isW, (*axEvent).isM
	sR, sW, sM := g.set(R), g.set(W), g.set(M)
	isAcq := func(e *axEvent) bool { return e.isR() && e.order == sim.Acquire && (!e.locked || e.success) }
	isRel := func(e *axEvent) bool { return e.isW() && e.order == sim.Release }
	isMb := func(e *axEvent) bool { return e.locked && e.order == sim.Full && (e.isW() || e.success) }
	acq, rlse := g.set(isAcq), g.set(isRel)
	rmw := g.rmw()
	inRMW := g.set(func(e *axEvent) bool { return e.locked })
	fence := func(f sim.Fence) rel {
		return g.set(func(e *axEvent) bool { return e.kind == axFence && e.fence == f })
	}
	lkw := g.set(func(e *axEvent) bool { return e.lock && e.isW() })
	lkr := g.set(func(e *axEvent) bool { return e.lock && e.isR() })
	ul := g.set(func(e *axEvent) bool { return e.unlock })
	aul := g.set(func(e *axEvent) bool { return e.kind == axAfterUnlockLock })
	unlockLock := seq(g.po, ul, g.po.or(g.rfR), lkr, g.po)
	mb := g.fenced(M, M, sim.MB).or(
		seq(sM, g.po, g.set(func(e *axEvent) bool { return isMb(e) && e.isR() })),
		seq(g.set(func(e *axEvent) bool { return isMb(e) && e.isW() }), g.po, sM),
		seq(sM, g.po, fence(sim.MBBeforeAtomic), g.po, inRMW, g.po.opt(), sM),
		seq(sM, g.po.opt(), inRMW, g.po, fence(sim.MBAfterAtomic), g.po, sM),
		seq(sM, g.po.opt(), lkw, g.po, fence(sim.MBAfterSpinlock), g.po, sM),
		seq(sM, unlockLock, aul, g.po, sM))
	sync := g.set(func(e *axEvent) bool { return e.kind == axSync })
	gp := seq(g.po, sync, g.po.opt())
	strong := mb.or(gp)
	rmb := seq(g.set(func(e *axEvent) bool { return e.isR() && !e.void }), g.po, fence(sim.RMB), g.po,
		g.set(func(e *axEvent) bool { return e.isR() && !e.void }))
	wmb := g.fenced(W, W, sim.WMB)
	poRel, acqPo := seq(sM, g.po, rlse), seq(acq, g.po, sM)
	allFences := strong.or(poRel, acqPo, rmb, wmb)
	addr, data := g.deps(func(e *axEvent) sim.Dep { return e.addr }), g.deps(func(e *axEvent) sim.Dep { return e.data })
	ctrl := g.deps(func(e *axEvent) sim.Dep { return e.ctrl })
	dep := addr.or(data)
	rfi, rfe := g.int(g.rfR), g.ext(g.rfR)
	overwrite := g.coR.or(g.fr)
	toW := seq(dep.or(ctrl), sW).or(g.int(overwrite))
	toR := seq(addr, sR).or(seq(dep, rfi))
	ppo := toR.or(toW, g.int(allFences), g.int(unlockLock))
	aCumul := func(r rel) rel { return seq(rfe.opt(), r) }
	rmwSeq := seq(g.rfR, rmw).star()
	cumul := seq(aCumul(strong.or(poRel)).or(wmb, unlockLock), rmwSeq)
	prop := seq(g.ext(overwrite).opt(), cumul.star(), rfe.opt())
	id := g.make(func(a, b int) bool { return a == b })
	hb := ppo.or(rfe, g.int(prop.minus(id)))
	if !hb.acyclic() {
		return false
	}
	pb := seq(prop, strong, hb.star())
	if !pb.acyclic() {
		return false
	}
	return g.rcu(hb, pb, prop)
}

// rcu is the axiom of grace periods.
func (g *axGraph) rcu(hb, pb, prop rel) bool {
	order := g.rcuOrder(seq(g.po.opt(), hb.star(), pb.star(), prop, g.po))
	rcuFence := seq(g.po, order, g.po.opt())
	return seq(prop, rcuFence, hb.star(), pb.star()).irreflexive()
}

// srcu is that axiom for a model with one order of the events.
func (g *axGraph) srcu(order rel) bool {
	to := order.star()
	return seq(to, g.po, g.rcuOrder(seq(g.po.opt(), to, g.po)), g.po.opt()).irreflexive()
}

// rcuOrder relates the ends of chains with no more readers than grace periods.
func (g *axGraph) rcuOrder(link rel) rel {
	rscs, domain := g.rel(), g.make(func(a, b int) bool { return g.ev[a].domain == g.ev[b].domain })
	for a := range g.ev {
		if g.ev[a].kind != axReadLock {
			continue
		}
		for b := a + 1; b < len(g.ev) && g.ev[b].thread == g.ev[a].thread; b++ {
			if g.ev[b].kind == axReadUnlock && g.ev[b].domain == g.ev[a].domain && g.ev[b].section == g.ev[a].section {
				rscs[a] |= 1 << b
				break
			}
		}
	}
	rscsi := rscs.inv()
	gp := g.set(func(e *axEvent) bool { return e.kind == axSync })
	order := gp
	for {
		mid := link.or(seq(link, order, link))
		next := order.or(seq(gp, mid, rscsi).and(domain), seq(rscsi, mid, gp).and(domain), seq(order, link, order))
		if slices.Equal(next, order) {
			return order
		}
		order = next
	}
}

// axOutcomes are the states that a model allows: all, and those that need no
// load to read from a store that comes later in some order of execution.
func axOutcomes(p *Program, m explore.Model) (all, inOrder map[string]outcome) {
	all, inOrder = map[string]outcome{}, map[string]outcome{}
	traces, _ := axTraces(p, m != explore.LKMM)
	pick := make([]*axTrace, len(traces))
	var choose func(i int)
	choose = func(i int) {
		if i < len(traces) {
			for k := range traces[i] {
				pick[i] = &traces[i][k]
				choose(i + 1)
			}
			return
		}
		axCandidates(p, pick, func(g *axGraph) {
			o := axState(p, g, pick)
			state := p.format(o)
			if p.filter != nil && !p.filter.holds(o) || inOrder[state] != nil || !g.consistent(m) {
				return
			}
			all[state] = o
			if g.po.or(g.rfR).acyclic() {
				inOrder[state] = o
			}
		})
	}
	choose(0)
	return all, inOrder
}

// axCandidates calls f with every graph of some traces.
func axCandidates(p *Program, traces []*axTrace, f func(*axGraph)) {
	g := &axGraph{co: map[sim.Addr][]int{}}
	for i := range p.Vars {
		a := address(memoryBase, i)
		g.ev = append(g.ev, axEvent{thread: -1, kind: axWrite, loc: a, val: uint64(p.Vars[i].init.in(memoryBase)), rmw: -1})
	}
	for _, tr := range traces {
		g.ev = append(g.ev, tr.events...)
	}
	if len(g.ev) > 64 {
		panic(fmt.Sprintf("%s has %d events", p.File.Name, len(g.ev)))
	}
	g.po = g.make(func(a, b int) bool { return a < b && g.ev[a].thread == g.ev[b].thread && g.ev[a].thread >= 0 })
	g.rf = make([]int, len(g.ev))
	g.chooseRF(0, func() { g.chooseCO(p, 0, func() { f(g) }) })
}

func (g *axGraph) chooseRF(i int, then func()) {
	for i < len(g.ev) && !g.ev[i].isR() {
		i++
	}
	if i == len(g.ev) {
		g.rfR = g.make(func(a, b int) bool { return g.ev[b].isR() && g.rf[b] == a })
		then()
		return
	}
	for w := range g.ev {
		if e := &g.ev[w]; e.isW() && e.loc == g.ev[i].loc && e.val == g.ev[i].val && !(e.thread == g.ev[i].thread && w > i) {
			g.rf[i] = w
			g.chooseRF(i+1, then)
		}
	}
}

func (g *axGraph) chooseCO(p *Program, v int, then func()) {
	if v == len(p.Vars) {
		g.coR = g.rel()
		for _, order := range g.co {
			for i, a := range order {
				for _, b := range order[i+1:] {
					g.coR[a] |= 1 << b
				}
			}
		}
		g.fr = seq(g.rfR.inv(), g.coR)
		then()
		return
	}
	a := address(memoryBase, v)
	var rest []int
	for i := range g.ev {
		if g.ev[i].isW() && g.ev[i].loc == a && g.ev[i].thread >= 0 {
			rest = append(rest, i)
		}
	}
	var place func(order, rest []int)
	place = func(order, rest []int) {
		if len(rest) == 0 {
			if g.co[a] = order; g.locOK(a) {
				g.chooseCO(p, v+1, then)
			}
			return
		}
		for i, w := range rest {
			if i > 0 && slices.ContainsFunc(rest[:i], func(o int) bool { return g.po.has(o, w) }) {
				continue
			}
			place(append(slices.Clone(order), w), slices.Delete(slices.Clone(rest), i, i+1))
		}
	}
	place([]int{v}, rest)
}

// locOK reports whether one location is coherent and its atomics are atomic;
// it leaves out early what coherent rules out in the end.
func (g *axGraph) locOK(a sim.Addr) bool {
	seen := map[int]int{} // by thread: place of the latest write read or made
	order := g.co[a]
	for i := range g.ev {
		e := &g.ev[i]
		if !e.isM() || e.loc != a || e.thread < 0 {
			continue
		}
		w := i
		if e.isR() {
			w = g.rf[i]
		}
		at := slices.Index(order, w)
		if at < seen[e.thread] {
			return false
		}
		if seen[e.thread] = at; e.rmw < 0 {
			continue
		}
		for k := i - 1; k >= 0; k-- {
			if g.ev[k].isR() && g.ev[k].thread == e.thread && g.traceIndex(k) == e.rmw {
				if g.rf[k] != order[at-1] && g.ev[order[at-1]].thread != e.thread {
					return false
				}
				break
			}
		}
	}
	return true
}

// axState is the outcome of a graph.
func axState(p *Program, g *axGraph, traces []*axTrace) outcome {
	r := newRun(p, memoryBase, nil)
	for i := range r.threads {
		for j, v := range traces[i].regs {
			r.threads[i].regs[j].v = v
		}
	}
	return p.outcomeOf(r, func(a sim.Addr) uint64 {
		order := g.co[a]
		return g.ev[order[len(order)-1]].val
	})
}

// axWitness reports whether the condition holds in one of the states.
func axWitness(p *Program, states map[string]outcome) bool {
	for _, o := range states {
		if p.cond.holds(o) {
			return true
		}
	}
	return false
}
