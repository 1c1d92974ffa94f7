package locking

import "mmsim/sim"

// BustedLock is lock_busted of the kernel's locktorture: it excludes nobody. A
// checker that does not find that out is no good.
type BustedLock struct{ val sim.Ref }

// BustedLockAt is the lock at a word, which it never touches.
func BustedLockAt(val sim.Ref) BustedLock { return BustedLock{val} }

// Lock says that it took the lock.
func (l BustedLock) Lock(c *sim.CPU) { c.LockAcquired(l.val.A, sim.Exclusive) }

// Unlock says that it dropped the lock.
func (l BustedLock) Unlock(c *sim.CPU) { c.LockReleased(l.val.A, sim.Exclusive) }
