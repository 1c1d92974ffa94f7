package qspinlock

import "mmsim/sim"

// slow is queued_spin_lock_slowpath with v, the word that the fast path saw.
// The letters are those of the fact sheet's table.
func (l SpinLock) slow(c *sim.CPU, v uint64) {
	// a: a hand-over from the pending waiter is in progress. The kernel bounds
	// this spin by a number of iterations; here the spin-wait ends with the
	// hand-over's store.
	if v == pending {
		c.SpinUntil(sim.Never, sim.Cond{Ref: l.word, Test: sim.Ne, Arg: pending})
		v = c.Load(l.word)
	}
	if v&^lockedMask == 0 && l.trySetPending(c) {
		return
	}
	l.queue(c)
}

// trySetPending is steps b to d: become the pending waiter, wait for the
// holder to leave and take over. It fails if somebody else waits already.
func (l SpinLock) trySetPending(c *sim.CPU) bool {
	v := c.FetchOr(l.word, pending, sim.Acquire)
	if v&^lockedMask != 0 {
		if v&pendingMask == 0 {
			c.Store(l.pendingByte(), 0) // c: it was this CPU that set it
		}
		return false
	}
	if v&lockedMask != 0 {
		c.SpinUntil(sim.Never, sim.Cond{Ref: l.lockedByte(), Test: sim.Ne, Arg: locked,
			Order: c.OrderUnless(breakPending, sim.Acquire)}) // smp_cond_load_acquire
	}
	c.Store(l.lockedPending(), locked) // d
	return true
}

// queue is steps e to h: wait in the MCS queue, then at its head.
func (l SpinLock) queue(c *sim.CPU) {
	node0, cpu := l.k.node(c.ID()), c.ID()
	idx := c.Load(nodeCount(node0))
	c.Store(nodeCount(node0), idx+1)
	if idx >= maxNesting {
		panic("qspinlock: spin-waits nested deeper than the per-CPU nodes")
	}
	node := node0.Add(idx * nodeBytes)
	c.Store(nodeLocked(node), 0)
	c.Store(nodeNext(node), 0)
	if !l.tryLock(c) {
		l.waitQueued(c, node, uint64(cpu+1)<<2|idx)
	}
	c.ThisCPUAdd(nodeCount(node0), ^uint64(0))
}

func (l SpinLock) waitQueued(c *sim.CPU, node sim.Ptr, tail uint64) {
	c.SmpWMB()
	next := sim.Ptr{}
	if old := c.Xchg(l.tail(), tail, sim.Relaxed); old != 0 { // e
		c.Store(nodeNext(l.k.decode(old)), uint64(node.A)) // f
		c.SpinWhile(nodeLocked(node), 0, 0)
		if next = c.LoadPtr(nodeNext(node)); !next.IsNull() {
			c.Prefetch(nodeLocked(next), true)
		}
	}
	v := l.waitFree(c) // g
	if v&tailMask == tail<<tailShift {
		if _, ok := c.CmpXchg(l.word, v, locked, sim.Relaxed); ok { // h
			return
		}
	}
	c.Store(l.lockedByte(), locked)
	if next.IsNull() {
		c.SpinUntil(sim.Never, sim.Cond{Ref: nodeNext(node), Test: sim.Ne})
		next = c.LoadPtr(nodeNext(node))
	}
	c.StoreRelease(nodeLocked(next), 1)
}

// waitFree waits at the head of the queue until neither holder nor pending
// waiter is left, and returns the word then.
func (l SpinLock) waitFree(c *sim.CPU) uint64 {
	for {
		c.SpinUntil(sim.Never, sim.Cond{Ref: l.word, Mask: lockedPendingMask, Order: sim.Acquire})
		if v := c.Load(l.word); v&lockedPendingMask == 0 {
			return v
		}
	}
}

// node is the first MCS node of a CPU.
func (k *Locks) node(cpu int) sim.Ptr { return k.base.Add(uint64(cpu) * k.stride) }

// decode is the node that a tail value names.
func (k *Locks) decode(tail uint64) sim.Ptr {
	return k.node(int(tail>>2) - 1).Add(tail & 3 * nodeBytes)
}
