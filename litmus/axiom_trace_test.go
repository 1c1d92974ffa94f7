package litmus

import (
	"slices"

	"mmsim/sim"
)

// The oracle of the tests below and beside: every candidate execution of a test
// is built from the traces of its threads, with each load returning any value
// that some store writes, and is judged by the axioms of the model as they are
// published. It shares the interpreter with the package and nothing with
// package explore.

type axKind uint8

const (
	axRead axKind = iota
	axWrite
	axFence
	axReadLock
	axReadUnlock
	axSync
	axAfterUnlockLock
)

// axEvent is one event of a thread's trace.
type axEvent struct {
	thread           int // -1 for the initial writes
	kind             axKind
	fence            sim.Fence
	loc              sim.Addr
	val              uint64
	order            sim.Order
	addr, data, ctrl sim.Dep // reads of the thread, by number
	read             int     // number of the read
	rmw              int     // of a write: index in the trace of the read it belongs to, or -1
	success          bool    // of a read: it has a write
	locked           bool    // part of an atomic operation, also a failed one
	void             bool    // the read of an operation without a result
	lock             bool    // part of spin_lock
	unlock           bool
	domain           int // of readers and grace periods
	section          int32
}

// axTrace is one way that a thread can run.
type axTrace struct {
	events []axEvent
	regs   []int64
}

// axRecorder is an executor that records a thread's events and lets loads
// return what a script says.
type axRecorder struct {
	sim.Executor
	values map[sim.Addr][]uint64
	script []int // choices, filled up with zeros
	limits []int
	at     int
	events []axEvent
	reads  int
	data   sim.Dep
	ctrl   sim.Dep
}

// axDead is thrown by a thread that waits for itself.
type axDead struct{}

func (x *axRecorder) choose(n int) int {
	if x.at == len(x.script) {
		x.script = append(x.script, 0)
		x.limits = append(x.limits, 0)
	}
	x.limits[x.at] = n
	x.at++
	return x.script[x.at-1]
}

func (x *axRecorder) read(r sim.Ref, o sim.Order) *axEvent {
	vs := x.values[r.A]
	x.events = append(x.events, axEvent{kind: axRead, loc: r.A, order: o, addr: r.D, rmw: -1, read: x.reads,
		val: vs[x.choose(len(vs))]})
	x.reads++
	return &x.events[len(x.events)-1]
}

func (e *axEvent) dep() sim.Dep { return 1 << e.read }

func (x *axRecorder) write(r sim.Ref, v uint64, o sim.Order) *axEvent {
	x.events = append(x.events, axEvent{kind: axWrite, loc: r.A, order: o, addr: r.D, data: x.data, ctrl: x.ctrl, val: v, rmw: -1})
	return &x.events[len(x.events)-1]
}

func (x *axRecorder) Load(_ *sim.CPU, r sim.Ref, o sim.Order) (uint64, sim.Dep) {
	e := x.read(r, o)
	return e.val, e.dep()
}

func (x *axRecorder) Store(_ *sim.CPU, r sim.Ref, v uint64, o sim.Order) { x.write(r, v, o) }

func (x *axRecorder) RMW(_ *sim.CPU, r sim.Ref, op sim.RMWOp, arg, cmp uint64, o sim.Order) (uint64, sim.Dep) {
	at := len(x.events)
	e := x.read(r, o)
	e.locked, e.void = true, op != op.Kind()
	old, dep := e.val, e.dep()
	v, writes := op.Apply(old, arg, cmp, 8)
	if writes {
		e.success = true
		w := x.write(r, v, o)
		w.rmw, w.locked = at, true
	}
	return old, dep
}

func (x *axRecorder) Fence(_ *sim.CPU, f sim.Fence) {
	x.events = append(x.events, axEvent{kind: axFence, fence: f, rmw: -1})
}

func (x *axRecorder) Spin(*sim.CPU, sim.Time) int { panic(axDead{}) }

func (x *axRecorder) mark(k axKind, domain int, section int32) {
	x.events = append(x.events, axEvent{kind: k, domain: domain, section: section, rmw: -1})
}

// axPlatform records the primitives that the contract lacks.
type axPlatform struct {
	x        *axRecorder
	anywhere bool // control dependencies last
}

func (p axPlatform) longCtrl() bool { return p.anywhere }
func (p axPlatform) storeDeps(t *thread, data sim.Dep) {
	p.x.data, p.x.ctrl = data, t.ctrl
}
func (p axPlatform) storeMB(t *thread, r sim.Ref, v uint64) { t.c.Store(r, v); t.c.SmpMB() }
func (p axPlatform) afterUnlockLock(*thread)                { p.x.mark(axAfterUnlockLock, 0, 0) }
func (p axPlatform) lock(t *thread, r sim.Ref) {
	if !p.trylock(t, r) {
		panic(axDead{})
	}
}

// trylock fails where it reads anything but 0; spin_lock has no such trace.
func (p axPlatform) trylock(t *thread, r sim.Ref) bool {
	at := len(p.x.events)
	e := p.x.read(r, sim.Relaxed)
	if e.val != 0 {
		return false
	}
	e.locked, e.lock, e.success, e.order = true, true, true, sim.Acquire
	p.x.data, p.x.ctrl = 0, t.ctrl
	w := p.x.write(r, 1, sim.Acquire)
	w.rmw, w.locked, w.lock = at, true, true
	return true
}

func (p axPlatform) unlock(t *thread, r sim.Ref) {
	p.x.data, p.x.ctrl = 0, t.ctrl
	p.x.write(r, 0, sim.Release).unlock = true
}
func (p axPlatform) readLock(*thread)                 { p.x.mark(axReadLock, 0, 0) }
func (p axPlatform) readUnlock(*thread)               { p.x.mark(axReadUnlock, 0, 0) }
func (p axPlatform) synchronize(*thread)              { p.x.mark(axSync, 0, 0) }
func (p axPlatform) srcuLock(_ *thread, s section)    { p.x.mark(axReadLock, s.domain+1, s.id) }
func (p axPlatform) srcuUnlock(_ *thread, s section)  { p.x.mark(axReadUnlock, s.domain+1, s.id) }
func (p axPlatform) srcuSynchronize(_ *thread, d int) { p.x.mark(axSync, d+1, 0) }

// axTraces are all traces of all threads of a program.
func axTraces(p *Program, anywhere bool) (out [][]axTrace, values map[sim.Addr][]uint64) {
	values = map[sim.Addr][]uint64{}
	for i := range p.Vars {
		values[address(memoryBase, i)] = []uint64{uint64(p.Vars[i].init.in(memoryBase))}
	}
	for round := 0; ; round++ {
		out = out[:0]
		grown := false
		for i := range p.procs {
			traces := axThread(p, i, values, anywhere)
			out = append(out, traces)
		}
		for _, traces := range out {
			for _, tr := range traces {
				for _, e := range tr.events {
					if e.kind == axWrite && !slices.Contains(values[e.loc], e.val) {
						values[e.loc] = append(values[e.loc], e.val)
						grown = true
					}
				}
			}
		}
		if !grown || round == 5 {
			return out, values
		}
	}
}

func axThread(p *Program, i int, values map[sim.Addr][]uint64, anywhere bool) (out []axTrace) {
	x := &axRecorder{values: values}
	for {
		x.at, x.events, x.reads = 0, nil, 0
		r := newRun(p, memoryBase, axPlatform{x, anywhere})
		r.reset()
		if axBody(&r.threads[i], x) && r.fault() == nil {
			tr := axTrace{events: x.events}
			for j := range tr.events {
				tr.events[j].thread = i
			}
			for _, v := range r.threads[i].regs {
				tr.regs = append(tr.regs, v.v)
			}
			out = append(out, tr)
		}
		k := x.at - 1
		for k >= 0 && x.script[k] == x.limits[k]-1 {
			k--
		}
		if k < 0 {
			return out
		}
		x.script = x.script[:k+1]
		x.limits = x.limits[:k+1]
		x.script[k]++
	}
}

// axBody runs a thread; false if it waits for itself.
func axBody(t *thread, x *axRecorder) (ok bool) {
	defer func() {
		if e := recover(); e != nil {
			if _, dead := e.(axDead); !dead {
				panic(e)
			}
		}
	}()
	t.body(sim.NewCPU(x, 0, 0, ""))
	return true
}
