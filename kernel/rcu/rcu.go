// Package rcu is RCU as kernel/rcu/tree.c does it, without preemptible readers
// (locks-and-barriers.md section 11): a reader disables preemption and writes
// no shared line; call_rcu queues on the own CPU; each CPU's scheduler tick
// sees whether it interrupted a reader, a context switch whether it is none,
// and a quiescent state is reported up a tree of nodes; the last report ends the
// grace period, and callbacks run on the CPU that queued them, in batches.
// synchronize_rcu, its expedited form with IPIs, rcu_barrier and the polled
// forms are built on that, and so is rcu_sync.
//
// What the grace-period kthread does (starting and ending grace periods,
// looking at idle CPUs) is done here in the tick of the CPU that asks for the
// grace period, reports last, or finds the scan due: the same lines move, with
// no kthread to wake. A tick that notices a grace period may report for it at
// once.
//
// The package also has Tasks-Trace RCU up to 6.19.
package rcu

import (
	"fmt"
	"slices"

	"mmsim/kernel/kmem"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/rcu/segcblist"
	"mmsim/kernel/sched"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// Fanout of the tree: CPUs per leaf, and leaves under the root.
const (
	leafFanout = 16
	rootFanout = 64
)

var (
	callbacksRun = sim.NewCounter("rcu_callbacks")
	// waitRCU is the sleep until a grace period is over, or until another
	// updater lets this one go on.
	waitRCU = sim.NewTickWaitReason("rcu")
)

// Func is an RCU callback; it gets the rcu_head that was queued.
type Func func(c *sim.CPU, head sim.Ptr)

// RCU knows where the nodes and per-CPU data lie, and the callback functions
// by number. All that changes is in simulated memory.
type RCU struct {
	sched  *sched.Scheduler
	spin   *qspinlock.Locks
	wait   *wait.Queues
	state  sim.Ptr
	nodes  []sim.Ptr // root first, then leaves, in order
	leaves []leaf
	data   kmem.PerCPU
	cpus   []int     // online
	boot   int       // the lowest of them
	syncs  []sim.Ptr // rcu_synchronize of each task, by task number
	tick   sim.Time
	opt    Options
	funcs  []namedFunc

	wakeme      Callback
	barrierDone Callback
	syncDone    Callback
	trace       tasksTrace
	moreWork    sim.Handler
	expHandler  sim.Handler
	barrierIPI  sim.Handler
}

type namedFunc struct {
	name string
	f    Func
}

// leaf is a leaf node and the CPU of its bit 0.
type leaf struct {
	node  sim.Ptr
	first int
}

// New allocates the tree for the CPUs that have tasks (the others are offline)
// and hooks RCU into the tick.
func New(a *kmem.Arena, s *sched.Scheduler, spin *qspinlock.Locks, wq *wait.Queues, o Options) *RCU {
	if s.CPUs() > leafFanout*rootFanout {
		panic(fmt.Sprintf("rcu: %d CPUs, the tree holds %d", s.CPUs(), leafFanout*rootFanout))
	}
	r := &RCU{sched: s, spin: spin, wait: wq, state: a.Object(stateLayout, ""),
		data: a.PerCPU(dataLayout, s.CPUs()), tick: s.TickPeriod(), opt: o}
	for range s.Tasks() {
		r.syncs = append(r.syncs, a.Object(syncLayout, ""))
	}
	c := sim.NewDirect(a.Mem)
	r.initState(c)
	r.buildTree(a, c)
	r.wakeme = r.Register("wakeme_after_rcu", r.wakeSynchronize)
	r.barrierDone = r.Register("rcu_barrier_callback", r.barrierCallback)
	r.syncDone = r.Register("rcu_sync_func", r.syncFunc)
	r.moreWork, r.expHandler, r.barrierIPI = r.runMoreWork, r.expeditedIPI, r.barrierHandler
	r.initTasksTrace(a, c)
	s.OnTick(r.schedClockIRQ)
	s.OnSwitch(r.NoteContextSwitch)
	return r
}

func (r *RCU) initState(c *sim.CPU) {
	r.barrierMutex().Init(c, 1)
	r.expMutex().Init(c, 1)
	r.expWakeMutex().Init(c, 1)
	r.barrierCompletion().Init(c)
	r.expeditedWQ().Init(c)
}

// buildTree makes one node, or a root over one leaf per 16 CPUs.
func (r *RCU) buildTree(a *kmem.Arena, c *sim.CPU) {
	root := a.Object(nodeLayout, "root")
	r.nodes = []sim.Ptr{root}
	r.initNode(c, root)
	for first := 0; first < r.sched.CPUs(); first += leafFanout {
		n := root
		if r.sched.CPUs() > leafFanout {
			i := first / leafFanout
			n = a.Object(nodeLayout, fmt.Sprintf("leaf%d", i))
			c.Store(n.F(nodeParent), uint64(root.A))
			c.Store(n.F(nodeGrpMask), 1<<i)
			r.initNode(c, n)
			r.nodes = append(r.nodes, n)
		}
		r.leaves = append(r.leaves, leaf{n, first})
	}
	for cpu := range r.sched.CPUs() {
		r.initData(c, cpu)
	}
	r.cpus = r.sched.InUse()
	r.boot = slices.Min(r.cpus)
	for _, cpu := range r.cpus {
		r.online(c, cpu)
	}
}

func (r *RCU) initNode(c *sim.CPU, n sim.Ptr) {
	for i := range numExpWQ {
		r.expWQ(n, uint64(i)<<seqCtrShift).Init(c)
	}
}

func (r *RCU) initData(c *sim.CPU, cpu int) {
	d, l := r.data.Of(cpu), r.leaves[cpu/leafFanout]
	c.Store(d.F(dataNode), uint64(l.node.A))
	c.Store(d.F(dataGrpMask), 1<<(cpu-l.first))
	c.Store(d.F(dataBLimit), blimit)
	cbsOf(d).Init(c)
}

// online makes grace periods wait for a CPU.
func (r *RCU) online(c *sim.CPU, cpu int) {
	d := r.data.Of(cpu)
	n, bit := c.LoadPtr(d.F(dataNode)), c.Load(d.F(dataGrpMask))
	for !n.IsNull() {
		c.AtomicOr(n.F(nodeQSMaskInit), bit)
		c.AtomicOr(n.F(nodeExpMaskInit), bit)
		bit = c.Load(n.F(nodeGrpMask))
		n = c.LoadPtr(n.F(nodeParent))
	}
}

// Callback is the number of a registered callback function: what stands in
// rcu_head.func.
type Callback uint64

// Register adds a callback function. Set-up only.
func (r *RCU) Register(name string, f Func) Callback {
	r.funcs = append(r.funcs, namedFunc{name, f})
	return Callback(len(r.funcs))
}

// Deferred registers f and returns the call_rcu that runs it after a grace
// period, for allocators below this package.
func (r *RCU) Deferred(name string, f func(c *sim.CPU, head sim.Ptr)) func(c *sim.CPU, head sim.Ptr) {
	cb := r.Register(name, f)
	return func(c *sim.CPU, head sim.Ptr) { r.CallRCU(c, head, cb) }
}

// ReadLock is rcu_read_lock in a kernel without preemptible RCU: it disables
// preemption on this CPU.
func (r *RCU) ReadLock(c *sim.CPU) {
	r.sched.PreemptDisable(c)
	if m := r.opt.Model; m != nil {
		m.ReadLock(c, DomainRCU)
	}
}

// ReadUnlock is rcu_read_unlock.
func (r *RCU) ReadUnlock(c *sim.CPU) {
	if m := r.opt.Model; m != nil {
		m.ReadUnlock(c, DomainRCU)
	}
	r.sched.PreemptEnable(c)
}

// CallRCU is call_rcu: cb gets head after every reader that is now inside has
// left. It writes this CPU's own lines and head only.
func (r *RCU) CallRCU(c *sim.CPU, head sim.Ptr, cb Callback) {
	if r.opt.Model != nil {
		r.CallModel(c, DomainRCU, head, cb)
		return
	}
	irq := c.IRQSave()
	r.SetFunc(c, head, cb)
	d := r.data.This(c)
	cbsOf(d).Enqueue(c, head)
	r.checkOverload(c, d)
	if c.InIRQ {
		r.sched.NeedTick(c)
	}
	c.IRQRestore(irq)
}

// SetFunc stores a callback function in an rcu_head.
func (r *RCU) SetFunc(c *sim.CPU, head sim.Ptr, cb Callback) {
	if cb == 0 || int(cb) > len(r.funcs) {
		panic(fmt.Sprintf("rcu: callback %d is not registered", cb))
	}
	c.Store(segcblist.HeadFunc(head), uint64(cb))
}

// Invoke runs the function of an rcu_head.
func (r *RCU) Invoke(c *sim.CPU, head sim.Ptr) {
	c.Count(callbacksRun, 1)
	r.funcs[c.Load(segcblist.HeadFunc(head))-1].f(c, head)
}

// BootCPU is the lowest CPU that is online.
func (r *RCU) BootCPU() int { return r.boot }
