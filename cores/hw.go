package cores

import (
	"mmsim/cache"
	"mmsim/coherence"
	"mmsim/sim"
)

// core is a physical core: one actor in virtual time, with one or more
// hardware threads that share its private caches and miss buffers.
type core struct {
	id        int16
	priv      *coherence.Private
	hw        []*hw // threads in use, by SMT number
	horizon   sim.Time
	resumeAt  sim.Time // of the earliest pending evResume
	period    sim.Time // clock cycle
	smtPeriod sim.Time // effective cycle while the sibling is busy too
}

// earliest is the runnable thread with the smallest clock.
func (co *core) earliest() *hw {
	var best *hw
	for _, h := range co.hw {
		if h.state == runnable && (best == nil || h.now < best.now) {
			best = h
		}
	}
	return best
}

// acts is when the thread acts next by itself, Never if it waits.
func (h *hw) acts() sim.Time {
	switch h.state {
	case runnable:
		return h.now
	case computing:
		return h.delayEnd
	}
	return sim.Never
}

// siblingActs is until when h may run before its SMT siblings do something:
// threads of a core are interleaved by (time, thread).
func (co *core) siblingActs(h *hw) sim.Time {
	until := sim.Never
	for _, s := range co.hw {
		if s == h {
			continue
		}
		at := s.acts()
		if h.thread < s.thread && at != sim.Never {
			at++
		}
		until = min(until, at)
	}
	return until
}

type hwState uint8

const (
	runnable  hwState = iota
	computing         // a delay is running until hw.delayEnd; interrupts split it
	missing           // waits for hw.missLine
	starved           // waits for a miss buffer
	full              // waits for a store buffer entry
	syncing           // waits for its broadcast to be acknowledged
	draining          // waits for the store buffer to empty (or a release in it)
	spinning          // waits for one of its watched lines to change
	halted            // the idle context waits for an interrupt
	finished          // the thread has returned, and there is no kernel to go on
)

// hw is a hardware thread (a CPU): its clock, the context it runs, its store
// buffer and its account.
type hw struct {
	e      *engine
	core   *core
	thread int
	cpu    int

	now   sim.Time
	state hwState
	// mustFinish: a fill arrived for the operation in progress, which ends
	// before anything else may take the line.
	mustFinish bool

	midOp   bool    // blocked inside an operation: no interrupt before its end
	ctx     *strand // what runs, or would if it were not blocked
	under   *strand // what the interrupt in progress came over
	idle    *strand // the idle context, made when it is first switched to
	irq     *strand // the interrupt context, reused
	inIRQ   bool
	irqOff  bool
	pending []sim.Handler

	delayEnd sim.Time // computing
	delayCat Category
	missLine cache.Line
	spins    int32 // number of the spin-wait in progress
	inSpin   bool
	pinLine  cache.Line
	pinUntil sim.Time

	spinOn *sim.CPU // holds the conditions

	sb            storeBuffer
	drainReleases bool // draining ends with the last release
	farOp         farOp

	step   sim.Step
	bucket *sim.Time
	kind   bucketKind
	ledger
	drawn uint64 // random draws so far
}

func newHW(e *engine, co *core, cpu, thread int) *hw {
	h := &hw{e: e, core: co, cpu: cpu, thread: thread}
	h.ledger.init(e)
	h.sb.init(e.m.StoreBuffer)
	return h
}

// run resumes the context of a runnable thread, taking a pending interrupt
// first.
func (h *hw) run() {
	if h.irqReady() && !h.midOp {
		h.enterIRQ()
	}
	x := h.ctx
	alive := x.coro.Resume()
	switch {
	case !alive:
		h.state = finished
		x.ended = true
		h.setBucket(bucketRunning)
	case x.rests:
		h.leaveIRQ()
	}
}

// busySibling reports whether an SMT sibling competes for the core's issue
// bandwidth: it executes, and neither waits for memory nor spins nor sleeps.
func (h *hw) busySibling() bool {
	for _, s := range h.core.hw {
		if s != h && (s.state == runnable || s.state == computing && s.delayCat != Think) {
			return true
		}
	}
	return false
}

// cycles is the length of n cycles of this thread's pipeline.
func (h *hw) cycles(n sim.Cycles) sim.Time {
	if len(h.core.hw) > 1 && h.busySibling() {
		return sim.Time(n) * h.core.smtPeriod
	}
	return sim.Time(n) * h.core.period
}
