package cores

import (
	"fmt"

	"mmsim/sim"
)

var stepIRQ = sim.NewStep("interrupt")

// interruptLoop is the body of a CPU's interrupt context: it runs one handler
// after the other.
func interruptLoop(x *strand) {
	for {
		x.handler(x.cpu)
		x.rests = true
		x.yield()
	}
}

func (h *hw) irqReady() bool { return len(h.pending) > 0 && !h.inIRQ && !h.irqOff }

// SendIPI implements sim.Executor.
func (e *engine) SendIPI(c *sim.CPU, cpu int, f sim.Handler) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	h.charge(Compute, h.cycles(e.m.OS.IPISend))
	h.count(IPIsSent)
	e.deliver(h, cpu, evIPI, e.m.OS.IPIDelivery, f)
	e.traceCall(x, tr, "send-ipi")
}

// SetTimer implements sim.Executor.
func (e *engine) SetTimer(c *sim.CPU, after sim.Time, f sim.Handler) {
	h := e.ctxs[c.Slot].enter()
	e.deliver(h, h.cpu, evTimer, after, f)
}

// SetTick implements sim.Executor.
func (e *engine) SetTick(c *sim.CPU, after sim.Time, f sim.Handler) {
	h := e.ctxs[c.Slot].enter()
	e.deliver(h, h.cpu, evTick, after, f)
	e.ticks++
}

func (e *engine) deliver(h *hw, cpu int, kind uint8, after sim.Time, f sim.Handler) {
	target := e.hws[cpu]
	if target == nil {
		panic(fmt.Sprintf("cores: an interrupt for CPU %d, which is not in use", cpu))
	}
	at := h.now + max(after, e.lookRuns)
	e.sys.Announce(target.core.id, at)
	e.q.Push(at, kind, int32(cpu), e.keepHandler(f))
	h.core.horizon = min(h.core.horizon, at)
}

func (e *engine) keepHandler(f sim.Handler) int32 {
	if n := len(e.freeSlots); n > 0 {
		i := e.freeSlots[n-1]
		e.freeSlots = e.freeSlots[:n-1]
		e.handlers[i] = f
		return i
	}
	e.handlers = append(e.handlers, f)
	return int32(len(e.handlers) - 1)
}

// interrupt delivers an interrupt to a CPU. It is taken at the next operation
// boundary; a delay in progress is split, a spin-wait or an idle CPU leaves
// off at once.
func (e *engine) interrupt(h *hw, ev sim.Event) {
	e.sys.Arrived(h.core.id, ev.At)
	h.pending = append(h.pending, e.handlers[ev.B])
	e.freeSlots = append(e.freeSlots, ev.B)
	if ev.Kind == evIPI {
		h.countAt(IPIsReceived, ev.At)
	} else {
		h.countAt(TimerTicks, ev.At)
	}
	h.interrupted(ev.At)
	e.runCore(h.core)
}

// interrupted makes a thread that can take an interrupt now runnable. What is
// left of a delay stays noted when a second interrupt arrives before the first
// is taken.
func (h *hw) interrupted(at sim.Time) {
	if !h.irqReady() {
		return
	}
	switch h.state {
	case spinning:
		h.wake(LockSpin, at)
	case computing:
		h.ctx.left = h.delayEnd - max(at, h.now)
		h.wake(h.delayCat, at)
	case halted:
		h.wake(Idle, at)
		h.charge(Switch, h.e.m.OS.IdleExit)
	case finished:
		h.wake(Idle, at)
	}
}

// enterIRQ switches a runnable thread to the interrupt context.
func (h *hw) enterIRQ() {
	f := h.pending[0]
	h.pending = append(h.pending[:0], h.pending[1:]...)
	h.under = h.ctx
	h.under.step = h.step
	h.inIRQ = true
	h.step = stepIRQ
	h.setBucket(bucketIRQ)
	h.charge(Interrupt, h.cycles(h.e.m.OS.IRQEntryExit))
	h.ctx = h.irq
	h.irq.cpu.Task = h.under.cpu.Task
	if h.under.ended {
		h.irq.cpu.Task = sim.IdleTask
	}
	h.irq.handler, h.irq.rests = f, false
}

// leaveIRQ returns to what was interrupted.
func (h *hw) leaveIRQ() {
	h.inIRQ = false
	h.irq.rests = false
	h.ctx = h.under
	h.ctx.interrupted = true
	h.step = h.ctx.step
	h.setBucket(bucketRunning)
	if h.ctx.ended {
		h.state = finished
		h.interrupted(h.now)
	}
}

// Interrupts implements sim.Executor.
func (e *engine) Interrupts(c *sim.CPU, on bool) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	if h.inIRQ {
		return
	}
	tr := e.begin(h, 0)
	h.irqOff = !on
	h.charge(Compute, h.cycles(1))
	if on {
		e.traceCall(x, tr, "irq-enable")
	} else {
		e.traceCall(x, tr, "irq-disable")
	}
	x.enter()
}
