package locking

import "mmsim/sim"

// slot is the current task's slot for this lock: a hash of both.
func (l BravoRWSem) slot(c *sim.CPU) sim.Ref {
	const goldenRatio = 0x61c8864680b583eb // hash_long
	h := (uint64(l.k.sched.Current(c).A) ^ uint64(l.name())<<16) * goldenRatio
	return l.slotAt(h >> (64 - 12))
}

func (l BravoRWSem) slotAt(i uint64) sim.Ref { return l.k.table.Ref(i*8, 8) }

// note finds v among the task's notes of its slots (0: an unused one).
func (l BravoRWSem) note(c *sim.CPU, v uint64) (sim.Ref, bool) {
	if c.InIRQ || c.Task < 0 {
		panic("locking: an rwsem outside a task: " + c.Name)
	}
	t := l.k.tasks.Add(uint64(c.Task) * uint64(bravoTaskLayout.Bytes))
	for i := range bravoNest {
		if r := t.FI(bravoTaskSlot, i); c.Load(r) == v {
			return r, true
		}
	}
	return sim.Ref{}, false
}

// publish is a reader's fast path: it makes the reader visible and then looks
// whether the bias is still on. It fails where the slot is taken, by another
// task or by this one's outer section.
func (l BravoRWSem) publish(c *sim.CPU) bool {
	if c.Load(l.rbias) == 0 {
		return false
	}
	note, ok := l.note(c, 0)
	if !ok {
		return false
	}
	slot := l.slot(c)
	if _, ok := c.CmpXchg(slot, 0, uint64(l.name()), sim.Full); !ok {
		return false
	}
	if c.LoadAcquire(l.rbias) == 0 {
		c.Store(slot, 0)
		return false
	}
	c.Store(note, uint64(slot.A))
	return true
}

// bias turns the bias on, under the semaphore for reading, unless a writer has
// paid for a revocation not long ago. The release is for readers that come in
// by the bias alone: they must see what earlier writers wrote.
func (l BravoRWSem) bias(c *sim.CPU) {
	if c.Load(l.rbias) == 0 && uint64(c.Now()) >= c.Load(l.inhibitUntil) {
		c.StoreRelease(l.rbias, 1)
	}
}

// revoke turns the bias off, under the semaphore for writing, and waits for
// every visible reader of the lock. waits tells that the writer has waited
// already.
func (l BravoRWSem) revoke(c *sim.CPU, waits bool) {
	start := c.Now()
	c.StoreMB(l.rbias, 0)
	for i := l.visible(c, 0); i < bravoSlots; i = l.visible(c, i+1) {
		if !waits {
			c.LockContended(l.name(), sim.Exclusive)
			waits = true
		}
		gone := sim.Cond{Ref: l.slotAt(i), Test: sim.Ne, Arg: uint64(l.name())}
		for c.SpinUntil(sim.Never, gone, l.k.sched.NeedReschedCond(c)) != 0 {
			l.k.sched.Schedule(c, sim.Runnable)
		}
	}
	c.Fence(sim.AcquireAfterCtrlDep) // after the readers' release of their slots
	now := c.Now()
	c.Store(l.inhibitUntil, uint64(now+bravoInhibit*(now-start)))
}

// visible is the first slot from number i on that names the lock.
func (l BravoRWSem) visible(c *sim.CPU, i uint64) uint64 {
	for ; i < bravoSlots; i++ {
		l.prefetch(c, i)
		if c.Load(l.slotAt(i)) == uint64(l.name()) {
			break
		}
	}
	return i
}

// prefetch starts the fetch of the table's lines some way ahead of slot i: the
// scan's loads are independent, and a core overlaps them.
func (l BravoRWSem) prefetch(c *sim.CPU, i uint64) {
	const perLine, ahead = 8, 8 * 8
	if i%perLine == 0 && i+ahead < bravoSlots {
		c.Prefetch(l.slotAt(i+ahead), false)
	}
}
