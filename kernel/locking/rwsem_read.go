package locking

import (
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// downReadSlow is rwsem_down_read_slowpath (section 2.3) with v, the count that
// has the reader's bias in it. It fails only on a signal.
func (l RWSem) downReadSlow(c *sim.CPU, v uint64, st sched.State) bool {
	if l.stealRead(c, v) {
		return true
	}
	c.Count(lockWaits, 1)
	c.LockContended(l.addr(), sim.Shared)
	w := l.newWaiter(c, waitingForRead)
	if l.queueReader(c, w) {
		return true
	}
	return l.waitForGrant(c, w, st)
}

// stealRead takes the lock past the queue (steps 1 and 2): nobody writes, and
// no waiter was promised the lock. Where readers have it already they may not,
// as a stream of readers would starve the queued writer.
func (l RWSem) stealRead(c *sim.CPU, v uint64) bool {
	readers := v >> rwsemReaderShift
	if c.Load(l.owner())&rwsemReaderOwned != 0 && readers > 1 && v&rwsemWriterLocked == 0 {
		return false
	}
	if v&(rwsemWriterLocked|rwsemHandoff) != 0 {
		return false
	}
	l.setReaderOwned(c, l.k.sched.Current(c))
	if readers == 1 && v&rwsemWaiters != 0 {
		l.wake(c, wakeReadOwned)
	}
	return true
}

// queueReader puts the waiter into the queue and takes the reader's bias back
// (steps 4 to 7). It returns true if the bias was the lock after all.
func (l RWSem) queueReader(c *sim.CPU, w sim.Ptr) (acquired bool) {
	var wq sched.WakeQ
	lock := l.waitLock()
	irq := lock.LockIRQSave(c)
	adjust := neg(rwsemReaderBias)
	if list.Empty(c, l.waitList()) {
		if c.Load(l.count())&rwsemWriterLocked == 0 {
			c.Fence(sim.AcquireAfterCtrlDep)
			lock.UnlockIRQRestore(c, irq)
			l.setReaderOwned(c, l.k.sched.Current(c))
			return true
		}
		adjust += rwsemWaiters
	}
	list.AddTail(c, waiterNode(w), l.waitList())
	v := c.FetchAdd(l.count(), adjust, sim.Full) + adjust
	l.condWake(c, v, &wq)
	lock.UnlockIRQRestore(c, irq)
	l.k.sched.WakeUpQ(c, &wq)
	return false
}

// waitForGrant sleeps until a waker has handed the lock over by clearing the
// waiter's task word (step 8); it has added the reader's bias by then.
func (l RWSem) waitForGrant(c *sim.CPU, w sim.Ptr, st sched.State) (granted bool) {
	for {
		l.k.sched.SetCurrentState(c, st)
		if c.LoadAcquire(w.F(waiterTask)) == 0 {
			break
		}
		if l.k.sched.SignalPendingState(c, st) {
			irq := l.waitLock().LockIRQSave(c)
			if c.Load(w.F(waiterTask)) != 0 {
				l.delWakeWaiter(c, w, irq)
				l.k.sched.SetRunning(c)
				c.LockAbandoned(l.addr(), sim.Shared)
				return false
			}
			l.waitLock().UnlockIRQRestore(c, irq)
			break
		}
		l.k.sched.SchedulePreemptDisabled(c, waitRWSem)
	}
	l.k.sched.SetRunning(c)
	return true
}
