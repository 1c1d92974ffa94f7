package uprobes

import (
	"fmt"

	"mmsim/kernel/locking"
	"mmsim/kernel/rcu"
	"mmsim/kernel/srcu"
	"mmsim/sim"
)

func (u *Uprobes) ref(p sim.Ptr) locking.Refcount { return locking.Refcount(p.F(u.f.ref)) }

// enter begins the section of a hit that keeps the uprobes found in it; leave
// ends it. With references there is none.
func (u *Uprobes) enter(c *sim.CPU) (idx srcu.Index) {
	switch u.k.Lifetime {
	case LifetimeSRCU:
		idx = u.srcu.ReadLock(c)
	case LifetimeTasksTrace:
		u.b.RCU.TraceReadLock(c)
	}
	return idx
}

func (u *Uprobes) leave(c *sim.CPU, idx srcu.Index) {
	switch u.k.Lifetime {
	case LifetimeSRCU:
		u.srcu.ReadUnlock(c, idx)
	case LifetimeTasksTrace:
		u.b.RCU.TraceReadUnlock(c)
	}
}

// drop ends the use of a uprobe that findUprobe returned.
func (u *Uprobes) drop(c *sim.CPU, p sim.Ptr) {
	if u.k.Lifetime == LifetimeRefcount && !p.IsNull() {
		u.put(c, p)
	}
}

// consumersLock and consumersUnlock go around a walk of the consumers: with
// references, register_rwsem keeps them.
func (u *Uprobes) consumersLock(c *sim.CPU, p sim.Ptr) {
	if u.k.Lifetime == LifetimeRefcount {
		u.registerSem(p).DownRead(c)
	}
}

func (u *Uprobes) consumersUnlock(c *sim.CPU, p sim.Ptr) {
	if u.k.Lifetime == LifetimeRefcount {
		u.registerSem(p).UpRead(c)
	}
}

func (u *Uprobes) registerSem(p sim.Ptr) locking.RWSem { return u.b.RWSems.At(p, u.f.register) }
func (u *Uprobes) consumerSem(p sim.Ptr) locking.RWSem { return u.b.RWSems.At(p, u.f.consumer) }

// put is put_uprobe. From 6.13 on the rest is work for a kworker, because the
// time-out of a lease may drop the last reference in an interrupt; here the
// caller does it, or, after an interrupt, the next task that registers or
// unregisters.
func (u *Uprobes) put(c *sim.CPU, p sim.Ptr) {
	if !u.ref(p).DecAndTest(c) {
		return
	}
	if !c.InIRQ {
		u.release(c, p)
		return
	}
	head := u.deferred.F(deferredFirst)
	for first := c.Load(head); ; {
		c.Store(p.FI(u.f.rcu, 0), first)
		was, ok := c.CmpXchg(head, first, uint64(p.A), sim.Full)
		if ok {
			return
		}
		first = was
	}
}

// RunDeferred is the kworker's turn: it releases the uprobes whose last
// reference was dropped in an interrupt.
func (u *Uprobes) RunDeferred(c *sim.CPU) {
	if c.Load(u.deferred.F(deferredFirst)) == 0 {
		return
	}
	p := sim.At(sim.Addr(c.Xchg(u.deferred.F(deferredFirst), 0, sim.Full)))
	for !p.IsNull() {
		next := c.LoadPtr(p.FI(u.f.rcu, 0))
		u.release(c, p)
		p = next
	}
}

// release is put_uprobe with no reference left, or uprobe_free_deferred: out of
// the tree, off the list of delayed ones, and to the grace periods.
func (u *Uprobes) release(c *sim.CPU, p sim.Ptr) {
	if u.k.Lifetime != LifetimeRefcount {
		u.erase(c, p)
	}
	u.delayed.Lock(c)
	c.Load(u.delayedList) // empty: delayed_uprobe_remove finds nothing
	u.delayed.Unlock(c)
	u.freeAfter(c, p.Add(uint64(u.f.rcu.Off)), 0)
}

// gracePeriod is call_rcu of some flavour.
type gracePeriod func(c *sim.CPU, head sim.Ptr, cb rcu.Callback)

// initFree chains the grace periods that the memory of a uprobe goes through:
// of leases, of hits, and of walks without lock where only a reference keeps
// the uprobe of a hit.
func (u *Uprobes) initFree() {
	if u.k.Ret.leased() {
		u.grace = append(u.grace, u.uretSRCU.Call)
	}
	switch {
	case u.k.Lifetime == LifetimeSRCU:
		u.grace = append(u.grace, u.srcu.Call)
	case u.k.Lifetime == LifetimeTasksTrace:
		u.grace = append(u.grace, u.b.RCU.CallRCUTasksTrace)
	case u.k.Tree == TreeSeqcount:
		u.grace = append(u.grace, u.b.RCU.CallRCU)
	}
	for i := range u.grace {
		u.freeCbs = append(u.freeCbs, u.b.RCU.Register(fmt.Sprintf("uprobe_free_%d", i),
			func(c *sim.CPU, head sim.Ptr) { u.freeAfter(c, head, i+1) }))
	}
}

// freeAfter frees the uprobe of an rcu_head when the grace periods from number i
// on are over.
func (u *Uprobes) freeAfter(c *sim.CPU, head sim.Ptr, i int) {
	if i < len(u.grace) && !c.Breaks(breakFreeGrace) {
		u.grace[i](c, head, u.freeCbs[i])
		return
	}
	p := sim.Ptr{A: head.A - sim.Addr(u.f.rcu.Off), D: head.D}
	u.poisonObject(c, p, u.l.Uprobe)
	u.cache.Free(c, p)
}

const poisonFree = 0x6b6b6b6b6b6b6b6b // POISON_FREE

// poisonObject fills an object that is about to be freed (slub_debug=P).
func (u *Uprobes) poisonObject(c *sim.CPU, p sim.Ptr, l *sim.Layout) {
	if !u.poison {
		return
	}
	for off := uint64(0); off+8 <= uint64(l.Bytes); off += 8 {
		c.Store(p.Ref(off, 8), poisonFree)
	}
}
