package cores

import (
	"mmsim/cache"
	"mmsim/sim"
)

// Compute implements sim.Executor.
func (e *engine) Compute(c *sim.CPU, n sim.Cycles) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	x.delay(Compute, h.cycles(n))
	if e.opt.Trace != nil {
		e.trace(x, tr, "compute", sim.Relaxed, sim.Ref{}, 0)
	}
}

// Think implements sim.Executor.
func (e *engine) Think(c *sim.CPU, until sim.Time) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	if until > h.now {
		x.delay(Think, until-h.now)
	}
}

// delay lets time pass without touching memory. A delay beyond the horizon is
// one event; an interrupt splits it. A computation has what was left of it still
// to do then, on whatever CPU; a thread that thinks until a point of time does
// not wait longer for having been interrupted.
func (x *strand) delay(k Category, dt sim.Time) {
	h := x.hw
	if h.now+dt < h.core.horizon && len(h.core.hw) == 1 {
		h.charge(k, dt)
		return
	}
	for end := h.now + dt; dt > 0; {
		h.delayEnd, h.delayCat, x.left = h.now+dt, k, 0
		h.e.schedule(h.core, h.delayEnd)
		x.block(computing)
		dt = x.left
		if x.interrupted {
			h = x.returnFromIRQ(k == Think)
			if k == Think && dt > 0 {
				dt = end - h.now
			}
		}
	}
}

// endDelays makes threads runnable whose delay is over by now.
func (co *core) endDelays(now sim.Time) {
	for _, h := range co.hw {
		if h.state == computing && h.delayEnd <= now {
			h.wake(h.delayCat, h.delayEnd)
		}
	}
}

// Relax implements sim.Executor.
func (e *engine) Relax(c *sim.CPU) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	h.inSpin = true
	h.charge(LockSpin, h.cycles(e.m.PauseLength))
	h.inSpin = false
	e.traceCall(x, tr, "cpu_relax")
}

// Spin implements sim.Executor. Instead of polling, the thread sleeps in the
// simulator until one of its lines is taken from the core; the polls in
// between would all have hit.
func (e *engine) Spin(c *sim.CPU, deadline sim.Time) int {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, c.Conds[0].Ref.A)
	h.inSpin = true
	i := x.spin(c, deadline)
	x.hw.inSpin = false
	if e.opt.Trace != nil {
		e.trace(x, tr, "spin", c.Conds[0].Order, c.Conds[0].Ref, 0)
	}
	return i
}

func (x *strand) spin(c *sim.CPU, deadline sim.Time) int {
	for {
		h := x.hw
		for i := range c.Conds {
			k := &c.Conds[i]
			v := x.read(k.Ref)
			if k.Order == sim.Acquire && h.e.low.acquire > 0 {
				h.charge(LockSpin, h.cycles(h.e.low.acquire))
			}
			if k.Holds(v) {
				return i
			}
			h = x.enterSpinning()
		}
		if h.now >= deadline {
			return -1
		}
		if !h.watchable(c) {
			h.charge(LockSpin, h.pauseShare())
			x.enterSpinning()
			continue
		}
		h.spins++
		if deadline != sim.Never {
			h.e.q.Push(deadline, evDeadline, int32(h.cpu), h.spins)
		}
		h.spinOn = c // an interrupt may have spun on something else
		x.block(spinning)
		x.enterSpinning()
	}
}

// enterSpinning is the operation boundary inside a spin-wait: an interrupt
// taken here is no part of the spin.
func (x *strand) enterSpinning() *hw {
	x.hw.inSpin = false
	if x.interrupted {
		x.returnFromIRQ(false)
	}
	h := x.enter()
	h.inSpin = true
	return h
}

// watchable reports whether the thread may sleep: every line of the conditions
// is here, so that losing one will be noticed, and no condition came to hold
// since it was looked at. (A write by the core's other thread or by an
// interrupt does not take the line away, and a line that was lost may be back.)
func (h *hw) watchable(c *sim.CPU) bool {
	for i := range c.Conds {
		k := &c.Conds[i]
		if !h.core.priv.State(h.e.line(k.Ref.A)).Readable() || k.Holds(h.e.mem.Read(k.Ref.A, k.Ref.Size)) {
			return false
		}
	}
	return true
}

func (h *hw) watches(l cache.Line) bool {
	for i := range h.spinOn.Conds {
		if h.e.line(h.spinOn.Conds[i].Ref.A) == l {
			return true
		}
	}
	return false
}

// pauseShare is what is left of the PAUSE in progress: a seeded share of its
// length; a core that waits for the event itself has none.
func (h *hw) pauseShare() sim.Time {
	if h.e.m.Spin == Event {
		return h.cycles(1)
	}
	h.drawn++
	r := sim.NewRand(h.e.opt.Seed, 1<<32|uint64(h.cpu), h.drawn)
	return h.cycles(1) + r.TimeBelow(h.cycles(h.e.m.PauseLength))
}

// endSpin wakes a spinning thread: a watched line was taken.
func (h *hw) endSpin(at sim.Time) {
	h.wake(LockSpin, at)
	h.charge(LockSpin, h.pauseShare())
	h.count(SpinWakeups)
}

func (e *engine) deadline(h *hw, spin int32, at sim.Time) {
	if h.state == spinning && h.spins == spin {
		h.wake(LockSpin, at)
		e.runCore(h.core)
	}
}
