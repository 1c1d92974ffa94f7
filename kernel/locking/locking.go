// Package locking holds the kernel's locks and reference counts as their real
// algorithms on simulated memory: spinlock (qspinlock.c), rw_semaphore
// (rwsem.c), sequence counters (seqlock.h) and refcount_t (refcount.h). What
// contention costs comes out of their loads, stores and atomics.
package locking

import "mmsim/kernel/locking/qspinlock"

// SpinLock is a spinlock_t in a 4-byte word of simulated memory.
type SpinLock = qspinlock.SpinLock

// SpinLocks makes the spinlocks of one kernel; At(ref) is the lock at a word.
type SpinLocks = qspinlock.Locks
