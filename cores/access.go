package cores

import (
	"mmsim/cache"
	"mmsim/coherence"
	"mmsim/sim"
)

// Load implements sim.Executor.
func (e *engine) Load(c *sim.CPU, r sim.Ref, o sim.Order) (uint64, sim.Dep) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, r.A)
	if o == sim.Acquire && e.low.acquireAfterRelease {
		x.waitReleases()
	}
	v := x.read(r)
	if o == sim.Acquire && e.low.acquire > 0 {
		h.charge(Atomic, h.cycles(e.low.acquire))
	}
	if e.opt.Trace != nil {
		e.trace(x, tr, "load", o, r, v)
	}
	return v, 0
}

// read loads a value: from the own store buffer, the private caches, or
// beyond. The thread's clock passes the cost.
func (x *strand) read(r sim.Ref) uint64 {
	h := x.hw
	h.count(Loads)
	if h.sb.n > 0 {
		if v, ok := x.forward(r); ok {
			h.count(Forwards)
			h.charge(L1, h.cycles(h.e.m.L1Latency))
			return v
		}
	}
	l := h.e.line(r.A)
	i := h.core.priv.HitL1(l)
	if i >= 0 {
		h.count(L1Hits)
		if len(h.core.hw) > 1 {
			h.waitSiblingAtomic(l)
		}
		v := h.e.mem.Read(r.A, r.Size)
		h.charge(L1, h.cycles(h.e.m.L1Latency))
		h.siblingWrite(i)
		return v
	}
	if i = h.core.priv.FillL1(l); i >= 0 {
		h.count(L2Hits)
		v := h.e.mem.Read(r.A, r.Size)
		h.charge(L2, h.cycles(h.e.m.L2Latency))
		return v
	}
	x.obtain(l, coherence.GetS, r.A)
	return h.e.mem.Read(r.A, r.Size)
}

// siblingWrite charges the machine clear of reading what the SMT sibling wrote.
func (h *hw) siblingWrite(i int) {
	if len(h.core.hw) > 1 && h.core.priv.TakeSiblingWrite(i, h.thread) && h.e.m.SMTHandover > 0 {
		h.charge(CacheDomain, sim.Time(h.e.m.SMTHandover)*h.core.period)
	}
}

// obtain waits until a line that the core lacks (or lacks the right to) is in
// L1D in a state that satisfies the request. The wait is charged to where it
// was served.
func (x *strand) obtain(l cache.Line, req coherence.Request, word sim.Addr) {
	h := x.hw
	for {
		if t := h.e.sys.Pending(h.core.id, l); t == nil {
			if !h.request(l, req, word, h.now+h.cycles(h.e.m.L2Latency), false) {
				x.block(starved)
				if h.holds(l, req) {
					return
				}
				continue
			}
			h.adjacent(l)
		}
		h.missLine = l
		x.block(missing)
		if h.holds(l, req) {
			return
		}
	}
}

// holds reports whether the line is in L1D and satisfies the request, bringing
// it up from L2 if need be.
func (h *hw) holds(l cache.Line, req coherence.Request) bool {
	i := h.core.priv.HitL1(l)
	if i < 0 {
		i = h.core.priv.FillL1(l)
	}
	return i >= 0 && (req == coherence.GetS || h.core.priv.StateL1(i).Writable())
}

// request sends a miss on its way unless all miss buffers are taken.
func (h *hw) request(l cache.Line, req coherence.Request, word sim.Addr, at sim.Time, prefetch bool) bool {
	sys := h.e.sys
	if sys.Outstanding(h.core.id) >= h.e.m.MissBuffers {
		return false
	}
	t := sys.Request(h.core.id, l, req, at)
	t.Word, t.Step, t.Thread, t.Prefetch = word, h.step, int8(h.thread), prefetch
	h.core.horizon = min(h.core.horizon, at+h.e.m.Mem.AgentLeg+h.e.lookQ)
	return true
}

// adjacent fetches the other line of the 128-byte pair, if the machine does.
func (h *hw) adjacent(l cache.Line) {
	if !h.e.m.Mem.AdjacentLine {
		return
	}
	h.prefetch(l^1, coherence.GetS, sim.Addr(l^1)<<h.e.lineShift)
}

func (h *hw) prefetch(l cache.Line, req coherence.Request, word sim.Addr) {
	s := h.core.priv.State(l)
	if s.Writable() || s.Readable() && req == coherence.GetS || h.e.sys.Pending(h.core.id, l) != nil {
		return
	}
	if h.request(l, req, word, h.now+h.cycles(h.e.m.L2Latency), true) {
		h.count(Prefetches)
	}
}

// Prefetch implements sim.Executor.
func (e *engine) Prefetch(c *sim.CPU, r sim.Ref, forWrite bool) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, r.A)
	req := coherence.GetS
	if forWrite {
		req = coherence.GetX
	}
	h.prefetch(e.line(r.A), req, r.A)
	h.charge(Compute, h.cycles(1))
	if e.opt.Trace != nil {
		e.trace(x, tr, "prefetch", sim.Relaxed, r, 0)
	}
}

// RMW implements sim.Executor.
func (e *engine) RMW(c *sim.CPU, r sim.Ref, op sim.RMWOp, arg, cmp uint64, o sim.Order) (uint64, sim.Dep) {
	x := e.ctxs[c.Slot]
	var h *hw
	if o == sim.ThisCPU {
		h = x.enterSealed()
	} else {
		h = x.enter()
	}
	tr := e.begin(h, r.A)
	var old uint64
	switch {
	case o == sim.ThisCPU:
		old = x.thisCPU(r, op, arg, cmp)
	default:
		h.count(RMWs)
		if e.low.rmw[o].drain || h.sb.marked() || h.sb.overlaps(r) {
			x.drainAll()
		}
		if x.far(r, op) {
			old = x.rmwFar(r, op, arg, cmp)
		} else {
			old = x.rmwNear(r, op, arg, cmp, e.low.rmw[o])
		}
	}
	if e.opt.Trace != nil {
		e.trace(x, tr, op.String(), o, r, old)
	}
	if o == sim.ThisCPU && h.irqReady() {
		x.enter()
	}
	return old, 0
}

// rmwNear takes the line exclusive and executes. A snoop that arrives before
// the end waits.
func (x *strand) rmwNear(r sim.Ref, op sim.RMWOp, arg, cmp uint64, low rmwLowering) uint64 {
	h := x.hw
	l := h.e.line(r.A)
	h.takeExclusive(x, l, r.A)
	h.waitSiblingAtomic(l)
	old := h.e.mem.Read(r.A, r.Size)
	v, writes := op.Apply(old, arg, cmp, r.Size)
	if writes {
		h.write(h.inL1(l), l, r, v, nil, h.now)
	}
	cost := low.cost
	if writes {
		cost += low.after
	}
	took := h.cycles(cost)
	h.pinLine, h.pinUntil = l, h.now+took
	h.charge(Atomic, took)
	return old
}

// waitSiblingAtomic: a line that an SMT sibling's atomic has locked is closed
// to this thread until that ends.
func (h *hw) waitSiblingAtomic(l cache.Line) {
	for _, s := range h.core.hw {
		if s != h && s.pinLine == l && s.pinUntil > h.now {
			h.charge(Atomic, s.pinUntil-h.now)
		}
	}
}

// takeExclusive brings the line into L1D for writing.
func (h *hw) takeExclusive(x *strand, l cache.Line, word sim.Addr) {
	if i := h.core.priv.HitL1(l); i >= 0 && h.core.priv.StateL1(i).Writable() {
		h.count(L1Hits)
		return
	} else if i < 0 {
		if i = h.core.priv.FillL1(l); i >= 0 && h.core.priv.StateL1(i).Writable() {
			h.count(L2Hits)
			h.charge(L2, h.cycles(h.e.m.L2Latency))
			return
		}
	}
	x.obtain(l, coherence.GetX, word)
}

// inL1 is the L1D entry of a line that the core holds, brought up from L2 if
// need be.
func (h *hw) inL1(l cache.Line) int {
	if i := h.core.priv.L1.Find(l); i >= 0 {
		return i
	}
	return h.core.priv.FillL1(l)
}

// write makes a value visible on a line that the core holds exclusive, in L1D
// entry i, and wakes a sibling that spins on it. at is when: a buffered store
// may become visible long after the thread's clock stopped for a delay.
func (h *hw) write(i int, l cache.Line, r sim.Ref, v uint64, wide *wideData, at sim.Time) {
	if wide == nil {
		h.e.mem.Write(r.A, r.Size, v)
	} else {
		for i := 0; i < int(r.Size)/8; i++ {
			h.e.mem.Write(r.A+sim.Addr(8*i), 8, wide[i])
		}
	}
	h.core.priv.Written(i, h.thread)
	for _, s := range h.core.hw {
		if s.state == spinning && s.watches(l) {
			s.endSpin(at)
			h.core.horizon = min(h.core.horizon, at)
		}
	}
}

// thisCPU is an unlocked read-modify-write of a per-CPU word: a load, the
// operation, a store through the store buffer.
func (x *strand) thisCPU(r sim.Ref, op sim.RMWOp, arg, cmp uint64) uint64 {
	h := x.hw
	old := x.read(r)
	h.charge(Compute, h.cycles(h.e.m.Costs.ThisCPU))
	if v, writes := op.Apply(old, arg, cmp, r.Size); writes {
		x.store(r, v, nil, false)
	}
	return old
}

// far reports whether the atomic executes at the home.
func (x *strand) far(r sim.Ref, op sim.RMWOp) bool {
	h := x.hw
	switch h.e.m.Atomics {
	case Far:
		return true
	case FarVoid:
		if op&sim.Void == 0 {
			return false
		}
		fallthrough
	case FarUnlessHeld:
		return !h.core.priv.State(h.e.line(r.A)).Writable()
	}
	return false
}

// rmwFar sends the operation to the home and waits for the answer.
func (x *strand) rmwFar(r sim.Ref, op sim.RMWOp, arg, cmp uint64) uint64 {
	h := x.hw
	l := h.e.line(r.A)
	h.count(FarAtomics)
	for {
		if h.e.sys.Pending(h.core.id, l) != nil {
			h.missLine = l
			x.block(missing)
			continue
		}
		at := h.now + h.cycles(h.e.m.L2Latency)
		if h.request(l, coherence.FarOp, r.A, at, false) {
			break
		}
		x.block(starved)
	}
	h.farOp = farOp{r: r, op: op, arg: arg, cmp: cmp}
	h.missLine = l
	x.block(missing)
	return h.farOp.old
}

// farOp is a far atomic on its way.
type farOp struct {
	r        sim.Ref
	op       sim.RMWOp
	arg, cmp uint64
	old      uint64
}

// PerformFar implements coherence.Host.
func (e *engine) PerformFar(t *coherence.Txn) {
	for _, h := range e.cores[t.Core].hw {
		if h.thread != int(t.Thread) {
			continue
		}
		f := &h.farOp
		f.old = e.mem.Read(f.r.A, f.r.Size)
		if v, writes := f.op.Apply(f.old, f.arg, f.cmp, f.r.Size); writes {
			e.mem.Write(f.r.A, f.r.Size, v)
		}
	}
}

// Pinned implements coherence.Host.
func (e *engine) Pinned(core int16, l cache.Line) sim.Time {
	var until sim.Time
	if co := e.cores[core]; co != nil {
		for _, h := range co.hw {
			if h.pinLine == l {
				until = max(until, h.pinUntil)
			}
		}
	}
	return until
}

// Lost implements coherence.Host.
func (e *engine) Lost(core int16, l cache.Line, at sim.Time, invalidated bool) {
	co := e.cores[core]
	if invalidated {
		co.hw[0].countAt(Invalidations, at)
	}
	for _, h := range co.hw {
		h.sb.lost(l)
		if h.state == spinning && h.watches(l) {
			h.endSpin(at)
			e.schedule(co, h.now)
		}
	}
}

// Downgraded implements coherence.Host.
func (e *engine) Downgraded(core int16, l cache.Line) {
	for _, h := range e.cores[core].hw {
		h.sb.lost(l)
	}
}

// Evicted implements coherence.Host.
func (e *engine) Evicted(core int16, dirty bool) {
	h := e.cores[core].hw[0]
	h.countAt(Evictions, h.now)
	if dirty {
		h.countAt(Writebacks, h.now)
	}
}
