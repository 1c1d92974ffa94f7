// Package rcu is RCU as kernel/rcu/tree.c does it, without preemptible readers
// (locks-and-barriers.md section 11): a reader disables preemption and writes
// no shared line; call_rcu queues on the own CPU; each CPU's scheduler tick
// sees whether it interrupted a reader and reports a quiescent state up a tree
// of nodes; the last report ends the grace period, and callbacks run on the
// CPU that queued them.
//
// What the grace-period kthread does (starting and ending grace periods,
// looking at idle CPUs) is done here in the tick of the CPU that asks for the
// grace period, reports last, or finds the scan due: the same lines move, with
// no kthread to wake. A tick that notices a grace period may report for it at
// once. Callbacks run in the tick, all that are ready.
//
// The package also has the read side of Tasks-Trace RCU up to 6.19.
package rcu

import (
	"fmt"

	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// Fanout of the tree: CPUs per leaf, and leaves under the root.
const (
	leafFanout = 16
	rootFanout = 64
)

// forceQSTicks is jiffies_till_first_fqs and jiffies_till_next_fqs at HZ=1000.
const forceQSTicks = 3

var callbacksRun = sim.NewCounter("rcu_callbacks")

// Func is an RCU callback; it gets the rcu_head that was queued.
type Func func(c *sim.CPU, head sim.Ptr)

// RCU knows where the nodes and per-CPU data lie, and the callback functions
// by number. All that changes is in simulated memory.
type RCU struct {
	sched   *sched.Scheduler
	spin    *locking.SpinLocks
	state   sim.Ptr
	nodes   []sim.Ptr // root first, then leaves, in order
	leaves  []leaf
	data    kmem.PerCPU
	forceQS sim.Time
	funcs   []namedFunc
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
// and hooks RCU into the tick, whose period is given.
func New(a *kmem.Arena, s *sched.Scheduler, spin *locking.SpinLocks, tick sim.Time) *RCU {
	if s.CPUs() > leafFanout*rootFanout {
		panic(fmt.Sprintf("rcu: %d CPUs, the tree holds %d", s.CPUs(), leafFanout*rootFanout))
	}
	r := &RCU{sched: s, spin: spin, state: a.Object(stateLayout, ""),
		data: a.PerCPU(dataLayout, s.CPUs()), forceQS: forceQSTicks * tick}
	r.buildTree(a, sim.NewDirect(a.Mem))
	s.OnTick(r.tick)
	return r
}

// buildTree makes one node, or a root over one leaf per 16 CPUs.
func (r *RCU) buildTree(a *kmem.Arena, c *sim.CPU) {
	root := a.Object(nodeLayout, "root")
	r.nodes = []sim.Ptr{root}
	for first := 0; first < r.sched.CPUs(); first += leafFanout {
		n := root
		if r.sched.CPUs() > leafFanout {
			i := first / leafFanout
			n = a.Object(nodeLayout, fmt.Sprintf("leaf%d", i))
			c.Store(n.F(nodeParent), uint64(root.A))
			c.Store(n.F(nodeGrpMask), 1<<i)
			r.nodes = append(r.nodes, n)
		}
		r.leaves = append(r.leaves, leaf{n, first})
	}
	for cpu := range r.sched.CPUs() {
		r.initData(c, cpu)
	}
	for _, cpu := range r.sched.InUse() {
		r.online(c, cpu)
	}
}

func (r *RCU) initData(c *sim.CPU, cpu int) {
	d, l := r.data.Of(cpu), r.leaves[cpu/leafFanout]
	c.Store(d.F(dataNode), uint64(l.node.A))
	c.Store(d.F(dataGrpMask), 1<<(cpu-l.first))
	head := uint64(d.F(cbHead).A)
	for i := range int(cbTails.Count) {
		c.Store(d.FI(cbTails, i), head)
	}
}

// online makes grace periods wait for a CPU.
func (r *RCU) online(c *sim.CPU, cpu int) {
	d := r.data.Of(cpu)
	n, bit := c.LoadPtr(d.F(dataNode)), c.Load(d.F(dataGrpMask))
	for !n.IsNull() {
		c.AtomicOr(n.F(nodeQSMaskInit), bit)
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
func (r *RCU) ReadLock(c *sim.CPU) { r.sched.PreemptDisable(c) }

// ReadUnlock is rcu_read_unlock.
func (r *RCU) ReadUnlock(c *sim.CPU) { r.sched.PreemptEnable(c) }

// CallRCU is call_rcu: cb gets head after every reader that is now inside has
// left. It writes this CPU's own lines and head only.
func (r *RCU) CallRCU(c *sim.CPU, head sim.Ptr, cb Callback) {
	if cb == 0 || int(cb) > len(r.funcs) {
		panic(fmt.Sprintf("rcu: call_rcu with callback %d, which is not registered", cb))
	}
	irq := c.IRQSave()
	c.Store(headFunc(head), uint64(cb))
	r.enqueue(c, r.data.This(c), head)
	c.Deferred(1)
	c.IRQRestore(irq)
}

// invoke is rcu_do_batch: run the callbacks whose grace period is over.
func (r *RCU) invoke(c *sim.CPU, d sim.Ptr) {
	h := r.extractDone(c, d)
	for !h.IsNull() {
		next := c.LoadPtr(headNext(h))
		f := r.funcs[c.Load(headFunc(h))-1].f
		c.Count(callbacksRun, 1)
		c.Deferred(-1)
		f(c, h)
		h = next
	}
}
