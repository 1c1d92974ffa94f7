// Package osq is kernel/locking/osq_lock.c on simulated memory
// (locks-and-barriers.md section 3): the MCS queue in which the optimistic
// spinners of an rwsem or a mutex wait for their turn to look at the lock. A
// spinner that should give up its CPU leaves the queue, which a plain MCS lock
// does not allow.
package osq

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// NodeLayout is struct optimistic_spin_node, one per CPU on a line of its own:
// spinners run with preemption disabled and spin on one lock at a time.
var NodeLayout = sim.NewLayout("osq_node", 64, 64,
	sim.F("next", 0, 8),
	sim.F("prev", 8, 8),
	sim.F("locked", 16, 4),
	sim.F("cpu", 20, 4),
)

var (
	nodeNext   = NodeLayout.Field("next")
	nodePrev   = NodeLayout.Field("prev")
	nodeLocked = NodeLayout.Field("locked")
	nodeCPU    = NodeLayout.Field("cpu")
)

// Locks makes the spinner queues of one kernel: they share the per-CPU nodes.
type Locks struct {
	sched *sched.Scheduler
	nodes kmem.PerCPU
}

// New allocates the per-CPU nodes.
func New(a *kmem.Arena, s *sched.Scheduler) *Locks {
	return &Locks{sched: s, nodes: a.PerCPU(NodeLayout, s.CPUs())}
}

// At is the queue whose 4-byte tail is at r. A zero word is unlocked.
func (k *Locks) At(r sim.Ref) Lock {
	if r.Size != 4 {
		panic("osq: a queue's tail is 4 bytes")
	}
	return Lock{k, r}
}

// Lock is an optimistic_spin_queue. Its word holds the number of the last
// spinner's CPU plus one.
type Lock struct {
	k    *Locks
	tail sim.Ref
}

// IsLocked is osq_is_locked: whether somebody spins.
func (l Lock) IsLocked(c *sim.CPU) bool { return c.Load(l.tail) != 0 }

// Lock is osq_lock: it waits until the caller is at the head of the queue, and
// fails if the caller should reschedule first. Preemption is disabled, and
// stays so until Unlock. The kernel also gives up when a hypervisor has
// preempted the CPU of the spinner in front; there is no hypervisor here.
func (l Lock) Lock(c *sim.CPU) bool {
	node, curr := l.k.nodes.This(c), encode(c.ID())
	c.Store(node.F(nodeLocked), 0)
	c.Store(node.F(nodeNext), 0)
	c.Store(node.F(nodeCPU), curr)
	old := c.Xchg(l.tail, curr, sim.Full)
	if old == 0 {
		return true
	}
	prev := l.k.decode(old)
	c.Store(node.F(nodePrev), uint64(prev.A))
	c.SmpWMB()
	c.Store(prev.F(nodeNext), uint64(node.A))
	turn := sim.Cond{Ref: node.F(nodeLocked), Test: sim.Ne}
	if c.SpinUntil(sim.Never, turn, l.k.sched.NeedReschedCond(c)) == 0 {
		return true
	}
	return l.abort(c, node, prev)
}

// abort is the unqueue part of osq_lock. It returns true if the queue's head
// came after all.
func (l Lock) abort(c *sim.CPU, node, prev sim.Ptr) (locked bool) {
	for !l.undoLink(c, node, prev) { // step A
		if c.LoadAcquire(node.F(nodeLocked)) != 0 {
			return true
		}
		// cpu_relax and reload: go on as soon as one of the three has changed.
		c.SpinUntil(sim.Never,
			sim.Cond{Ref: node.F(nodeLocked), Test: sim.Ne},
			sim.Cond{Ref: node.F(nodePrev), Test: sim.Ne, Arg: uint64(prev.A)},
			sim.Cond{Ref: prev.F(nodeNext), Arg: uint64(node.A)})
		prev = c.LoadPtr(node.F(nodePrev))
	}
	next := l.waitNext(c, node, c.Load(prev.F(nodeCPU))) // step B
	if next.IsNull() {
		return false
	}
	c.Store(next.F(nodePrev), uint64(prev.A)) // step C
	c.Store(prev.F(nodeNext), uint64(next.A))
	return false
}

// undoLink makes the spinner in front forget node, so that it cannot hand over
// to it any more. It fails while that one is leaving itself.
func (l Lock) undoLink(c *sim.CPU, node, prev sim.Ptr) bool {
	if c.Load(prev.F(nodeNext)) != uint64(node.A) {
		return false
	}
	_, ok := c.CmpXchg(prev.F(nodeNext), uint64(node.A), 0, sim.Full)
	return ok
}

// waitNext is osq_wait_next: the spinner behind node, taken out of node so that
// it cannot leave meanwhile; null if there is none, and then the tail is oldCPU.
func (l Lock) waitNext(c *sim.CPU, node sim.Ptr, oldCPU uint64) sim.Ptr {
	curr := encode(c.ID())
	for {
		if c.Load(l.tail) == curr {
			if _, ok := c.CmpXchg(l.tail, curr, oldCPU, sim.Acquire); ok {
				return sim.Ptr{}
			}
		}
		if c.Load(node.F(nodeNext)) != 0 {
			if next := c.Xchg(node.F(nodeNext), 0, sim.Full); next != 0 {
				return sim.At(sim.Addr(next))
			}
		}
		c.SpinUntil(sim.Never,
			sim.Cond{Ref: l.tail, Arg: curr},
			sim.Cond{Ref: node.F(nodeNext), Test: sim.Ne})
	}
}

// Unlock is osq_unlock: the next spinner comes to the head.
func (l Lock) Unlock(c *sim.CPU) {
	if _, ok := c.CmpXchg(l.tail, encode(c.ID()), 0, sim.Release); ok {
		return
	}
	node := l.k.nodes.This(c)
	next := sim.At(sim.Addr(c.Xchg(node.F(nodeNext), 0, sim.Full)))
	if next.IsNull() {
		if next = l.waitNext(c, node, 0); next.IsNull() {
			return
		}
	}
	c.Store(next.F(nodeLocked), 1)
}

// encode and decode turn a CPU into a queue's tail and back to its node.
func encode(cpu int) uint64 { return uint64(cpu + 1) }

func (k *Locks) decode(tail uint64) sim.Ptr { return k.nodes.Of(int(tail) - 1) }
