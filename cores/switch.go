package cores

import (
	"fmt"

	"mmsim/sim"
)

var stepIdle = sim.NewStep("idle")

// SwitchTo implements sim.Executor. What the switch costs goes to the leaving
// context.
func (e *engine) SwitchTo(c *sim.CPU, next sim.TaskID, why sim.WaitReason) sim.TaskID {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	y := h.strandOf(next)
	if y.hw != nil || y.task != nil && y.task.done {
		panic(fmt.Sprintf("cores: %s switches to %s, which runs or has ended", c.Name, y.cpu.Name))
	}
	h.count(Switches)
	h.charge(Switch, h.cycles(e.m.OS.ContextSwitch))
	e.traceCall(x, tr, "switch")
	h.detach(x, why)
	h.attach(y, c.Task)
	x.yield()
	return x.prev
}

// strandOf is the context that a CPU switches to.
func (h *hw) strandOf(next sim.TaskID) *strand {
	if next == sim.IdleTask {
		return h.idleStrand()
	}
	return h.e.tasks[next].strand
}

// idleStrand is the CPU's idle context.
func (h *hw) idleStrand() *strand {
	if h.idle == nil {
		h.idle = h.e.newStrand(nil, fmt.Sprintf("idle[%d]", h.cpu), sim.IdleTask, func(x *strand) {
			if h.e.prog.Hooks.Idle == nil {
				panic("cores: a CPU idles without Hooks.Idle")
			}
			h.e.prog.Hooks.Idle(x.cpu, x.prev)
		})
		h.idle.step, h.idle.cpu.IRQOff = stepIdle, true
	}
	return h.idle
}

// detach takes a strand off the CPU.
func (h *hw) detach(x *strand, why sim.WaitReason) {
	x.step, x.hw = h.step, nil
	if t := x.task; t != nil {
		t.why, t.since = why, h.now
	}
}

// attach makes a strand the one that the CPU runs.
func (h *hw) attach(y *strand, prev sim.TaskID) {
	y.hw, y.prev, h.ctx, h.step = h, prev, y, y.step
	group := h.homeGroup
	if t := y.task; t != nil {
		t.settle(h.now)
		t.hw, group = h, t.group
	}
	h.chargeTo(group)
	h.setBucket(bucketRunning)
}

// SetRunnable implements sim.Executor.
func (e *engine) SetRunnable(c *sim.CPU, t sim.TaskID) {
	tk := e.tasks[t]
	tk.settle(e.ctxs[c.Slot].hw.now)
	tk.why = sim.Runnable
}

// Idle implements sim.Executor.
func (e *engine) Idle(c *sim.CPU) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	h.irqOff = false
	if len(h.pending) == 0 {
		x.block(halted)
	}
	x.enter()
	x.interrupted = false
	e.traceCall(x, tr, "idle")
}
