package locking

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/locking/osq"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// Flags of a mutex's owner word; its other bits are a task pointer
// (locks-and-barriers.md section 7).
const (
	mutexWaiters = 1 << 0 // the wait list is not empty: unlock must wake
	mutexHandoff = 1 << 1 // unlock must give the lock to the first waiter
	mutexPickup  = 1 << 2 // the lock was given to the owner, who has not taken it yet
	mutexFlags   = mutexWaiters | mutexHandoff | mutexPickup
)

var waitMutex = sim.NewWaitReason("mutex")

// MutexMembers declares the members of a mutex called name at offset off of
// the embedding struct, for sim.NewLayout: name.owner at 0, name.wait_lock at
// 8, name.osq at 12, name.wait_list at 16; 32 bytes.
func MutexMembers(name string, off uint32) []sim.Field {
	return []sim.Field{
		sim.F(name+".owner", off, 8),
		sim.F(name+".wait_lock", off+8, 4),
		sim.F(name+".osq", off+12, 4),
		list.Field(name+".wait_list", off+16),
	}
}

// MutexFields says where the words of a mutex lie in the struct that embeds it.
type MutexFields struct {
	Owner, WaitLock, OSQ, WaitList sim.Field
}

// MutexFieldsOf finds the mutex called name in a layout.
func MutexFieldsOf(l *sim.Layout, name string) MutexFields {
	return MutexFields{
		Owner:    l.Field(name + ".owner"),
		WaitLock: l.Field(name + ".wait_lock"),
		OSQ:      l.Field(name + ".osq"),
		WaitList: l.Field(name + ".wait_list"),
	}
}

// mutexWaiterLayout is struct mutex_waiter, which lies on the sleeping task's
// stack.
var mutexWaiterLayout = sim.NewLayout("mutex_waiter", 64, 64,
	list.Field("list", 0),
	sim.F("task", 16, 8),
)

var mutexWaiterTask = mutexWaiterLayout.Field("task")

// Mutexes makes the mutexes of one kernel.
type Mutexes struct {
	sched   *sched.Scheduler
	spin    *SpinLocks
	osq     *osq.Locks
	waiters sim.Ptr // on the stack of each task, by task number
}

// NewMutexes allocates the stack objects that tasks queue with. Mutexes and
// rwsems of one kernel share the spinners' queue nodes.
func NewMutexes(a *kmem.Arena, s *sched.Scheduler, spin *SpinLocks, q *osq.Locks) *Mutexes {
	n := uint64(s.Tasks()) * uint64(mutexWaiterLayout.Bytes)
	return &Mutexes{sched: s, spin: spin, osq: q, waiters: a.Bytes(n, 128, mutexWaiterLayout)}
}

// At is the mutex of the object at p.
func (k *Mutexes) At(p sim.Ptr, f MutexFields) Mutex {
	return Mutex{k: k, owner: p.F(f.Owner), waitLock: k.spin.At(p.F(f.WaitLock)),
		osq: k.osq.At(p.F(f.OSQ)), waitList: p.Add(uint64(f.WaitList.Off))}
}

// Mutex is a mutex (kernel/locking/mutex.c, 6.19): optimistic spinning on a
// running owner, a list of sleepers in order of arrival, and the hand-over to
// the first of them when it has been passed over once. Wound/wait mutexes are
// not part of it.
type Mutex struct {
	k        *Mutexes
	owner    sim.Ref
	waitLock SpinLock
	osq      osq.Lock
	waitList sim.Ptr
}

// Init is mutex_init.
func (l Mutex) Init(c *sim.CPU) {
	c.LockInit(l.owner.A)
	c.Store(l.owner, 0)
	list.Init(c, l.waitList)
}

// Lock is mutex_lock.
func (l Mutex) Lock(c *sim.CPU) { l.lock(c, sched.Uninterruptible) }

// LockInterruptible is mutex_lock_interruptible: false if a signal ended the
// wait.
func (l Mutex) LockInterruptible(c *sim.CPU) bool { return l.lock(c, sched.Interruptible) }

// LockKillable is mutex_lock_killable: false if a fatal signal ended the wait.
func (l Mutex) LockKillable(c *sim.CPU) bool { return l.lock(c, sched.Killable) }

func (l Mutex) lock(c *sim.CPU, st sched.State) (held bool) {
	held = l.tryLockFast(c) || l.lockSlow(c, st)
	if held {
		c.LockAcquired(l.owner.A, sim.Exclusive)
	} else {
		c.LockAbandoned(l.owner.A, sim.Exclusive)
	}
	return held
}

// TryLock is mutex_trylock.
func (l Mutex) TryLock(c *sim.CPU) bool {
	ok := l.tryLock(c)
	if ok {
		c.LockTried(l.owner.A, sim.Exclusive)
	}
	return ok
}

// Unlock is mutex_unlock, by the owner.
func (l Mutex) Unlock(c *sim.CPU) {
	c.LockReleased(l.owner.A, sim.Exclusive)
	me := uint64(l.k.sched.Current(c).A)
	if _, ok := c.CmpXchg(l.owner, me, 0, c.OrderUnless(breakMutexRelease, sim.Release)); !ok {
		l.unlockSlow(c)
	}
}

// IsLocked is mutex_is_locked.
func (l Mutex) IsLocked(c *sim.CPU) bool { return c.Load(l.owner)&^uint64(mutexFlags) != 0 }

// tryLockFast is __mutex_trylock_fast.
func (l Mutex) tryLockFast(c *sim.CPU) bool {
	_, ok := c.CmpXchg(l.owner, 0, uint64(l.k.sched.Current(c).A), c.OrderUnless(breakMutexAcquire, sim.Acquire))
	return ok
}

func (l Mutex) tryLock(c *sim.CPU) bool { return l.tryLockCommon(c, false) == 0 }

// tryLockCommon is __mutex_trylock_common: it takes the lock if it is free or
// was given to the caller, and returns 0; otherwise it returns the owner. With
// handoff it leaves the request for the lock to be handed over.
func (l Mutex) tryLockCommon(c *sim.CPU, handoff bool) (owner uint64) {
	curr := uint64(l.k.sched.Current(c).A)
	v := c.Load(l.owner)
	for { // a flag may change in between
		flags, task := v&mutexFlags, v&^uint64(mutexFlags)
		switch {
		case task == 0:
			task = curr
		case flags&mutexPickup != 0 && task == curr:
			flags &^= mutexPickup
		case flags&mutexPickup == 0 && handoff && flags&mutexHandoff == 0:
			flags |= mutexHandoff
		default:
			return task
		}
		old, ok := c.CmpXchg(l.owner, v, task|flags, sim.Acquire)
		if ok && task == curr {
			return 0
		}
		if ok {
			return task
		}
		v = old
	}
}

// unlockSlow is __mutex_unlock_slowpath.
func (l Mutex) unlockSlow(c *sim.CPU) {
	v := c.Load(l.owner)
	for v&mutexHandoff == 0 {
		old, ok := c.CmpXchg(l.owner, v, v&mutexFlags, sim.Release)
		if ok && v&mutexWaiters == 0 {
			return
		}
		if ok {
			break
		}
		v = old
	}
	var wq sched.WakeQ
	irq := l.waitLock.LockIRQSave(c)
	next := sim.Ptr{}
	if !list.Empty(c, l.waitList) {
		next = c.LoadPtr(list.First(c, l.waitList).F(mutexWaiterTask))
		wq.Add(c, l.k.sched, next)
	}
	if v&mutexHandoff != 0 {
		l.handOff(c, next)
	}
	l.unlockWake(c, irq, &wq)
}

// handOff is __mutex_handoff: next owns the lock from here on. Without a
// waiter the lock is free.
func (l Mutex) handOff(c *sim.CPU, next sim.Ptr) {
	v := c.Load(l.owner)
	for {
		to := v&mutexWaiters | uint64(next.A)
		if !next.IsNull() {
			to |= mutexPickup
		}
		old, ok := c.CmpXchg(l.owner, v, to, sim.Release)
		if ok {
			return
		}
		v = old
	}
}

// unlockWake is raw_spin_unlock_irqrestore_wake.
func (l Mutex) unlockWake(c *sim.CPU, irq bool, wq *sched.WakeQ) {
	l.k.sched.PreemptDisable(c)
	l.waitLock.UnlockIRQRestore(c, irq)
	if !wq.Empty() {
		l.k.sched.WakeUpQ(c, wq)
	}
	l.k.sched.PreemptEnable(c)
}
