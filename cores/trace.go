package cores

import (
	"mmsim/coherence"
	"mmsim/sim"
)

// traced is what begin remembers of an operation that is being traced.
type traced struct {
	start  sim.Time
	before string
}

// begin notes the state before an operation, if anybody watches.
func (e *engine) begin(h *hw, a sim.Addr) traced {
	if e.opt.Trace == nil {
		return traced{}
	}
	return traced{h.now, h.lineState(a)}
}

// lineState is the line's state in this core and the level that holds it, as
// "M L1"; "I" when the core does not hold it.
func (h *hw) lineState(a sim.Addr) string {
	if a == 0 {
		return ""
	}
	l := h.e.line(a)
	s := h.core.priv.State(l)
	switch {
	case s == coherence.I:
		return "I"
	case h.core.priv.L1.Find(l) >= 0:
		return s.String() + " L1"
	}
	return s.String() + " L2"
}

// traceCall reports an operation that has no memory operand, if anybody
// watches.
func (e *engine) traceCall(x *strand, t traced, op string) {
	if e.opt.Trace != nil {
		e.trace(x, t, op, sim.Relaxed, sim.Ref{}, 0)
	}
}

func (e *engine) trace(x *strand, t traced, op string, o sim.Order, r sim.Ref, v uint64) {
	h := x.hw
	if o != sim.Relaxed {
		op += "." + o.String()
	}
	took := h.now - t.start
	thread := -1
	if t := h.task(); t != nil && !t.strand.ended {
		thread = t.result.Thread
	}
	e.opt.Trace(TraceOp{Thread: thread, IRQ: h.inIRQ || x.returning, CPU: h.cpu, Step: h.step, Start: t.start, Took: took,
		Cycles: sim.Cycles((took + h.core.period/2) / h.core.period), Op: op, Addr: r.A, Size: r.Size, Value: v,
		Before: t.before, After: h.lineState(r.A)})
}
