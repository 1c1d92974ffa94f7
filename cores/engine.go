package cores

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"mmsim/cache"
	"mmsim/coherence"
	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// Events of the cores, numbered behind those of the memory system.
const (
	evResume   = coherence.NumEvents + iota // A: core
	evIPI                                   // A: CPU, B: handler
	evTimer                                 // A: CPU, B: handler
	evTick                                  // A: CPU, B: handler
	evDeadline                              // A: CPU, B: spin number
	evWatchdog
	evTLBI     // A: CPU, B: invalidations
	evTLBIDone // A: CPU
)

// engine runs one program on one machine.
type engine struct {
	m    *Machine
	opt  Options
	prog *Program
	mem  *sim.Memory
	q    sim.Queue // what happens outside the cores
	in   sim.Queue // snoops and fills that arrive at cores
	runs sim.Queue // cores that resume by themselves
	sys  *coherence.System

	// How soon an event of each queue can reach another core.
	lookQ, lookIn, lookRuns sim.Time

	cores []*core   // by core, nil if not in use
	hws   []*hw     // by CPU, nil if not in use
	ctxs  []*strand // by sim.CPU.Slot
	tasks []*task   // by thread

	handlers  []sim.Handler // of interrupts on the way
	ticks     int           // of these, ticks
	freeSlots []int32

	locks        *lockstat.Tracker
	tlbiFree     sim.Time // when the next broadcast invalidation can be ordered
	lineShift    uint
	low          lowering
	warm, end    sim.Time
	lastProgress sim.Time
	latency      []*hdrhistogram.Histogram
	bounces      map[uint64]int64
	events       int64
	failure      error
}

// Run executes the program on the machine and returns what it measured. The
// error is a *StallError, the context's error, or a fault of the simulated
// code.
func Run(m *Machine, p *Program, o Options) (res *Result, err error) {
	e, err := newEngine(m, p, o)
	if err != nil {
		return nil, err
	}
	defer e.stopAll()
	if err := e.loop(); err != nil {
		return nil, err
	}
	res = e.collect()
	return res, res.Check()
}

func (e *engine) pendingEvents() int { return e.q.Len() + e.in.Len() + e.runs.Len() }

// next takes the earliest event. At equal times what happens outside the cores
// comes first, a core resuming by itself last.
func (e *engine) next() sim.Event {
	q, in, runs := e.q.Next(), e.in.Next(), e.runs.Next()
	switch {
	case q <= in && q <= runs:
		return e.q.Pop()
	case in <= runs:
		return e.in.Pop()
	}
	return e.runs.Pop()
}

// horizon is until when a core may run ahead: nothing that is pending
// elsewhere can reach it sooner.
func (e *engine) horizon(co *core) sim.Time {
	return min(after(e.q.Next(), e.lookQ), after(e.in.Next(), e.lookIn), after(e.runs.Next(), e.lookRuns),
		e.sys.NextArrival(co.id))
}

func after(t, d sim.Time) sim.Time {
	if t == sim.Never {
		return t
	}
	return t + d
}

// handle carries out one event.
func (e *engine) handle(ev sim.Event) {
	if ev.Kind < coherence.NumEvents {
		e.sys.Handle(ev)
		return
	}
	switch ev.Kind {
	case evResume:
		co := e.cores[ev.A]
		if co.resumeAt == ev.At {
			co.resumeAt = sim.Never
			co.endDelays(ev.At)
			e.runCore(co)
		}
	case evTick:
		e.ticks--
		e.interrupt(e.hws[ev.A], ev)
	case evIPI, evTimer:
		e.interrupt(e.hws[ev.A], ev)
	case evDeadline:
		e.deadline(e.hws[ev.A], ev.B, ev.At)
	case evTLBI:
		e.broadcast(e.hws[ev.A], ev.B, ev.At)
	case evTLBIDone:
		e.acknowledged(e.hws[ev.A], ev.At)
	case evWatchdog:
		e.failure = e.watchdog(ev.At)
	}
}

// fault turns a panic of simulated code into an error that says where it was.
func (e *engine) fault(r any) error {
	if err, ok := r.(runtimeError); ok {
		panic(err) // a bug of the simulator: keep the stack
	}
	return e.stopped(fmt.Sprintf("simulated code failed: %v", r), 0)
}

type runtimeError interface {
	error
	RuntimeError()
}

// schedule makes sure that the core runs at the given time or before.
func (e *engine) schedule(co *core, at sim.Time) {
	if at < co.resumeAt {
		co.resumeAt = at
		e.runs.Push(at, evResume, int32(co.id), 0)
	}
}

// runCore lets the core's threads run, the earlier one first, until each is
// blocked or must wait for what may still reach the core.
func (e *engine) runCore(co *core) {
	for {
		h := co.earliest()
		if h == nil {
			break
		}
		co.horizon = min(e.horizon(co), co.siblingActs(h))
		if h.now >= co.horizon && !h.mustFinish {
			break
		}
		h.mustFinish = false
		h.run()
	}
	for _, h := range co.hw {
		e.schedule(co, h.acts())
	}
}

func (e *engine) line(a sim.Addr) cache.Line { return cache.Line(a >> e.lineShift) }

func (e *engine) stopAll() {
	for _, x := range e.ctxs {
		x.coro.Stop()
	}
}
