package locking

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

const (
	bravoSlots = 4096 // of the table of visible readers: 32 KiB
	// bravoInhibit is N: after a revocation readers take the semaphore for N
	// times as long as the revocation took.
	bravoInhibit = 9
	// bravoNest bounds the locks that one task reads without the semaphore.
	bravoNest = 8
)

// visibleReadersLayout is one line of the table of visible readers.
var visibleReadersLayout = sim.NewLayout("visible_readers", 64, 64, sim.Arr("slot", 0, 8, 8))

// bravoTaskLayout is what the proposal adds to task_struct: the slots that the
// task has its name in, so that up_read knows how the lock was taken.
var bravoTaskLayout = sim.NewLayout("task_bravo", 128, 128, sim.Arr("slot", 0, 8, bravoNest))

var bravoTaskSlot = bravoTaskLayout.Field("slot")

// BravoMembers declares what BRAVO adds to an rw_semaphore called name, at
// offset off of the embedding struct: name.rbias at 0 and name.inhibit_until
// at 8; 16 bytes.
func BravoMembers(name string, off uint32) []sim.Field {
	return []sim.Field{sim.F(name+".rbias", off, 4), sim.F(name+".inhibit_until", off+8, 8)}
}

// BravoRWSems makes the biased semaphores of one kernel: they share the table
// of visible readers.
type BravoRWSems struct {
	sems  *RWSems
	sched *sched.Scheduler
	table sim.Ptr
	tasks sim.Ptr // array of bravoTaskLayout, by task number
}

// NewBravoRWSems allocates the table.
func NewBravoRWSems(a *kmem.Arena, s *sched.Scheduler, sems *RWSems) *BravoRWSems {
	const page = 4096
	return &BravoRWSems{
		sems: sems, sched: s,
		table: a.Bytes(bravoSlots*8, page, visibleReadersLayout),
		tasks: a.Bytes(uint64(s.Tasks())*uint64(bravoTaskLayout.Bytes), uint64(bravoTaskLayout.Align), bravoTaskLayout),
	}
}

// At is the lock called name of the object at p with layout l, which has both
// RWSemMembers and BravoMembers of that name.
func (k *BravoRWSems) At(p sim.Ptr, l *sim.Layout, name string) BravoRWSem {
	return BravoRWSem{k: k, sem: k.sems.At(p, RWSemFieldsOf(l, name)),
		rbias: p.F(l.Field(name + ".rbias")), inhibitUntil: p.F(l.Field(name + ".inhibit_until"))}
}

// BravoRWSem is an rw_semaphore with BRAVO's reader bias (Dice and Kogan,
// ATC'19; locks-and-barriers.md section 18), which was proposed but never
// merged. While the bias is on, a reader writes its lock into a slot of a
// global table and leaves the semaphore alone; a writer takes the semaphore,
// ends the bias and waits until no slot names the lock.
//
// The task that took a read lock must release it.
type BravoRWSem struct {
	k            *BravoRWSems
	sem          RWSem
	rbias        sim.Ref
	inhibitUntil sim.Ref
}

// Init initialises the lock, with the bias off.
func (l BravoRWSem) Init(c *sim.CPU) {
	l.sem.Init(c)
	c.Store(l.rbias, 0)
	c.Store(l.inhibitUntil, 0)
}

// name is the lock as slots and lock reports know it.
func (l BravoRWSem) name() sim.Addr { return l.sem.addr() }

// DownRead is down_read.
func (l BravoRWSem) DownRead(c *sim.CPU) {
	if l.publish(c) {
		c.LockAcquired(l.name(), sim.Shared)
		return
	}
	l.sem.DownRead(c)
	l.bias(c)
}

// DownReadTrylock is down_read_trylock.
func (l BravoRWSem) DownReadTrylock(c *sim.CPU) bool {
	if l.publish(c) {
		c.LockTried(l.name(), sim.Shared)
		return true
	}
	if !l.sem.DownReadTrylock(c) {
		return false
	}
	l.bias(c)
	return true
}

// UpRead is up_read, by the task that took the lock.
func (l BravoRWSem) UpRead(c *sim.CPU) {
	slot := l.slot(c)
	if note, ok := l.note(c, uint64(slot.A)); ok {
		c.LockReleased(l.name(), sim.Shared)
		c.Store(note, 0)
		c.StoreRelease(slot, 0)
		return
	}
	l.sem.UpRead(c)
}

// DownWrite is down_write. For lock reports the writer waits until no reader is
// visible.
func (l BravoRWSem) DownWrite(c *sim.CPU) {
	l.k.sched.PreemptDisable(c)
	waits := !l.sem.tryWriteFast(c)
	if waits {
		l.sem.downWriteSlow(c, sched.Uninterruptible)
	}
	l.k.sched.PreemptEnable(c)
	if c.Load(l.rbias) != 0 {
		l.revoke(c, waits)
	}
	c.LockAcquired(l.name(), sim.Exclusive)
}

// DownWriteTrylock is down_write_trylock. With the bias on it looks whether a
// reader is visible; if so it puts the bias back and leaves.
func (l BravoRWSem) DownWriteTrylock(c *sim.CPU) bool {
	l.k.sched.PreemptDisable(c)
	ok := l.sem.tryWriteFast(c)
	if ok && c.Load(l.rbias) != 0 {
		c.StoreMB(l.rbias, 0)
		if ok = l.visible(c, 0) == bravoSlots; ok {
			c.Fence(sim.AcquireAfterCtrlDep)
		} else {
			c.StoreRelease(l.rbias, 1)
			l.sem.upWrite(c)
		}
	}
	if ok {
		c.LockTried(l.name(), sim.Exclusive)
	}
	l.k.sched.PreemptEnable(c)
	return ok
}

// UpWrite is up_write.
func (l BravoRWSem) UpWrite(c *sim.CPU) { l.sem.UpWrite(c) }

// DowngradeWrite is downgrade_write.
func (l BravoRWSem) DowngradeWrite(c *sim.CPU) { l.sem.DowngradeWrite(c) }
