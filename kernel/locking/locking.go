// Package locking holds the kernel's locks and reference counts as their real
// algorithms on simulated memory: the spinlocks (qspinlock.c, test-and-set,
// ticket, MCS), rwlock_t (qrwlock.c), mutex, rw_semaphore and percpu_rw_semaphore,
// sequence counters and seqlock_t, refcount_t, rcuref_t and file_ref_t, per-CPU
// counters, and BRAVO over the rw_semaphore. What contention costs comes out of
// their loads, stores and atomics.
package locking

import "mmsim/kernel/locking/qspinlock"

// SpinLock is a spinlock_t in a 4-byte word of simulated memory.
type SpinLock = qspinlock.SpinLock

// SpinLocks makes the spinlocks of one kernel; At(ref) is the lock at a word.
type SpinLocks = qspinlock.Locks
