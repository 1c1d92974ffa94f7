package litmus

import (
	"fmt"

	"mmsim/sim"
)

// run is one execution of a program: where its memory is, what its primitives
// mean, and its threads.
type run struct {
	p       *Program
	base    sim.Addr
	on      platform
	threads []thread
}

// thread is one process in execution. Everything here is its own; what two
// threads can both see is in simulated memory.
type thread struct {
	run  *run
	c    *sim.CPU
	proc *proc
	id   int // index of the process
	regs []val
	// ctrl is the control dependency of what is executed now: of the conditions
	// of the arms that it lies in, or of every condition so far if the platform
	// says so.
	ctrl    sim.Dep
	readers int        // nesting of rcu_read_lock
	srcu    []section  // SRCU readers in progress, in order of their beginnings
	begun   int32      // SRCU readers so far
	held    []sim.Addr // spinlocks
	// fault is what went wrong, if anything; the thread stops there.
	fault *Fault
	// blocked is where the thread waits for itself, if it does.
	blocked *Fault
	ended   bool // its registers are final
}

// Fault is something that a test does and must not (the use of a pointer that
// points nowhere, an unlock of what is not locked), or where a thread waits for
// itself.
type Fault struct {
	Pos
	Proc    int
	Problem string
}

// String is "P1, line 7: ...".
func (f *Fault) String() string { return fmt.Sprintf("P%d, line %d: %s", f.Proc, f.Line, f.Problem) }

// platform is what the primitives mean that the CPU contract does not have:
// those of the memory models under exploration, and algorithms on a machine.
type platform interface {
	// longCtrl tells that a condition orders the stores behind its if statement
	// too, and not only those in its arms.
	longCtrl() bool
	// storeDeps announces the dependencies of the next store or atomic operation.
	storeDeps(t *thread, data sim.Dep)
	storeMB(t *thread, r sim.Ref, v uint64)
	afterUnlockLock(t *thread)
	lock(t *thread, r sim.Ref)
	trylock(t *thread, r sim.Ref) bool
	unlock(t *thread, r sim.Ref)
	readLock(t *thread)
	readUnlock(t *thread)
	synchronize(t *thread)
	// SRCU domains are variables. A section of one that begins is not among
	// t.srcu yet, and one that ends is no longer.
	srcuLock(t *thread, s section)
	srcuUnlock(t *thread, s section)
	srcuSynchronize(t *thread, domain int)
}

// newRun prepares executions of p.
func newRun(p *Program, base sim.Addr, on platform) *run {
	r := &run{p: p, base: base, on: on, threads: make([]thread, len(p.procs))}
	for i := range r.threads {
		q := &p.procs[i]
		r.threads[i] = thread{run: r, proc: q, id: i, regs: make([]val, len(q.regs))}
	}
	return r
}

// reset makes the threads ready for another execution.
func (r *run) reset() {
	for i := range r.threads {
		t := &r.threads[i]
		for j, o := range t.proc.init {
			t.regs[j] = val{v: o.in(r.base)}
		}
		t.srcu, t.held = t.srcu[:0], t.held[:0]
		t.begun, t.readers, t.ctrl, t.fault, t.blocked, t.ended = 0, 0, 0, nil, nil, false
	}
}

// fault is the first one of the execution, or nil.
func (r *run) fault() *Fault {
	for i := range r.threads {
		if f := r.threads[i].fault; f != nil {
			return f
		}
	}
	return nil
}

// body is the thread's process on a CPU.
func (t *thread) body(c *sim.CPU) {
	t.c = c
	t.block(t.proc.body)
	if t.fault != nil {
		t.leave()
	}
	t.ended = true
}

func (t *thread) fail(at Pos, format string, args ...any) {
	if t.fault == nil {
		t.fault = &Fault{at, t.proc.id, fmt.Sprintf(format, args...)}
	}
}

func (t *thread) block(list []*node) {
	for _, n := range list {
		if t.fault != nil {
			return
		}
		switch n.op {
		case opSet:
			t.regs[n.value] = t.eval(n.x)
		case opIf:
			t.conditional(n)
		default:
			t.eval(n)
		}
	}
}

func (t *thread) conditional(n *node) {
	before := t.ctrl
	cond := t.eval(n.x)
	t.ctrl |= cond.d
	if cond.v != 0 {
		t.block(n.then)
	} else {
		t.block(n.els)
	}
	if !t.run.on.longCtrl() {
		t.ctrl = before
	}
}

// eval executes an expression. After a fault its value means nothing.
func (t *thread) eval(n *node) val {
	switch n.op {
	case opConst:
		return val{v: n.value}
	case opReg:
		return t.regs[n.value]
	case opUnary:
		x := t.eval(n.x)
		return val{v: n.operator.unary(x.v), d: x.d}
	case opBinary:
		return t.binary(n)
	case opAnd, opOr:
		return t.shortCircuit(n)
	case opChoice:
		return t.choice(n)
	}
	return t.primitive(n)
}

func (t *thread) binary(n *node) val {
	x, y := t.eval(n.x), t.eval(n.y)
	v, ok := n.operator.binary(x.v, y.v)
	if !ok {
		t.fail(n.at, "division by zero")
	}
	return val{v: v, d: x.d}.with(y)
}

func (t *thread) shortCircuit(n *node) val {
	x := t.eval(n.x)
	if (x.v != 0) == (n.op == opOr) {
		return val{v: truth(x.v != 0), d: x.d}
	}
	y := t.eval(n.y)
	return val{v: truth(y.v != 0), d: x.d}.with(y)
}

func (t *thread) choice(n *node) val {
	c := t.eval(n.x)
	if c.v != 0 {
		return t.eval(n.y).with(c)
	}
	return t.eval(n.z).with(c)
}

// primitive executes what is not arithmetic.
func (t *thread) primitive(n *node) val {
	switch n.op {
	case opNothing:
		return val{}
	case opFence:
		t.c.Fence(n.prim.fence)
		return val{}
	case opAfterUnlockLock:
		t.run.on.afterUnlockLock(t)
		return val{}
	case opReadLock, opReadUnlock, opSynchronize:
		t.rcu(n)
		return val{}
	}
	r, ok := t.ref(n)
	if !ok {
		return val{}
	}
	return t.access(n, r)
}

// ref is the place in memory that a primitive's pointer means. Only variables
// can be accessed.
func (t *thread) ref(n *node) (sim.Ref, bool) {
	p := t.eval(n.x)
	if t.fault != nil {
		return sim.Ref{}, false
	}
	if t.run.p.variableAt(t.run.base, p.v) < 0 {
		t.fail(n.at, "access through %d, which is not the address of a variable", p.v)
		return sim.Ref{}, false
	}
	return sim.Ref{A: sim.Addr(p.v), D: p.d, Size: 8}, true
}

// access executes a primitive on a place in memory.
func (t *thread) access(n *node, r sim.Ref) val {
	switch n.op {
	case opLoad:
		return t.load(r, n.prim.order)
	case opStore, opStoreMB:
		t.store(n, r)
	case opRMW:
		return t.rmw(n, r)
	case opCmpXchg:
		return t.cmpXchg(n, r)
	case opAddUnless:
		return t.addUnless(n, r)
	case opLock:
		t.lock(n, r)
	case opUnlock:
		t.unlock(n, r)
	case opTrylock:
		return t.trylock(r)
	case opIsLocked:
		return val{v: truth(t.c.Load(r) != 0)}
	default:
		return t.srcuOp(n, r)
	}
	return val{}
}

func (t *thread) load(r sim.Ref, o sim.Order) val {
	if o == sim.Acquire {
		p := t.c.LoadPtrAcquire(r)
		return val{v: int64(p.A), d: p.D}
	}
	v := t.c.LoadValue(r)
	return val{v: int64(v.V), d: v.D}
}

func (t *thread) store(n *node, r sim.Ref) {
	v := t.eval(n.y)
	if t.fault != nil {
		return
	}
	t.run.on.storeDeps(t, v.d)
	switch {
	case n.op == opStoreMB:
		t.run.on.storeMB(t, r, uint64(v.v))
	case n.prim.order == sim.Release:
		t.c.StoreRelease(r, uint64(v.v))
	default:
		t.c.Store(r, uint64(v.v))
	}
}

// name is the thread's column in traces.
func (t *thread) name() string { return fmt.Sprintf("P%d", t.proc.id) }
