package explore

import "mmsim/sim"

// The functions below are what exploration offers beyond the CPU contract.
// They work on handles of this package's executor only.

// Fail reports a broken invariant. The execution stops there: Fail does not
// return.
func Fail(c *sim.CPU, invariant string) { of(c).fail(c, invariant) }

// GhostAccess tells the search that the code about to run on this CPU reads or
// writes checker state that other CPUs' code also touches. Accesses to one key
// are explored in every order. It costs no simulated operation and orders no
// memory.
func GhostAccess(c *sim.CPU, key uint64) { of(c).ghost(c, key) }

// LastDep is the dependency carried by the value that the CPU's latest load or
// read-modify-write returned. Dependencies are merged with |.
func LastDep(c *sim.CPU) sim.Dep { return of(c).lastDep(c) }

// StoreDeps announces the dependencies of the CPU's next store or
// read-modify-write: of its data, and of the branches taken before it.
func StoreDeps(c *sim.CPU, data, ctrl sim.Dep) { of(c).storeDeps(c, data, ctrl) }

// ReadLock is rcu_read_lock as the models define it; domain 0 is RCU, any other
// number an SRCU structure.
func ReadLock(c *sim.CPU, domain uint64) { of(c).readLock(c, domain) }

// ReadUnlock is rcu_read_unlock.
func ReadUnlock(c *sim.CPU, domain uint64) { of(c).readUnlock(c, domain) }

// Synchronize is synchronize_rcu as the models define it.
func Synchronize(c *sim.CPU, domain uint64) { of(c).synchronize(c, domain) }

// SpinLock is spin_lock as the models define it, on a word that is 0 when free.
func SpinLock(c *sim.CPU, lock sim.Ref) { of(c).spinLock(c, lock, true) }

// SpinTrylock is spin_trylock.
func SpinTrylock(c *sim.CPU, lock sim.Ref) bool { return of(c).spinLock(c, lock, false) }

// SpinUnlock is spin_unlock.
func SpinUnlock(c *sim.CPU, lock sim.Ref) { of(c).spinUnlock(c, lock) }

// AfterUnlockLock is smp_mb__after_unlock_lock.
func AfterUnlockLock(c *sim.CPU) { of(c).afterUnlockLock(c) }
