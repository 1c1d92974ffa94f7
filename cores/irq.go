package cores

import "mmsim/sim"

var stepIRQ = sim.NewStep("interrupt")

// interruptLoop is the body of a CPU's interrupt context: it runs one handler
// after the other.
func interruptLoop(x *strand) {
	for {
		x.handler(x.cpu)
		x.idle = true
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

func (e *engine) deliver(h *hw, cpu int, kind uint8, after sim.Time, f sim.Handler) {
	target := e.hws[cpu]
	at := h.now + max(after, e.lookRuns)
	e.sys.Announce(target.core.id, at)
	e.q.Push(at, kind, int32(cpu), e.keepHandler(f))
	if kind == evTimer {
		e.timers++
	}
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

// interrupted makes a thread that can take an interrupt now runnable. What it
// was doing stays saved when a second interrupt arrives before the first is
// taken.
func (h *hw) interrupted(at sim.Time) {
	if !h.irqReady() {
		return
	}
	switch h.state {
	case spinning:
		h.wake(LockSpin, at)
	case computing:
		h.saved.state, h.saved.until, h.saved.delayCat = computing, h.delayEnd, h.delayCat
		h.saved.left = h.delayEnd - max(at, h.now)
		h.wake(h.delayCat, at)
	case parked, finished:
		h.saved.state = h.state
		h.wake(Idle, at)
	}
}

// enterIRQ switches a runnable thread to the interrupt context.
func (h *hw) enterIRQ() {
	f := h.pending[0]
	h.pending = append(h.pending[:0], h.pending[1:]...)
	h.saved.step, h.saved.kind = h.step, h.kind
	h.inIRQ = true
	h.step = stepIRQ
	if h.kind == bucketRunning {
		h.setBucket(bucketIRQ)
	}
	h.charge(Interrupt, h.cycles(h.e.m.OS.IRQEntryExit))
	h.ctx = h.irq
	h.irq.handler, h.irq.idle = f, false
}

// leaveIRQ returns to what was interrupted.
func (h *hw) leaveIRQ() {
	h.inIRQ = false
	h.ctx = h.base
	h.step = h.saved.step
	h.setBucket(h.saved.kind)
	state := h.saved.state
	h.saved.state = runnable
	if len(h.pending) > 0 && !h.irqOff {
		h.state = state
		h.resumeDelay()
		h.interrupted(h.now)
		return
	}
	switch state {
	case computing:
		h.resumeDelay()
		h.state = computing
		h.e.schedule(h.core, h.delayEnd)
	case parked:
		h.state = parked
		if h.task.token {
			h.unpark(h.now)
		}
	case finished:
		h.state = finished
	}
}

// resumeDelay takes an interrupted delay up again: a computation has what was
// left of it still to do, a thread that thinks until a point of time does not
// wait longer for having been interrupted.
func (h *hw) resumeDelay() {
	h.delayCat = h.saved.delayCat
	h.delayEnd = h.now + h.saved.left
	if h.delayCat == Think {
		h.delayEnd = max(h.now, h.saved.until)
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

// Park implements sim.Executor.
func (e *engine) Park(c *sim.CPU, why sim.WaitReason) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tk := h.task
	if tk.token {
		tk.token = false
		return
	}
	h.count(Switches)
	tr := e.begin(h, 0)
	h.charge(Switch, h.cycles(e.m.OS.ContextSwitch))
	tk.why, tk.since = why, h.now
	h.setBucket(bucketSleeping)
	x.block(parked)
	e.traceCall(x, tr, "park")
}

// Unpark implements sim.Executor.
func (e *engine) Unpark(c *sim.CPU, t sim.TaskID) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	target := e.tasks[t].hw
	delay := sim.Time(0)
	if target != h {
		h.charge(Compute, h.cycles(e.m.OS.IPISend))
		h.count(IPIsSent)
		delay = e.m.OS.IPIDelivery
	}
	at := h.now + max(delay, e.lookRuns)
	e.sys.Announce(target.core.id, at)
	e.q.Push(at, evWake, int32(target.cpu), 0)
	h.core.horizon = min(h.core.horizon, at)
	e.traceCall(x, tr, "unpark")
}

// wakeTask delivers an Unpark.
func (e *engine) wakeTask(h *hw, at sim.Time) {
	e.sys.Arrived(h.core.id, at)
	h.task.token = true
	if h.state == parked && !h.inIRQ {
		h.wake(Idle, at)
		h.unpark(at)
		e.runCore(h.core)
	}
}

// unpark brings a sleeping task back onto its idle CPU.
func (h *hw) unpark(at sim.Time) {
	h.task.token = false
	h.charge(Switch, h.e.m.OS.IdleExit+h.cycles(h.e.m.OS.ContextSwitch))
	h.count(Switches)
	h.state = runnable
	h.setBucket(bucketRunning)
}
