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
	x := e.ctxs[c.Slot]
	x.task.opStart, x.task.inOp = x.enter().now, true
}

// OpEnd implements sim.Executor.
func (e *engine) OpEnd(c *sim.CPU) {
	x := e.ctxs[c.Slot]
	now, t := x.enter().now, x.task
	t.inOp = false
	e.lastProgress = max(e.lastProgress, now)
	if !e.measuring(now) {
		return
	}
	t.result.Ops++
	if err := e.latency[t.group].RecordValue(int64((now - t.opStart) / sim.Picosecond)); err != nil {
		e.failure = err
	}
}
