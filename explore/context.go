package explore

import (
	"iter"

	"mmsim/sim"
)

// ctxState is why a context does not run.
type ctxState uint8

const (
	ready  ctxState = iota
	out             // switched out
	halted          // an idle context that waits for an interrupt
	stuck           // for ever: a deadlock with itself
	done
)

// context is a task, an idle context or an interrupt handler. Its coroutine is
// used again in the next execution.
type context struct {
	m         *machine
	c         *sim.CPU
	id        int // index in machine.ctxs
	cpu       int32
	body      func(c *sim.CPU)
	state     ctxState
	prev      sim.TaskID // what its CPU ran before
	going     bool       // it runs from the start
	ended     bool       // its body has returned
	returning bool       // an interrupt over it has ended: the hook is due
	inHook    bool       // and is running
	step      sim.Step

	waits []awaited // what a grace period waits for, without a graph

	op    op
	cands []cand
	pick  cand // what the search decided for op

	resume func() (struct{}, bool)
	stop   func()
	emit   func(struct{}) bool
	live   bool // the coroutine is in the middle of the body
	kill   bool

	// For the search.
	postponed bool
	since     int32 // events that were there when it was postponed
	preempted bool  // stopped although it could go on, and
	conflict  bool  // something that conflicts with its operation has run since
	yielded   bool  // it relaxes: others first
	polls     bool  // it relaxed, and has read nothing new since
	idle      bool  // and had done so before: it waits for a write
	polled    int   // machine.writes at the last Relax
}

// unwind is thrown through a body that is abandoned.
type unwind struct{}

func newContext(m *machine, id int, name string) *context {
	x := &context{m: m, id: id}
	x.c = sim.NewCPU(m, id, -1, name)
	x.resume, x.stop = iter.Pull(func(emit func(struct{}) bool) {
		x.emit = emit
		for {
			x.runBody()
			if !emit(struct{}{}) {
				return
			}
		}
	})
	return x
}

// runBody runs the body once. A panic of the simulated code breaks the
// execution as an invariant would.
func (x *context) runBody() {
	defer func() {
		x.live = false
		if r := recover(); r != nil {
			if _, ok := r.(unwind); !ok {
				x.m.crash(r)
			}
		}
	}()
	x.live = true
	if h := &x.m.p.Hooks; x.c.InIRQ || x.c.Task < 0 {
		x.body(x.c)
	} else {
		if !x.going {
			h.Start(x.c, x.prev)
		}
		x.body(x.c)
		if x.ended = true; h.Exit != nil {
			h.Exit(x.c)
		}
	}
	x.state = done
}

// start readies the context for a new execution.
func (x *context) start(cpu int32, task sim.TaskID, body func(c *sim.CPU), s ctxState) {
	*x.c = *sim.NewCPU(x.m, x.id, task, x.c.Name)
	x.c.Broken = x.m.p.Broken
	x.cpu, x.body, x.state, x.step = cpu, body, s, sim.StepUser
	x.c.IRQOff, x.prev, x.going, x.ended, x.inHook = s == out, sim.NoTask, s == ready, false, false
	x.op, x.postponed, x.preempted, x.yielded, x.returning = op{}, false, false, false, false
	x.polls, x.idle = false, false
}

// yield gives control back to the machine.
func (x *context) yield() {
	if !x.emit(struct{}{}) || x.kill {
		panic(unwind{})
	}
}

// abandon ends the body where it stands.
func (x *context) abandon() {
	if x.live {
		x.kill = true
		x.resume()
		x.kill = false
	}
}
