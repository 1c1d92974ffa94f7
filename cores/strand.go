package cores

import "mmsim/sim"

// strand is a coroutine: a task, a CPU's idle context or its interrupt context.
// A task's strand belongs to the CPU that switched to it.
type strand struct {
	e     *engine
	hw    *hw // nil while no CPU runs it
	cpu   *sim.CPU
	coro  *sim.Coro
	yield func()
	task  *task // nil if it is no task's

	step sim.Step   // while it does not run
	prev sim.TaskID // what its CPU ran before it

	ended bool // the coroutine has returned

	handler sim.Handler // of the interrupt context
	rests   bool        // the interrupt context has nothing to do

	left sim.Time // of the delay that an interrupt split
	// interrupted: an interrupt has been handled over this strand since it ran.
	interrupted bool
	// returning: the strand is in Hooks.IRQReturn.
	returning bool
}

func (e *engine) newStrand(h *hw, name string, id sim.TaskID, body func(x *strand)) *strand {
	x := &strand{e: e, hw: h, prev: sim.NoTask}
	x.cpu = sim.NewCPU(e, len(e.ctxs), id, name)
	x.coro = sim.NewCoro(func(yield func()) {
		x.yield = yield
		x.interrupted = false
		body(x)
	})
	e.ctxs = append(e.ctxs, x)
	return x
}

// enter is the boundary before every operation: here a thread waits for what
// may still reach its core, and interrupts are taken. The CPU may be another
// one afterwards.
func (x *strand) enter() *hw {
	h := x.hw
	for h.now >= h.core.horizon || h.irqReady() {
		x.yield()
		if x.interrupted {
			h = x.returnFromIRQ(false)
		}
	}
	return h
}

// enterSealed is the boundary before an operation on a per-CPU word, whose
// address is a part of it: no interrupt is taken.
func (x *strand) enterSealed() *hw {
	h := x.hw
	for h.now >= h.core.horizon {
		h.midOp = true
		x.yield()
		h.midOp = false
	}
	return h
}

// block gives up the core in the given state until the engine makes the
// thread runnable again.
func (x *strand) block(s hwState) {
	h := x.hw
	h.state = s
	h.midOp = s >= missing && s <= draining
	x.yield()
	h.midOp = false
}

// returnFromIRQ is the way back from interrupts that came over the strand: a
// task runs the kernel's hook, and once more if another interrupt came in it.
// What the strand was doing (a spin-wait, the rest of a delay) goes on
// afterwards, on whatever CPU that is.
func (x *strand) returnFromIRQ(user bool) *hw {
	if x.returning {
		return x.hw
	}
	hook := x.e.prog.Hooks.IRQReturn
	if hook == nil || x.task == nil {
		x.interrupted = false
		return x.hw
	}
	spin := x.cpu.SaveSpin()
	x.returning = true
	for x.interrupted {
		x.interrupted = false
		hook(x.cpu, user)
	}
	x.returning = false
	x.cpu.RestoreSpin(spin)
	return x.hw
}
