package locking

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// The count word of an rw_semaphore (locks-and-barriers.md section 2.1).
const (
	rwsemWriterLocked = 1 << 0
	rwsemWaiters      = 1 << 1
	rwsemHandoff      = 1 << 2
	rwsemReaderBias   = 1 << 8
	rwsemReadFail     = 1 << 63
	rwsemReaderMask   = ^uint64(rwsemReaderBias-1) &^ rwsemReadFail
	rwsemLockMask     = rwsemWriterLocked | rwsemReaderMask
	rwsemReadFailed   = rwsemWriterLocked | rwsemWaiters | rwsemHandoff | rwsemReadFail
)

// Flags of the owner word; its other bits are a task pointer.
const (
	rwsemReaderOwned  = 1 << 0
	rwsemNonspinnable = 1 << 1
	rwsemOwnerFlags   = rwsemReaderOwned | rwsemNonspinnable
)

var (
	lockWaits = sim.NewCounter("lock_waits")
	waitRWSem = sim.NewWaitReason("rwsem")
)

// RWSemFields says where the words of a rw_semaphore lie in the struct that
// embeds it. osq belongs to optimistic spinning and takes its place only.
type RWSemFields struct {
	Count, Owner, WaitLock, WaitList sim.Field
}

// RWSemMembers declares the members of a rw_semaphore called name at offset
// off of the embedding struct, for sim.NewLayout: name.count at 0, name.owner
// at 8, name.osq at 16, name.wait_lock at 20, name.wait_list at 24; 40 bytes.
func RWSemMembers(name string, off uint32) []sim.Field {
	return []sim.Field{
		sim.F(name+".count", off, 8),
		sim.F(name+".owner", off+8, 8),
		sim.F(name+".osq", off+16, 4),
		sim.F(name+".wait_lock", off+20, 4),
		list.Field(name+".wait_list", off+24),
	}
}

// RWSemFieldsOf finds the rw_semaphore called name in a layout; each word may
// have been moved on its own.
func RWSemFieldsOf(l *sim.Layout, name string) RWSemFields {
	return RWSemFields{
		Count:    l.Field(name + ".count"),
		Owner:    l.Field(name + ".owner"),
		WaitLock: l.Field(name + ".wait_lock"),
		WaitList: l.Field(name + ".wait_list"),
	}
}

// waiterLayout is struct rwsem_waiter, which lies on the sleeping task's stack.
var waiterLayout = sim.NewLayout("rwsem_waiter", 64, 64,
	list.Field("list", 0),
	sim.F("task", 16, 8),
	sim.F("type", 24, 4),
)

var (
	waiterList = waiterLayout.Field("list")
	waiterTask = waiterLayout.Field("task")
	waiterType = waiterLayout.Field("type")
)

const (
	waitingForWrite = 0
	waitingForRead  = 1
)

// wakeFrameLayout is the stack frame of rwsem_mark_wake: the local list of the
// readers it grants. It runs with interrupts off, so one per CPU is enough.
var wakeFrameLayout = sim.NewLayout("rwsem_mark_wake", 64, 64, list.Field("wlist", 0))

// RWSems makes the reader-writer semaphores of one kernel.
type RWSems struct {
	sched   *sched.Scheduler
	spin    *SpinLocks
	waiters []sim.Ptr // on the stack of each task, by task number
	frames  kmem.PerCPU
}

// NewRWSems allocates the stack objects that tasks queue with.
func NewRWSems(a *kmem.Arena, s *sched.Scheduler, spin *SpinLocks) *RWSems {
	k := &RWSems{sched: s, spin: spin, frames: a.PerCPU(wakeFrameLayout, s.CPUs())}
	for range s.Tasks() {
		k.waiters = append(k.waiters, a.Object(waiterLayout, ""))
	}
	return k
}

// At is the rw_semaphore of the object at p.
func (k *RWSems) At(p sim.Ptr, f RWSemFields) RWSem {
	return RWSem{k: k, count: p.F(f.Count), owner: p.F(f.Owner),
		waitLock: k.spin.At(p.F(f.WaitLock)), waitList: p.Add(uint64(f.WaitList.Off))}
}

// RWSem is an rw_semaphore (kernel/locking/rwsem.c, 6.19): count and owner
// words, wait list, sleeping and waking. Optimistic spinning, lock stealing
// and handoff are not part of it: a lock that is not free is queued for, in
// order of arrival, with readers granted together.
type RWSem struct {
	k            *RWSems
	count, owner sim.Ref
	waitLock     SpinLock
	waitList     sim.Ptr
}

// Init is init_rwsem.
func (l RWSem) Init(c *sim.CPU) {
	c.Store(l.count, 0)
	c.Store(l.owner, 0)
	list.Init(c, l.waitList)
}

// DownRead is down_read. A read acquire adds to count and writes owner.
func (l RWSem) DownRead(c *sim.CPU) {
	l.k.sched.PreemptDisable(c)
	v := c.FetchAdd(l.count, rwsemReaderBias, sim.Acquire) + rwsemReaderBias
	if v&rwsemReadFailed != 0 {
		l.downReadSlow(c)
	} else {
		l.setReaderOwned(c, l.k.sched.Current(c))
	}
	l.k.sched.PreemptEnable(c)
}

// DownReadTrylock is down_read_trylock. Where it fails it has written nothing.
func (l RWSem) DownReadTrylock(c *sim.CPU) bool {
	l.k.sched.PreemptDisable(c)
	v, ok := c.Load(l.count), false
	for !ok && v&rwsemReadFailed == 0 {
		v, ok = c.CmpXchg(l.count, v, v+rwsemReaderBias, sim.Acquire)
	}
	if ok {
		l.setReaderOwned(c, l.k.sched.Current(c))
	}
	l.k.sched.PreemptEnable(c)
	return ok
}

// UpRead is up_read. Owner keeps its hint.
func (l RWSem) UpRead(c *sim.CPU) {
	l.k.sched.PreemptDisable(c)
	v := c.FetchAdd(l.count, neg(rwsemReaderBias), sim.Release) - rwsemReaderBias
	if v&(rwsemLockMask|rwsemWaiters) == rwsemWaiters {
		l.clearNonspinnable(c)
		l.wake(c, wakeAny)
	}
	l.k.sched.PreemptEnable(c)
}

// DownWrite is down_write.
func (l RWSem) DownWrite(c *sim.CPU) {
	l.k.sched.PreemptDisable(c)
	if _, ok := c.CmpXchg(l.count, 0, rwsemWriterLocked, sim.Acquire); ok {
		l.setOwner(c)
	} else {
		l.downWriteSlow(c)
	}
	l.k.sched.PreemptEnable(c)
}

// DownWriteTrylock is down_write_trylock.
func (l RWSem) DownWriteTrylock(c *sim.CPU) bool {
	l.k.sched.PreemptDisable(c)
	_, ok := c.CmpXchg(l.count, 0, rwsemWriterLocked, sim.Acquire)
	if ok {
		l.setOwner(c)
	}
	l.k.sched.PreemptEnable(c)
	return ok
}

// UpWrite is up_write: owner is cleared before count lets others in.
func (l RWSem) UpWrite(c *sim.CPU) {
	l.k.sched.PreemptDisable(c)
	c.Store(l.owner, 0)
	if old := c.FetchAdd(l.count, neg(rwsemWriterLocked), sim.Release); old&rwsemWaiters != 0 {
		l.wake(c, wakeAny)
	}
	l.k.sched.PreemptEnable(c)
}

// DowngradeWrite is downgrade_write: the writer becomes a reader and lets
// queued readers in.
func (l RWSem) DowngradeWrite(c *sim.CPU) {
	l.k.sched.PreemptDisable(c)
	old := c.FetchAdd(l.count, rwsemReaderBias-rwsemWriterLocked, sim.Release)
	l.setReaderOwned(c, l.k.sched.Current(c))
	if old&rwsemWaiters != 0 {
		l.wake(c, wakeReadOwned)
	}
	l.k.sched.PreemptEnable(c)
}

// IsLocked is rwsem_is_locked: held by a writer, or by readers.
func (l RWSem) IsLocked(c *sim.CPU) bool { return c.Load(l.count)&rwsemLockMask != 0 }

// IsWriteLocked is rwsem_is_write_locked, as lockdep-less assertions use it.
func (l RWSem) IsWriteLocked(c *sim.CPU) bool { return c.Load(l.count)&rwsemWriterLocked != 0 }

// setOwner is rwsem_set_owner.
func (l RWSem) setOwner(c *sim.CPU) { c.Store(l.owner, uint64(l.k.sched.Current(c).A)) }

// setReaderOwned is __rwsem_set_reader_owned: the last reader in leaves its
// name, as a hint.
func (l RWSem) setReaderOwned(c *sim.CPU, task sim.Ptr) {
	kept := c.Load(l.owner) & rwsemNonspinnable
	c.Store(l.owner, uint64(task.A)|rwsemReaderOwned|kept)
}

// clearNonspinnable lets writers spin on readers again.
func (l RWSem) clearNonspinnable(c *sim.CPU) {
	if c.Load(l.owner)&rwsemNonspinnable != 0 {
		c.AtomicAnd(l.owner, ^uint64(rwsemNonspinnable))
	}
}

// neg is the addend that subtracts n.
func neg(n uint64) uint64 { return -n }
