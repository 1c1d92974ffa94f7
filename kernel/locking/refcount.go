package locking

import (
	"math"

	"mmsim/sim"
)

// Refcount is a refcount_t: a 4-byte reference count
// (locks-and-barriers.md section 10). Like the kernel's it never wraps and
// never comes back from zero: where that would happen (0 -> 1, overflow,
// underflow) it is set to a value in the middle of the negative half, where it
// stays, and the object is never freed. The kernel also prints a warning.
type Refcount sim.Ref

const (
	// refcountSaturated is REFCOUNT_SATURATED, the value that sticks.
	refcountSaturated = 0xc000_0000
	// refcountNegative is the first value that is negative as a C int.
	refcountNegative = 1 << 31
)

// Set is refcount_set.
func (r Refcount) Set(c *sim.CPU, n uint64) { c.Store(sim.Ref(r), n) }

// SetRelease is refcount_set_release: it publishes an initialised object.
func (r Refcount) SetRelease(c *sim.CPU, n uint64) { c.StoreRelease(sim.Ref(r), n) }

// Read is refcount_read.
func (r Refcount) Read(c *sim.CPU) uint64 { return c.Load(sim.Ref(r)) }

// Saturated reports whether the count went wrong at some time: the references
// were not balanced, or too many.
func (r Refcount) Saturated(c *sim.CPU) bool { return r.Read(c) >= refcountNegative }

// Inc is refcount_inc: the caller owns a reference already.
func (r Refcount) Inc(c *sim.CPU) {
	if old := c.FetchAdd(sim.Ref(r), 1, sim.Relaxed); old == 0 || old+1 >= refcountNegative {
		r.saturate(c)
	}
}

// IncNotZero is refcount_inc_not_zero: relaxed, so fields read after it need
// another source of order.
func (r Refcount) IncNotZero(c *sim.CPU) bool { return r.incNotZero(c, sim.Relaxed) }

// IncNotZeroAcquire is refcount_inc_not_zero_acquire, which type-stable
// objects need (SLAB_TYPESAFE_BY_RCU).
func (r Refcount) IncNotZeroAcquire(c *sim.CPU) bool { return r.incNotZero(c, sim.Acquire) }

// IncNotZeroLimitedAcquire is __refcount_inc_not_zero_limited_acquire: it
// fails on zero and where the count would exceed limit, and returns the count
// it saw.
func (r Refcount) IncNotZeroLimitedAcquire(c *sim.CPU, limit uint64) (old uint64, ok bool) {
	if old, ok = r.incBelow(c, int64(limit), sim.Acquire); ok && old+1 >= refcountNegative {
		r.saturate(c)
	}
	return old, ok
}

func (r Refcount) incNotZero(c *sim.CPU, o sim.Order) bool {
	old, ok := r.incBelow(c, math.MaxInt64, o)
	if ok && old+1 >= refcountNegative {
		r.saturate(c)
	}
	return ok
}

// incBelow adds one unless the count, a C int, is zero or has reached limit.
func (r Refcount) incBelow(c *sim.CPU, limit int64, o sim.Order) (uint64, bool) {
	old := c.Load(sim.Ref(r))
	for old != 0 && int64(int32(old)) < limit {
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
	if old == 1 {
		c.Fence(sim.AcquireAfterCtrlDep)
		return true
	}
	if old == 0 || old >= refcountNegative {
		r.saturate(c)
	}
	return false
}

// Dec is refcount_dec: the caller knows that it is not the last reference.
func (r Refcount) Dec(c *sim.CPU) {
	if old := c.FetchAdd(sim.Ref(r), ^uint64(0), sim.Release); old <= 1 || old >= refcountNegative {
		r.saturate(c)
	}
}

// DecNotOne is refcount_dec_not_one: it drops a reference unless it is the
// last one, and reports whether it did. A saturated count loses nothing.
func (r Refcount) DecNotOne(c *sim.CPU) bool {
	old := c.Load(sim.Ref(r))
	for {
		switch old {
		case refcountSaturated:
			return true
		case 1:
			return false
		case 0: // underflow: the kernel warns and leaves the count alone
			return true
		}
		prev, ok := c.CmpXchg(sim.Ref(r), old, old-1, sim.Release)
		if ok {
			return true
		}
		old = prev
	}
}

// saturate is refcount_warn_saturate.
func (r Refcount) saturate(c *sim.CPU) { c.Store(sim.Ref(r), refcountSaturated) }
