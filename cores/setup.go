package cores

import (
	"fmt"
	"math/bits"

	"github.com/HdrHistogram/hdrhistogram-go"

	"mmsim/coherence"
	"mmsim/sim"
)

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
