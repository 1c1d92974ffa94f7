package locking

import (
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// downWriteSlow is rwsem_down_write_slowpath (section 2.4). It fails only on a
// signal.
func (l RWSem) downWriteSlow(c *sim.CPU, st sched.State) bool {
	c.Count(lockWaits, 1)
	c.LockContended(l.addr(), sim.Exclusive)
	if l.canSpinOnOwner(c) && l.optimisticSpin(c) {
		return true
	}
	w := l.newWaiter(c, waitingForWrite)
	irq := l.queueWriter(c, w)
	l.k.sched.SetCurrentState(c, st)
	for !l.tryWriteLock(c, w) {
		l.waitLock().UnlockIRQRestore(c, irq)
		if l.k.sched.SignalPendingState(c, st) {
			l.k.sched.SetRunning(c)
			irq = l.waitLock().LockIRQSave(c)
			l.delWakeWaiter(c, w, irq)
			c.LockAbandoned(l.addr(), sim.Exclusive)
			return false
		}
		if !l.spinForHandoff(c, w) {
			l.k.sched.SchedulePreemptDisabled(c, waitRWSem)
			l.k.sched.SetCurrentState(c, st)
		}
		irq = l.waitLock().LockIRQSave(c)
	}
	l.k.sched.SetRunning(c)
	l.waitLock().UnlockIRQRestore(c, irq)
	return true
}

// queueWriter takes wait_lock and puts the waiter into the queue (step 2).
func (l RWSem) queueWriter(c *sim.CPU, w sim.Ptr) (irq bool) {
	lock := l.waitLock()
	irq = lock.LockIRQSave(c)
	list.AddTail(c, waiterNode(w), l.waitList())
	if l.first(c).A == w.A {
		c.AtomicOr(l.count(), rwsemWaiters)
		return irq
	}
	var wq sched.WakeQ
	l.condWake(c, c.Load(l.count()), &wq)
	if !wq.Empty() {
		lock.UnlockIRQRestore(c, irq)
		l.k.sched.WakeUpQ(c, &wq)
		irq = lock.LockIRQSave(c)
	}
	return irq
}

// spinForHandoff lets the waiter that was promised the lock spin on a running
// owner instead of sleeping. It reports that the owner has gone.
func (l RWSem) spinForHandoff(c *sim.CPU, w sim.Ptr) bool {
	if c.Load(w.F(waiterHandoff)) == 0 {
		return false
	}
	state, _ := l.spinOnOwner(c)
	return state == ownerNull
}

// tryWriteLock is rwsem_try_write_lock (step 4), under wait_lock: take the lock
// if nobody holds it and leave the queue, or promise it to the first waiter
// after having waited too long.
func (l RWSem) tryWriteLock(c *sim.CPU, w sim.Ptr) bool {
	first, v := l.first(c), c.Load(l.count())
	for {
		next, ok := l.nextCount(c, v, first, w)
		if !ok {
			return false
		}
		if v, ok = c.CmpXchg(l.count(), v, next, sim.Acquire); !ok {
			continue
		}
		if next&rwsemHandoff != 0 {
			c.Store(first.F(waiterHandoff), 1)
			return false
		}
		list.Del(c, waiterNode(w))
		l.setOwner(c)
		return true
	}
}

// nextCount is what a waiting writer makes of the count v: the lock taken, or
// HANDOFF set. It fails if neither is due.
func (l RWSem) nextCount(c *sim.CPU, v uint64, first, w sim.Ptr) (next uint64, ok bool) {
	handoff := v&rwsemHandoff != 0
	if handoff && first.A != w.A && c.Load(first.F(waiterHandoff)) != 0 {
		return 0, false
	}
	if v&rwsemLockMask != 0 {
		return v | rwsemHandoff, !handoff && l.timedOut(c, w)
	}
	next = (v | rwsemWriterLocked) &^ rwsemHandoff
	if list.Singular(c, l.waitList()) {
		next &^= rwsemWaiters
	}
	return next, true
}
