// Package qspinlock is kernel/locking/qspinlock.c on simulated memory
// (locks-and-barriers.md section 5): a 4-byte word with a locked byte, a
// pending byte and the tail of an MCS queue whose nodes are per CPU. It stands
// apart from package locking because the scheduler's locks need it while the
// sleeping locks need the scheduler.
package qspinlock

import (
	"mmsim/kernel/preempt"
	"mmsim/sim"
)

// The lock word for fewer than 16K CPUs: bits 0..7 locked, 8..15 pending,
// 16..31 tail = (cpu+1)<<2 | nesting index.
const (
	locked            = 1
	lockedMask        = 0xff
	pending           = 1 << 8
	pendingMask       = 0xff00
	lockedPendingMask = lockedMask | pendingMask
	tailShift         = 16
	tailMask          = 0xffff << tailShift

	maxNesting = 4 // task, softirq, hardirq, NMI
)

// NodesLayout is the per-CPU array of MCS nodes: four nodes of 16 bytes, one
// per context that can nest (qnodes, without paravirtual spinlocks).
var NodesLayout = func() *sim.Layout {
	var fs []sim.Field
	for i, n := range []string{"[0].", "[1].", "[2].", "[3]."} {
		off := uint32(nodeBytes * i)
		fs = append(fs, sim.F(n+"next", off, 8), sim.F(n+"locked", off+8, 4), sim.F(n+"count", off+12, 4))
	}
	return sim.NewLayout("qnodes", nodeBytes*maxNesting, 64, fs...)
}()

const nodeBytes = 16

func nodeNext(n sim.Ptr) sim.Ref   { return n.Ref(0, 8) }
func nodeLocked(n sim.Ptr) sim.Ref { return n.Ref(8, 4) }
func nodeCount(n sim.Ptr) sim.Ref  { return n.Ref(12, 4) }

// Locks makes the spinlocks of one kernel: they share the per-CPU MCS nodes and
// the preemption counts.
type Locks struct {
	base    sim.Ptr
	stride  uint64
	preempt *preempt.Counts
}

// NewLocks returns the spinlocks whose MCS nodes for CPU n lie at
// base + n*stride, each area of NodesLayout.
func NewLocks(base sim.Ptr, stride uint64, counts *preempt.Counts) *Locks {
	return &Locks{base, stride, counts}
}

// Preempt are the preemption counts that holding a lock raises.
func (k *Locks) Preempt() *preempt.Counts { return k.preempt }

// At is the spinlock whose 4-byte word is at r. A zero word is unlocked.
func (k *Locks) At(r sim.Ref) SpinLock {
	if r.Size != 4 {
		panic("qspinlock: a lock word is 4 bytes")
	}
	return SpinLock{r, k}
}

// SpinLock is a spinlock_t. Whoever holds it has preemption disabled. It leaves
// interrupts alone: a lock that interrupt handlers take too is locked with
// LockIRQSave.
type SpinLock struct {
	word sim.Ref
	k    *Locks
}

func (l SpinLock) lockedByte() sim.Ref    { return sim.Ref{A: l.word.A, D: l.word.D, Size: 1} }
func (l SpinLock) pendingByte() sim.Ref   { return sim.Ref{A: l.word.A + 1, D: l.word.D, Size: 1} }
func (l SpinLock) lockedPending() sim.Ref { return sim.Ref{A: l.word.A, D: l.word.D, Size: 2} }
func (l SpinLock) tail() sim.Ref          { return sim.Ref{A: l.word.A + 2, D: l.word.D, Size: 2} }

// Lock is spin_lock.
func (l SpinLock) Lock(c *sim.CPU) {
	l.k.preempt.Disable(c)
	if v, ok := c.CmpXchg(l.word, 0, locked, c.OrderUnless(breakAcquire, sim.Acquire)); !ok {
		c.LockContended(l.word.A, sim.Exclusive)
		l.slow(c, v)
	}
	c.LockAcquired(l.word.A, sim.Exclusive)
}

// TryLock is spin_trylock: one load, and one atomic if the word was free.
func (l SpinLock) TryLock(c *sim.CPU) bool {
	l.k.preempt.Disable(c)
	if !l.tryLock(c) {
		l.k.preempt.Enable(c)
		return false
	}
	c.LockTried(l.word.A, sim.Exclusive)
	return true
}

// Unlock is spin_unlock.
func (l SpinLock) Unlock(c *sim.CPU) {
	c.LockReleased(l.word.A, sim.Exclusive)
	l.ArchUnlock(c)
	l.k.preempt.Enable(c)
}

// ArchLock is arch_spin_lock: the algorithm alone, for locks that are a part of
// another lock. They have no name in lock reports, and preemption is that
// lock's business.
func (l SpinLock) ArchLock(c *sim.CPU) {
	if v, ok := c.CmpXchg(l.word, 0, locked, c.OrderUnless(breakAcquire, sim.Acquire)); !ok {
		l.slow(c, v)
	}
}

// ArchUnlock is arch_spin_unlock: a release store of the locked byte.
func (l SpinLock) ArchUnlock(c *sim.CPU) { c.StoreReleaseUnless(breakRelease, l.lockedByte(), 0) }

// tryLock is queued_spin_trylock.
func (l SpinLock) tryLock(c *sim.CPU) bool {
	if c.Load(l.word) != 0 {
		return false
	}
	_, ok := c.CmpXchg(l.word, 0, locked, sim.Acquire)
	return ok
}

// IsLocked is spin_is_locked.
func (l SpinLock) IsLocked(c *sim.CPU) bool { return c.Load(l.word) != 0 }

// LockIRQSave is spin_lock_irqsave; the result goes to UnlockIRQRestore.
func (l SpinLock) LockIRQSave(c *sim.CPU) (irqOn bool) {
	irqOn = c.IRQSave()
	l.Lock(c)
	return irqOn
}

// UnlockIRQRestore is spin_unlock_irqrestore.
func (l SpinLock) UnlockIRQRestore(c *sim.CPU, irqOn bool) {
	c.LockReleased(l.word.A, sim.Exclusive)
	l.ArchUnlock(c)
	c.IRQRestore(irqOn)
	l.k.preempt.Enable(c)
}
