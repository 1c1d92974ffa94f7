package cores

import (
	"fmt"
	"math/bits"

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

func newEngine(m *Machine, p *Program, o Options) (*engine, error) {
	if o.NoProgress == 0 {
		o.NoProgress = min(max((o.Warmup+o.Duration)/4, sim.Millisecond), 100*sim.Millisecond)
	}
	if o.TaskStall == 0 {
		o.TaskStall = max((o.Warmup+o.Duration)/10*9, sim.Millisecond)
	}
	t := &m.Mem.Topology
	e := &engine{m: m, opt: o, prog: p, mem: p.Mem, warm: o.Warmup, end: o.Warmup + o.Duration,
		cores: make([]*core, t.Cores()), hws: make([]*hw, t.CPUs()),
		lineShift: uint(bits.TrailingZeros(uint(m.Mem.LineBytes))), low: lower(m), bounces: map[uint64]int64{}}
	e.sys = coherence.New(&m.Mem, &e.q, &e.in, e, m.FarOccupy)
	e.locks = e.newTracker()
	e.lookQ, e.lookIn = e.sys.Lookahead()
	if m.Mem.AgentLeg <= 0 {
		return nil, fmt.Errorf("machine %s: the core-to-agent leg must be longer than 0", m.Name)
	}
	for i := range p.Threads {
		if err := e.addThread(i); err != nil {
			return nil, err
		}
	}
	e.setClocks()
	e.start()
	e.q.Push(e.watchdogPeriod(), evWatchdog, 0, 0)
	return e, nil
}

// addThread makes a thread's strand and the CPUs that it may use.
func (e *engine) addThread(i int) error {
	th := &e.prog.Threads[i]
	for _, cpu := range append([]int{th.CPU}, th.MayUse...) {
		if cpu < 0 || cpu >= len(e.hws) {
			return fmt.Errorf("thread %s: CPU %d does not exist", th.Name, cpu)
		}
		if e.hws[cpu] == nil {
			e.addCPU(cpu, th.Group)
		}
	}
	for th.Group >= len(e.latency) {
		e.latency = append(e.latency, hdrhistogram.New(1, int64(100*sim.Second/sim.Picosecond), 3))
	}
	h := e.hws[th.CPU]
	tk := &task{e: e, hw: h, group: th.Group, result: TaskResult{Thread: i}}
	e.tasks = append(e.tasks, tk)
	first := h.ctx == nil
	if !first && e.prog.Hooks.Start == nil {
		return fmt.Errorf("thread %s: CPU %d is taken", th.Name, th.CPU)
	}
	tk.strand = e.newStrand(nil, th.Name, sim.TaskID(i), func(x *strand) { e.runTask(x, first) })
	tk.strand.task = tk
	if first {
		h.ctx, tk.strand.hw = tk.strand, h
	} else {
		tk.strand.cpu.IRQOff = true
	}
	return nil
}

// runTask is a task's coroutine.
func (e *engine) runTask(x *strand, first bool) {
	if !first {
		e.prog.Hooks.Start(x.cpu, x.prev)
	}
	e.prog.Threads[x.task.result.Thread].Body(x.cpu)
	x.task.done = true
	if e.prog.Hooks.Exit != nil {
		e.prog.Hooks.Exit(x.cpu)
	}
}

// addCPU brings a hardware thread into use.
func (e *engine) addCPU(cpu, group int) {
	t := &e.m.Mem.Topology
	id := t.CoreOf(cpu)
	co := e.cores[id]
	if co == nil {
		co = &core{id: int16(id), priv: e.sys.Private[id], resumeAt: sim.Never}
		e.cores[id] = co
	}
	h := newHW(e, co, cpu, t.ThreadOf(cpu))
	h.homeGroup = group
	e.hws[cpu] = h
	co.hw = append(co.hw, h)
	if len(co.hw) == 2 && co.hw[0].thread > co.hw[1].thread {
		co.hw[0], co.hw[1] = co.hw[1], co.hw[0]
	}
}

// start puts every CPU in use at the beginning of its first context.
func (e *engine) start() {
	for _, h := range e.hws {
		if h == nil {
			continue
		}
		if h.ctx == nil {
			h.ctx = h.idleStrand()
			h.ctx.cpu.IRQOff = false
		}
		h.irq = e.newStrand(h, h.ctx.cpu.Name+"/irq", sim.IdleTask, interruptLoop)
		h.irq.cpu.InIRQ = true
		if e.prog.Hooks.Boot != nil {
			h.pending = append(h.pending, e.prog.Hooks.Boot)
		}
		h.attach(h.ctx, sim.NoTask)
		e.schedule(h.core, 0)
	}
}

// setClocks fixes the clock of every core in use: sockets slow down by the
// number of physical cores in use, for the whole run.
func (e *engine) setClocks() {
	e.lookRuns = sim.Never
	active := make([]int, e.m.Mem.Topology.Sockets)
	for _, co := range e.cores {
		if co != nil {
			active[e.sys.SocketOf(co.id)]++
		}
	}
	for _, co := range e.cores {
		if co == nil {
			continue
		}
		n := active[e.sys.SocketOf(co.id)]
		step := e.m.Clock[len(e.m.Clock)-1]
		for _, s := range e.m.Clock {
			if n <= s.Cores {
				step = s
				break
			}
		}
		co.period = step.Clock.Period()
		co.smtPeriod = co.period * 1000 / sim.Time(max(1, e.m.SMTPermille))
		e.lookRuns = min(e.lookRuns, e.missDelay(co))
	}
	e.lookRuns += e.m.Mem.AgentLeg + e.lookQ
}

// missDelay is the time from an access to its request leaving the core.
func (e *engine) missDelay(co *core) sim.Time { return sim.Time(e.m.L2Latency) * co.period }

// loop handles events in order of time until the end of the run.
func (e *engine) loop() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = e.fault(r)
		}
	}()
	for e.pendingEvents() > 0 {
		ev := e.next()
		if ev.At >= e.end {
			return nil
		}
		if e.events++; e.events%4096 == 0 && e.opt.Context != nil && e.opt.Context.Err() != nil {
			return e.opt.Context.Err()
		}
		if e.handle(ev); e.failure != nil {
			return e.failure
		}
	}
	return nil
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
