package locking

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// DownRead is down_read. A read acquire adds to count and writes owner.
func (l RWSem) DownRead(c *sim.CPU) { l.downRead(c, sched.Uninterruptible) }

// DownReadKillable is down_read_killable: a fatal signal ends the wait, and
// then the lock is not held.
func (l RWSem) DownReadKillable(c *sim.CPU) bool { return l.downRead(c, sched.Killable) }

// DownReadInterruptible is down_read_interruptible: any signal ends the wait.
func (l RWSem) DownReadInterruptible(c *sim.CPU) bool { return l.downRead(c, sched.Interruptible) }

// downRead is __down_read_common.
func (l RWSem) downRead(c *sim.CPU, st sched.State) (held bool) {
	l.k.sched.PreemptDisable(c)
	v := c.FetchAdd(l.count(), rwsemReaderBias, sim.Acquire) + rwsemReaderBias
	if held = v&rwsemReadFailed == 0; held {
		l.setReaderOwned(c, l.k.sched.Current(c))
	} else {
		held = l.downReadSlow(c, v, st)
	}
	if held {
		c.LockAcquired(l.addr(), sim.Shared)
	}
	l.k.sched.PreemptEnable(c)
	return held
}

// DownReadTrylock is down_read_trylock. Where it fails it has written nothing.
func (l RWSem) DownReadTrylock(c *sim.CPU) bool {
	l.k.sched.PreemptDisable(c)
	v, ok := c.Load(l.count()), false
	for !ok && v&rwsemReadFailed == 0 {
		v, ok = c.CmpXchg(l.count(), v, v+rwsemReaderBias, sim.Acquire)
	}
	if ok {
		l.setReaderOwned(c, l.k.sched.Current(c))
		c.LockTried(l.addr(), sim.Shared)
	}
	l.k.sched.PreemptEnable(c)
	return ok
}

// UpRead is up_read. Owner keeps its hint.
func (l RWSem) UpRead(c *sim.CPU) {
	c.LockReleased(l.addr(), sim.Shared)
	l.k.sched.PreemptDisable(c)
	if l.k.opt.StripOwner {
		l.clearReaderOwned(c)
	}
	v := c.FetchAdd(l.count(), neg(rwsemReaderBias), sim.Release) - rwsemReaderBias
	if v&(rwsemLockMask|rwsemWaiters) == rwsemWaiters {
		l.clearNonspinnable(c)
		l.wake(c, wakeAny)
	}
	l.k.sched.PreemptEnable(c)
}

// DownWrite is down_write.
func (l RWSem) DownWrite(c *sim.CPU) { l.downWrite(c, sched.Uninterruptible) }

// DownWriteKillable is down_write_killable: a fatal signal ends the wait, and
// then the lock is not held.
func (l RWSem) DownWriteKillable(c *sim.CPU) bool { return l.downWrite(c, sched.Killable) }

// downWrite is __down_write_common.
func (l RWSem) downWrite(c *sim.CPU, st sched.State) (held bool) {
	l.k.sched.PreemptDisable(c)
	if held = l.tryWriteFast(c) || l.downWriteSlow(c, st); held {
		c.LockAcquired(l.addr(), sim.Exclusive)
	}
	l.k.sched.PreemptEnable(c)
	return held
}

// tryWriteFast is rwsem_write_trylock.
func (l RWSem) tryWriteFast(c *sim.CPU) bool {
	_, ok := c.CmpXchg(l.count(), 0, rwsemWriterLocked, c.OrderUnless(breakRWSemAcquire, sim.Acquire))
	if ok {
		l.setOwner(c)
	}
	return ok
}

// DownWriteTrylock is down_write_trylock.
func (l RWSem) DownWriteTrylock(c *sim.CPU) bool {
	l.k.sched.PreemptDisable(c)
	ok := l.tryWriteFast(c)
	if ok {
		c.LockTried(l.addr(), sim.Exclusive)
	}
	l.k.sched.PreemptEnable(c)
	return ok
}

// UpWrite is up_write: owner is cleared before count lets others in.
func (l RWSem) UpWrite(c *sim.CPU) {
	c.LockReleased(l.addr(), sim.Exclusive)
	l.k.sched.PreemptDisable(c)
	l.upWrite(c)
	l.k.sched.PreemptEnable(c)
}

// upWrite is __up_write.
func (l RWSem) upWrite(c *sim.CPU) {
	c.Store(l.owner(), 0)
	if old := c.FetchAdd(l.count(), neg(rwsemWriterLocked), c.OrderUnless(breakRWSemRelease, sim.Release)); old&rwsemWaiters != 0 {
		l.wake(c, wakeAny)
	}
}

// DowngradeWrite is downgrade_write: the writer becomes a reader and lets
// queued readers in.
func (l RWSem) DowngradeWrite(c *sim.CPU) {
	c.LockDowngraded(l.addr())
	l.k.sched.PreemptDisable(c)
	old := c.FetchAdd(l.count(), rwsemReaderBias-rwsemWriterLocked, sim.Release)
	l.setReaderOwned(c, l.k.sched.Current(c))
	if old&rwsemWaiters != 0 {
		l.wake(c, wakeReadOwned)
	}
	l.k.sched.PreemptEnable(c)
}
