package locking

import (
	"fmt"

	"mmsim/sim"
)

// Refcount is a refcount_t: a 4-byte reference count
// (locks-and-barriers.md section 10). Where the kernel warns and saturates
// (0 -> 1, underflow) this panics: the path under simulation has a
// use-after-free.
type Refcount sim.Ref

// refcountLimit is the first value that the kernel takes for an overflow.
const refcountLimit = 1 << 31

// Set is refcount_set.
func (r Refcount) Set(c *sim.CPU, n uint64) { c.Store(sim.Ref(r), n) }

// SetRelease is refcount_set_release: it publishes an initialised object.
func (r Refcount) SetRelease(c *sim.CPU, n uint64) { c.StoreRelease(sim.Ref(r), n) }

// Read is refcount_read.
func (r Refcount) Read(c *sim.CPU) uint64 { return c.Load(sim.Ref(r)) }

// Inc is refcount_inc: the caller owns a reference already.
func (r Refcount) Inc(c *sim.CPU) { r.check("inc", c.FetchAdd(sim.Ref(r), 1, sim.Relaxed)) }

// IncNotZero is refcount_inc_not_zero: relaxed, so fields read after it need
// another source of order.
func (r Refcount) IncNotZero(c *sim.CPU) bool {
	_, ok := r.incBelow(c, refcountLimit, sim.Relaxed)
	return ok
}

// IncNotZeroAcquire is refcount_inc_not_zero_acquire, which type-stable
// objects need (SLAB_TYPESAFE_BY_RCU).
func (r Refcount) IncNotZeroAcquire(c *sim.CPU) bool {
	_, ok := r.incBelow(c, refcountLimit, sim.Acquire)
	return ok
}

// IncNotZeroLimitedAcquire is __refcount_inc_not_zero_limited_acquire: it
// fails on zero and where the count would exceed limit, and returns the count
// it saw.
func (r Refcount) IncNotZeroLimitedAcquire(c *sim.CPU, limit uint64) (old uint64, ok bool) {
	return r.incBelow(c, limit, sim.Acquire)
}

func (r Refcount) incBelow(c *sim.CPU, limit uint64, o sim.Order) (uint64, bool) {
	old := c.Load(sim.Ref(r))
	for old != 0 && old < limit {
		prev, ok := c.CmpXchg(sim.Ref(r), old, old+1, o)
		if ok {
			return old, true
		}
		old = prev
	}
	return old, false
}

// DecAndTest is refcount_dec_and_test: release before, and acquire if this was
// the last reference, so the free cannot start before earlier uses end.
func (r Refcount) DecAndTest(c *sim.CPU) bool {
	old := c.FetchAdd(sim.Ref(r), ^uint64(0), sim.Release)
	r.check("dec", old)
	if old != 1 {
		return false
	}
	c.Fence(sim.AcquireAfterCtrlDep)
	return true
}

func (r Refcount) check(op string, old uint64) {
	if old == 0 || old >= refcountLimit {
		panic(fmt.Sprintf("locking: refcount_%s of the count %#x at %#x: use after free", op, old, uint64(r.A)))
	}
}
