package sim

// LockMode says how a lock is held.
type LockMode uint8

const (
	Exclusive LockMode = iota
	Shared
)

// String is the kernel's word for the side of a reader-writer lock.
func (m LockMode) String() string { return [...]string{"write", "read"}[m] }

// LockEvent is what a lock algorithm tells the executor: the hooks of
// include/linux/lockdep.h (lock_contended, lock_acquired, lock_release), which
// lockdep and lock_stat live on in the kernel as well. They are annotations, no
// operations of the machine: the lock itself is its words in simulated memory.
type LockEvent uint8

const (
	// LockContended: the caller did not get the lock at once and starts to wait.
	LockContended LockEvent = iota
	// LockAcquired: the caller holds the lock from here on.
	LockAcquired
	// LockTried: as LockAcquired, by a trylock, which cannot deadlock.
	LockTried
	// LockAbandoned: the caller waits no longer and does not hold the lock (a
	// fatal signal, a time-out).
	LockAbandoned
	// LockReleased: the lock is about to be given up.
	LockReleased
	// LockDowngraded: the caller's exclusive hold becomes a shared one.
	LockDowngraded
	// LockInit: the lock is new; what was known of one at this address belongs
	// to an object that is gone.
	LockInit
)

// LockContended is lock_contended, before the slow path waits. A lock is known
// by its address; its class, for order checks and reports, is the field that
// lies there.
func (c *CPU) LockContended(lock Addr, m LockMode) { c.ex.Lock(c, LockContended, lock, m) }

// LockAcquired is lock_acquired, after the acquiring operation.
func (c *CPU) LockAcquired(lock Addr, m LockMode) { c.ex.Lock(c, LockAcquired, lock, m) }

// LockTried is lock_acquired of a trylock.
func (c *CPU) LockTried(lock Addr, m LockMode) { c.ex.Lock(c, LockTried, lock, m) }

// LockAbandoned ends a wait without the lock.
func (c *CPU) LockAbandoned(lock Addr, m LockMode) { c.ex.Lock(c, LockAbandoned, lock, m) }

// LockReleased is lock_release, before the releasing operation. Another context
// than the one that acquired may release (a reader's up_read_non_owner).
func (c *CPU) LockReleased(lock Addr, m LockMode) { c.ex.Lock(c, LockReleased, lock, m) }

// LockDowngraded is lock_downgrade, before the downgrading operation.
func (c *CPU) LockDowngraded(lock Addr) { c.ex.Lock(c, LockDowngraded, lock, Shared) }

// LockInit is lockdep_init_map: code that initialises a lock at run time calls
// it, because memory is reused.
func (c *CPU) LockInit(lock Addr) { c.ex.Lock(c, LockInit, lock, Exclusive) }
