package explore

import (
	"fmt"

	"mmsim/sim"
)

// opKind is what a context is about to do at a choice point.
type opKind uint8

const (
	opNone opKind = iota // go on: nothing to wait for
	opLoad
	opStore
	opRMW
	opSpin
	opGhost
	opCPU    // about the own CPU: its interrupts, its context
	opIPI    // an interrupt for CPU key
	opReader // an end of a read-side section
	opGrace  // the beginning of a grace period
	opSync   // synchronize_rcu
)

// op is the operation that a context has arrived at.
type op struct {
	kind     opKind
	ref      sim.Ref
	loc      int32 // location in the graph, or none
	order    sim.Order
	rmw      sim.RMWOp
	arg, cmp uint64
	flags    evFlags
	must     bool // the compare must succeed: wait for it
	timeout  bool // a spin-wait with a deadline
	key      uint64
	locs     [sim.MaxConds]int32
	domain   uint64
}

// cand is one way in which an operation can be carried out: the write that it
// reads from or is put behind, and the condition of a spin-wait that it meets
// (-1: the deadline).
type cand struct {
	w    int32
	cond int8
}

// ending says how an execution ended.
type ending uint8

const (
	going ending = iota
	complete
	cut      // redundant, or impossible after all
	relearn  // what the search took for private or plain is not
	deadlock // nothing can go on
	livelock // too long
	broken   // an invariant failed
)

// driver decides at every choice point.
type driver interface {
	// next picks the context that runs on, with its pick set, or nil, having
	// set machine.end.
	next(m *machine) *context
	// free reports whether a context at this operation goes on without being
	// asked; its pick is then made by choose.
	free(x *context) bool
	// choose picks one of x.cands.
	choose(m *machine, x *context) int
}

// machine runs executions of a program.
type machine struct {
	p     *Program
	model Model
	d     driver
	g     *graph // nil: plain memory, sequentially consistent
	mem   *sim.Memory
	words words
	stamp uint32 // number of this execution
	undo  []undoWord

	all     []*context // tasks first, then idle contexts, then handlers
	handles int        // contexts of all in use in this execution
	cpus    []cpu
	cur     *context
	chosen  *context

	end        ending
	failure    string
	early      bool // it ended before all of its races could be seen
	unsure     bool // it is not known of some execution whether it is allowed
	starting   bool
	maxOps     int
	clock      sim.Time // moves when timers and ticks come
	idleTimers int      // interrupts since a task did anything
	ops        int      // memory operations so far, for the record
	shared     int      // those at choice points
	writes     int      // writes so far that changed something
	usesIRQ    bool     // interrupts or timers
	usesCPU    bool     // switches, sleeps or interrupts: only schedules explore that
	allWords   bool     // every word is a choice point: replays
	ghosts     map[uint64]*ghostWord
	rec        record
	tr         *tracer
	mark       mark
}

type undoWord struct {
	addr sim.Addr
	old  uint64
}

// cpu is one CPU: the context it runs and its interrupts.
type cpu struct {
	ctx      *context
	idle     *context
	irq      *context
	irqOff   bool
	pending  []interrupt
	timers   []interrupt
	ticks    []interrupt
	idleBody func(c *sim.CPU) // Hooks.Idle
	sections []*section
}

// interrupt is a handler on its way to a CPU.
type interrupt struct {
	h      sim.Handler
	brings *known   // what its sender had done; nil for timers and ticks
	due    sim.Time // timers and ticks
}

// section is an RCU read-side critical section, in progress if its depth is
// above zero. Sections of one domain overlap in different slots.
type section struct {
	domain uint64
	slot   int
	depth  int
	lock   int32  // index of the event
	count  uint64 // sections entered so far
}

func newMachine(p *Program, model Model) *machine {
	m := &machine{p: p, model: model, mem: p.Mem, maxOps: defaultMaxOps, ghosts: map[uint64]*ghostWord{}}
	n := 0
	for _, t := range p.Threads {
		n = max(n, t.CPU+1)
		for _, c := range t.MayUse {
			n = max(n, c+1)
		}
	}
	m.cpus = make([]cpu, n)
	for i, t := range p.Threads {
		m.all = append(m.all, newContext(m, i, t.Name))
	}
	if p.Hooks.Idle != nil {
		for i := range m.cpus {
			x := newContext(m, len(m.all), fmt.Sprintf("idle/%d", i))
			m.cpus[i].idle, m.cpus[i].idleBody = x, func(c *sim.CPU) { p.Hooks.Idle(c, x.prev) }
			m.all = append(m.all, x)
		}
	}
	return m
}

// close lets go of the coroutines.
func (m *machine) close() {
	for _, x := range m.all {
		x.stop()
	}
}

// execute runs the program once.
func (m *machine) execute() {
	m.begin()
	m.starting = true
	m.boot()
	for i := range m.p.Threads {
		if x := m.all[i]; x.going && m.end == going {
			m.run(x)
		}
	}
	m.starting, m.cur = false, nil
	for m.end == going {
		if x := m.d.next(m); x != nil {
			m.run(x)
		}
	}
	m.rec.close(m)
	m.rule()
	for _, x := range m.all {
		x.abandon()
	}
}

// rule calls off an execution that a grace period rules out. One that has failed
// may be in the middle of a read-side section, whose end would have shown it.
func (m *machine) rule() {
	if m.g == nil || m.end == relearn {
		return
	}
	m.early = m.end == broken || m.end == livelock
	if m.early && m.g.graces > 0 && !m.g.doomed {
		m.g.doomed = !m.g.gracefulSoFar(m.openSections())
	}
	if m.g.doomed || !m.quiet() {
		m.end = cut
	}
}

// openSections lists the beginnings of the read-side sections in progress.
func (m *machine) openSections() (locks []int32) {
	for i := range m.cpus {
		for _, s := range m.cpus[i].sections {
			if s.depth > 0 {
				locks = append(locks, s.lock)
			}
		}
	}
	return locks
}

// quiet reports whether a finished execution has room for the quiescent states
// of its grace periods. Only litmus tests ask for that: it takes long in programs
// of many operations, which do with the RCU axiom.
func (m *machine) quiet() bool {
	if m.end != complete || m.g.graces == 0 || m.model == LKMM || !m.g.exact {
		return true
	}
	ok, known := m.g.quiesces()
	m.unsure = m.unsure || !known
	return ok
}

// run resumes x, and whatever contexts the driver picks after it, until one
// ends.
func (m *machine) run(x *context) {
	for x != nil {
		m.rec.resume(m, x)
		m.cur = x
		x.resume()
		if x.state == done && !x.live {
			m.ended(x)
		}
		x, m.chosen = m.chosen, nil
	}
}

// ended takes a context whose body has returned off its CPU.
func (m *machine) ended(x *context) {
	p := &m.cpus[x.cpu]
	if p.irq == x {
		m.irqEnd(p)
		return
	}
	if x.c.Task == sim.IdleTask {
		m.crash("an idle context returned")
	}
	if h := m.p.Hopeless; h != nil && m.g != nil && m.end == going && h() {
		m.end = cut
	}
}

// arrive is the choice point before a shared operation of x: others may run
// first. It returns when the driver lets x go on, with x.pick set.
func (m *machine) arrive(x *context) {
	m.shared++
	if m.booting(x) || m.d.free(x) {
		m.own(x)
		return
	}
	for {
		m.wait(x)
		if !x.irqReturn() {
			return
		}
	}
}

// wait lets the driver decide who runs.
func (m *machine) wait(x *context) {
	if !m.starting {
		if m.shared > m.maxOps {
			m.end = livelock
		}
		if m.end == going {
			y := m.d.next(m)
			if y == x {
				return
			}
			m.chosen = y
		}
	}
	x.yield()
}

// own carries on with x without asking who runs.
func (m *machine) own(x *context) {
	m.fill(x, false)
	if len(x.cands) == 0 {
		m.crash("interrupts are off for ever: " + x.c.Name)
		x.yield()
	}
	k := 0
	if !m.booting(x) {
		k = m.d.choose(m, x)
	}
	x.pick = x.cands[k]
}

// booting reports whether x is a boot handler, which nothing interleaves with.
func (m *machine) booting(x *context) bool { return m.starting && x.c.InIRQ }

// fail ends the execution on a broken invariant.
func (m *machine) fail(c *sim.CPU, invariant string) {
	m.crash(invariant)
	m.all[c.Slot].yield()
}

// crash ends the execution on a panic of the simulated code.
func (m *machine) crash(reason any) {
	if m.end == going {
		m.end, m.failure = broken, fmt.Sprint(reason)
	}
}

// top is the context that CPU p runs, interrupts first; nil if none.
func (p *cpu) top() *context {
	if p.irq != nil {
		return p.irq
	}
	return p.ctx
}

// finished reports whether every task's body has returned and no interrupt is
// left.
func (m *machine) finished() bool {
	for i := range m.p.Threads {
		if !m.all[i].ended {
			return false
		}
	}
	for i := range m.cpus {
		if p := &m.cpus[i]; p.irq != nil || len(p.pending) > 0 {
			return false
		}
	}
	return true
}
