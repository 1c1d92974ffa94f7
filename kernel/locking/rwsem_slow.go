package locking

import (
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// downReadSlow is rwsem_down_read_slowpath from its queue label on (section
// 2.3, steps 3 to 8). The reader's bias is in count already.
func (l RWSem) downReadSlow(c *sim.CPU) {
	c.Count(lockWaits, 1)
	w := l.newWaiter(c, waitingForRead)
	var wq sched.WakeQ
	irq := l.waitLock.LockIRQSave(c)
	adjust := neg(rwsemReaderBias)
	if list.Empty(c, l.waitList) {
		if c.Load(l.count)&rwsemWriterLocked == 0 {
			// The writer has gone: the bias is the lock.
			c.Fence(sim.AcquireAfterCtrlDep)
			l.waitLock.UnlockIRQRestore(c, irq)
			l.setReaderOwned(c, l.k.sched.Current(c))
			return
		}
		adjust += rwsemWaiters
	}
	list.AddTail(c, waiterNode(w), l.waitList)
	v := c.FetchAdd(l.count, adjust, sim.Full) + adjust
	l.condWake(c, v, &wq)
	l.waitLock.UnlockIRQRestore(c, irq)
	l.k.sched.WakeUpQ(c, &wq)
	for {
		l.k.sched.SetCurrentState(c, sched.Uninterruptible)
		if c.LoadAcquire(w.F(waiterTask)) == 0 {
			break // granted: the waker added the bias
		}
		l.k.sched.SchedulePreemptDisabled(c, waitRWSem)
	}
	l.k.sched.SetRunning(c)
}

// downWriteSlow is rwsem_down_write_slowpath (section 2.4, steps 2 to 4).
func (l RWSem) downWriteSlow(c *sim.CPU) {
	c.Count(lockWaits, 1)
	w := l.newWaiter(c, waitingForWrite)
	irq := l.waitLock.LockIRQSave(c)
	first := list.Empty(c, l.waitList)
	list.AddTail(c, waiterNode(w), l.waitList)
	if first {
		c.AtomicOr(l.count, rwsemWaiters)
	} else {
		var wq sched.WakeQ
		l.condWake(c, c.Load(l.count), &wq)
		if !wq.Empty() {
			l.waitLock.UnlockIRQRestore(c, irq)
			l.k.sched.WakeUpQ(c, &wq)
			irq = l.waitLock.LockIRQSave(c)
		}
	}
	l.k.sched.SetCurrentState(c, sched.Uninterruptible)
	for !l.tryWriteLock(c, w) {
		l.waitLock.UnlockIRQRestore(c, irq)
		l.k.sched.SchedulePreemptDisabled(c, waitRWSem)
		l.k.sched.SetCurrentState(c, sched.Uninterruptible)
		irq = l.waitLock.LockIRQSave(c)
	}
	l.k.sched.SetRunning(c)
	l.waitLock.UnlockIRQRestore(c, irq)
}

// tryWriteLock is rwsem_try_write_lock, under wait_lock: take the lock if
// nobody holds it, and leave the queue.
func (l RWSem) tryWriteLock(c *sim.CPU, w sim.Ptr) bool {
	v := c.Load(l.count)
	for {
		if v&rwsemLockMask != 0 {
			return false
		}
		next := v | rwsemWriterLocked
		if list.Singular(c, l.waitList) {
			next &^= rwsemWaiters
		}
		old, ok := c.CmpXchg(l.count, v, next, sim.Acquire)
		if ok {
			break
		}
		v = old
	}
	list.Del(c, waiterNode(w))
	l.setOwner(c)
	return true
}

// newWaiter fills in the rwsem_waiter on the current task's stack.
func (l RWSem) newWaiter(c *sim.CPU, kind uint64) sim.Ptr {
	if c.InIRQ || c.Task < 0 {
		panic("locking: waiting for an rwsem outside a task: " + c.Name)
	}
	w := l.k.waiters[c.Task]
	c.Store(w.F(waiterTask), uint64(l.k.sched.Current(c).A))
	c.Store(w.F(waiterType), kind)
	return w
}

// waiterNode is the list_head of a waiter, and waiterOf its inverse
// (list_entry): the list is the first member.
func waiterNode(w sim.Ptr) sim.Ptr { return w.Add(uint64(waiterList.Off)) }

func waiterOf(node sim.Ptr) sim.Ptr { return node }
