package cores

import "mmsim/sim"

// CPUID implements sim.Executor.
func (e *engine) CPUID(c *sim.CPU) int { return e.ctxs[c.Slot].hw.cpu }

// Now implements sim.Executor.
func (e *engine) Now(c *sim.CPU) sim.Time { return e.ctxs[c.Slot].hw.now }

// Step implements sim.Executor.
func (e *engine) Step(c *sim.CPU, s sim.Step) sim.Step {
	h := e.ctxs[c.Slot].hw
	prev := h.step
	h.step = s
	return prev
}

// Count implements sim.Executor.
func (e *engine) Count(c *sim.CPU, m sim.Counter, n int64) {
	e.ctxs[c.Slot].hw.book.Events[m] += n
}

// OpBegin implements sim.Executor.
func (e *engine) OpBegin(c *sim.CPU) {
	h := e.ctxs[c.Slot].enter()
	h.opStart, h.inOp = h.now, true
}

// OpEnd implements sim.Executor.
func (e *engine) OpEnd(c *sim.CPU) {
	h := e.ctxs[c.Slot].enter()
	h.inOp = false
	e.lastProgress = max(e.lastProgress, h.now)
	if !e.measuring(h.now) {
		return
	}
	h.task.result.Ops++
	if err := e.latency[h.acct.Group].RecordValue(int64((h.now - h.opStart) / sim.Picosecond)); err != nil {
		e.failure = err
	}
}
