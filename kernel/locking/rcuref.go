package locking

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// refZones are the zones of a counter that is its number of references minus
// one (lib/rcuref.c; locks-and-barriers.md section 10). Non-negative values are
// live; above them lie the saturation zone, the dead zone, and the value that
// the last put leaves for a moment.
type refZones struct {
	max, saturated, released, dead, none uint64
}

var (
	rcurefZones = refZones{0x7fff_ffff, 0xa000_0000, 0xc000_0000, 0xe000_0000, 0xffff_ffff}
	filerefZone = refZones{0x7fff_ffff << 32, 0xa000_0000 << 32, 0xc000_0000 << 32, 0xe000_0000 << 32, ^uint64(0)}
)

// RCURef is an rcuref_t in a 4-byte word: one unconditional atomic for a get
// and for a put, whatever the contention. The object is freed by RCU, so that a
// get of a dead object is harmless.
type RCURef struct {
	ref sim.Ref
	s   *sched.Scheduler
}

// RCURefAt is the counter at a word.
func RCURefAt(ref sim.Ref, s *sched.Scheduler) RCURef { return RCURef{ref, s} }

// Init is rcuref_init with n references.
func (r RCURef) Init(c *sim.CPU, n uint64) { c.Store(r.ref, n-1) }

// Read is rcuref_read: the number of references, 0 if the object is dead.
func (r RCURef) Read(c *sim.CPU) uint64 {
	if v := c.Load(r.ref); v < rcurefZones.released {
		return v + 1
	}
	return 0
}

// Get is rcuref_get, in an RCU read section: false if the object is dead.
func (r RCURef) Get(c *sim.CPU) bool {
	if v := c.FetchAdd(r.ref, 1, sim.Relaxed) + 1; v&r.ref.Size.Mask() <= rcurefZones.max {
		return true
	}
	v := c.Load(r.ref)
	if v >= rcurefZones.released {
		c.Store(r.ref, rcurefZones.dead) // away from the edge of the zone
		return false
	}
	if v > rcurefZones.max {
		c.Store(r.ref, rcurefZones.saturated)
	}
	return true
}

// Put is rcuref_put: true if it was the last reference; then the caller frees
// the object after a grace period.
func (r RCURef) Put(c *sim.CPU) bool {
	r.s.PreemptDisable(c)
	last := putRef(c, r.ref, &rcurefZones, sim.Release)
	r.s.PreemptEnable(c)
	return last
}

// putRef is rcuref_put and file_ref_put. Whoever takes the counter from "none"
// to dead frees the object; a get in between keeps it alive.
func putRef(c *sim.CPU, ref sim.Ref, z *refZones, o sim.Order) (last bool) {
	v := (c.FetchAdd(ref, ^uint64(0), o) - 1) & ref.Size.Mask()
	switch {
	case v <= z.max:
	case v == z.none:
		if _, ok := c.CmpXchg(ref, z.none, z.dead, o); ok {
			c.Fence(sim.AcquireAfterCtrlDep)
			return true
		}
	case v >= z.released: // a put too many
		c.Store(ref, z.dead)
	default:
		c.Store(ref, z.saturated)
	}
	return false
}

// FileRef is a file_ref_t in an 8-byte word (include/linux/file_ref.h, 6.13):
// an rcuref for type-stable objects. A get of a dead object leaves the counter
// where it is, since it may belong to another file by now.
type FileRef struct {
	ref sim.Ref
	s   *sched.Scheduler
}

// FileRefAt is the counter at a word.
func FileRefAt(ref sim.Ref, s *sched.Scheduler) FileRef { return FileRef{ref, s} }

// Init is file_ref_init with n references.
func (r FileRef) Init(c *sim.CPU, n uint64) { c.Store(r.ref, n-1) }

// Read is file_ref_read.
func (r FileRef) Read(c *sim.CPU) uint64 {
	if v := c.Load(r.ref); v < filerefZone.released {
		return v + 1
	}
	return 0
}

// Get is file_ref_get: false if the object is dead.
func (r FileRef) Get(c *sim.CPU) bool {
	return c.FetchAdd(r.ref, 1, sim.Full)+1 <= filerefZone.max
}

// Put is file_ref_put: true if it was the last reference.
func (r FileRef) Put(c *sim.CPU) bool {
	r.s.PreemptDisable(c)
	o := sim.Full
	if c.Breaks(BreakFilePut) {
		o = sim.Release
	}
	last := putRef(c, r.ref, &filerefZone, o)
	r.s.PreemptEnable(c)
	return last
}

// PutClose is file_ref_put_close, where the reference is the last one more
// often than not: one cmpxchg then.
func (r FileRef) PutClose(c *sim.CPU) bool {
	if c.Load(r.ref) == 0 {
		if _, ok := c.CmpXchg(r.ref, 0, filerefZone.dead, sim.Full); ok {
			return true
		}
	}
	return r.Put(c)
}
