package locking

import (
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// lockSlow is __mutex_lock_common (section 7): spin on a running owner, else
// queue and sleep.
func (l Mutex) lockSlow(c *sim.CPU, st sched.State) (held bool) {
	l.k.sched.PreemptDisable(c)
	if held = l.tryLock(c); !held {
		c.LockContended(l.owner.A, sim.Exclusive)
		held = l.spin(c, false) || l.queue(c, st)
	}
	l.k.sched.PreemptEnable(c)
	return held
}

// queue is the part of __mutex_lock_common that sleeps; it fails if a signal
// ends the wait.
func (l Mutex) queue(c *sim.CPU, st sched.State) (held bool) {
	c.Count(lockWaits, 1)
	irq := l.waitLock.LockIRQSave(c)
	if held = l.tryLock(c); !held {
		w := l.addWaiter(c)
		l.k.sched.SetCurrentState(c, st)
		held = l.sleep(c, w, st, irq)
		l.k.sched.SetRunning(c)
		l.delWaiter(c, w)
	}
	l.waitLock.UnlockIRQRestore(c, irq)
	return held
}

// sleep is the loop of __mutex_lock_common; wait_lock is held before and after
// it. The first waiter asks for the lock each time that it has been woken and
// finds it taken; then nobody passes it any more.
func (l Mutex) sleep(c *sim.CPU, w sim.Ptr, st sched.State, irq bool) (held bool) {
	for !l.tryLock(c) {
		if l.k.sched.SignalPendingState(c, st) {
			return false
		}
		l.waitLock.UnlockIRQRestore(c, irq)
		l.k.sched.SchedulePreemptDisabled(c, waitMutex)
		first := l.isFirst(c, w)
		l.k.sched.SetCurrentState(c, st)
		held = l.tryLockCommon(c, first) == 0 || first && l.spin(c, true)
		l.waitLock.LockIRQSave(c)
		if held {
			break
		}
	}
	return true
}

// addWaiter is __mutex_add_waiter, under wait_lock.
func (l Mutex) addWaiter(c *sim.CPU) sim.Ptr {
	if c.InIRQ || c.Task < 0 {
		panic("locking: waiting for a mutex outside a task: " + c.Name)
	}
	w := l.k.waiters.Add(uint64(c.Task) * uint64(mutexWaiterLayout.Bytes))
	c.Store(w.F(mutexWaiterTask), uint64(l.k.sched.Current(c).A))
	list.AddTail(c, w, l.waitList)
	if l.isFirst(c, w) {
		c.AtomicOr(l.owner, mutexWaiters)
	}
	return w
}

// delWaiter is __mutex_remove_waiter, under wait_lock.
func (l Mutex) delWaiter(c *sim.CPU, w sim.Ptr) {
	list.Del(c, w)
	if list.Empty(c, l.waitList) {
		c.AtomicAnd(l.owner, ^uint64(mutexFlags))
	}
}

// isFirst is __mutex_waiter_is_first. The list node is the waiter's first
// member.
func (l Mutex) isFirst(c *sim.CPU, w sim.Ptr) bool {
	return list.First(c, l.waitList).A == w.A
}

// spin is mutex_optimistic_spin: it takes the lock as soon as it becomes free
// and fails when the owner leaves its CPU or the caller should. Only the head
// of the spinners' queue and the first sleeper (waiter) look at the lock.
func (l Mutex) spin(c *sim.CPU, waiter bool) (locked bool) {
	if waiter {
		locked = l.spinAsHead(c)
	} else if l.canSpin(c) && l.osq.Lock(c) {
		locked = l.spinAsHead(c)
		l.osq.Unlock(c)
	}
	if !locked && l.k.sched.NeedResched(c) {
		l.k.sched.SetRunning(c)
		l.k.sched.SchedulePreemptDisabled(c, sim.Runnable)
	}
	return locked
}

func (l Mutex) spinAsHead(c *sim.CPU) (locked bool) {
	for {
		owner := l.tryLockCommon(c, false)
		if owner == 0 {
			return true
		}
		if !l.spinOnOwner(c, owner) {
			return false
		}
		c.Relax()
	}
}

// canSpin is mutex_can_spin_on_owner. A lock without owner may be spun for.
func (l Mutex) canSpin(c *sim.CPU) bool {
	if l.k.sched.NeedResched(c) {
		return false
	}
	owner := sim.At(sim.Addr(c.Load(l.owner) &^ mutexFlags))
	return owner.IsNull() || c.Load(l.k.sched.OnCPU(owner)) != 0
}

// spinOnOwner is mutex_spin_on_owner: it returns true when the owner has
// changed, false when spinning makes no sense any more.
func (l Mutex) spinOnOwner(c *sim.CPU, owner uint64) bool {
	const task = ^uint64(mutexFlags)
	return c.SpinUntil(sim.Never,
		sim.Cond{Ref: l.owner, Test: sim.Ne, Mask: task, Arg: owner},
		sim.Cond{Ref: l.k.sched.OnCPU(sim.At(sim.Addr(owner)))},
		l.k.sched.NeedReschedCond(c)) == 0
}
