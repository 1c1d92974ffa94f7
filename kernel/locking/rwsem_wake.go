package locking

import (
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// wakeType is enum rwsem_wake_type: whom mark_wake may wake.
type wakeType uint8

const (
	wakeAny       wakeType = iota // whoever is first
	wakeReaders                   // readers only
	wakeReadOwned                 // readers only, and the caller holds the lock for reading
)

// wakeFrameLayout is the stack frame of rwsem_mark_wake: the local list of the
// readers it grants. It runs with interrupts off, so one per CPU is enough.
var wakeFrameLayout = sim.NewLayout("rwsem_mark_wake", 64, 64, list.Field("wlist", 0))

// maxReadersWakeup bounds the readers that one wake-up grants.
const maxReadersWakeup = 256

// wake is rwsem_wake and rwsem_downgrade_wake.
func (l RWSem) wake(c *sim.CPU, how wakeType) {
	var wq sched.WakeQ
	irq := l.waitLock().LockIRQSave(c)
	if !list.Empty(c, l.waitList()) {
		l.markWake(c, how, &wq)
	}
	l.waitLock().UnlockIRQRestore(c, irq)
	l.k.sched.WakeUpQ(c, &wq)
}

// condWake is rwsem_cond_wake_waiter: a new waiter makes up for a release that
// found the queue too early. v is the value of count.
func (l RWSem) condWake(c *sim.CPU, v uint64, wq *sched.WakeQ) {
	switch {
	case v&rwsemWriterLocked != 0:
	case v&rwsemReaderMask != 0:
		l.markWake(c, wakeReaders, wq)
	default:
		l.clearNonspinnable(c)
		l.markWake(c, wakeAny, wq)
	}
}

// markWake is rwsem_mark_wake (section 2.6), under wait_lock with interrupts
// off and a queue that is not empty. Readers are granted the lock here; a
// writer is only woken and must win the lock itself.
func (l RWSem) markWake(c *sim.CPU, how wakeType, wq *sched.WakeQ) {
	first := l.first(c)
	if c.Load(first.F(waiterType)) == waitingForWrite {
		if how == wakeAny {
			wq.Add(c, l.k.sched, c.LoadPtr(first.F(waiterTask)))
		}
		return
	}
	if c.Load(l.count())&rwsemReadFail != 0 {
		return
	}
	added := uint64(0)
	if how != wakeReadOwned {
		if !l.takeForReader(c, first) {
			return
		}
		added = rwsemReaderBias
	}
	wlist := l.k.frames.This(c)
	woken := l.collectReaders(c, wlist)
	adjust := woken*rwsemReaderBias - added
	// A reader got in: nobody has to be forced to give way any more.
	adjust -= c.Load(l.count()) & rwsemHandoff
	if list.Empty(c, l.waitList()) {
		adjust -= rwsemWaiters
	}
	if adjust != 0 {
		c.AtomicAdd(l.count(), adjust)
	}
	l.grantReaders(c, wlist, wq)
}

// takeForReader adds the first reader's bias to count, which keeps writers out
// from here on. It fails if a writer holds the lock, and then promises the
// reader the lock if it has waited too long for writers that steal it.
func (l RWSem) takeForReader(c *sim.CPU, first sim.Ptr) bool {
	old := c.FetchAdd(l.count(), rwsemReaderBias, sim.Full)
	if old&rwsemWriterLocked == 0 {
		l.setReaderOwned(c, c.LoadPtr(first.F(waiterTask)))
		return true
	}
	undo := neg(rwsemReaderBias)
	if l.timedOut(c, first) {
		if old&rwsemHandoff == 0 {
			undo += rwsemHandoff
		}
		c.Store(first.F(waiterHandoff), 1)
	}
	c.AtomicAdd(l.count(), undo)
	return false
}

// collectReaders moves the readers of the whole queue to wlist, passing over
// writers, and counts them.
func (l RWSem) collectReaders(c *sim.CPU, wlist sim.Ptr) (woken uint64) {
	list.Init(c, wlist)
	for n := list.First(c, l.waitList()); n.A != l.waitList().A; {
		next := list.Next(c, n)
		if c.Load(waiterOf(n).F(waiterType)) == waitingForRead {
			list.MoveTail(c, n, wlist)
			if woken++; woken == maxReadersWakeup {
				break
			}
		}
		n = next
	}
	return woken
}

// grantReaders tells each collected reader that it has the lock. From the
// store of its task word on, the waiter's stack frame may be gone.
func (l RWSem) grantReaders(c *sim.CPU, wlist sim.Ptr, wq *sched.WakeQ) {
	for n := list.First(c, wlist); n.A != wlist.A; {
		next := list.Next(c, n)
		w := waiterOf(n)
		task := c.LoadPtr(w.F(waiterTask))
		l.k.sched.GetTask(c, task)
		c.StoreRelease(w.F(waiterTask), 0)
		wq.AddSafe(c, l.k.sched, task)
		n = next
	}
}
