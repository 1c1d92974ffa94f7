package bench

import (
	"fmt"

	"mmsim/sim"
)

// schemeKinds lists the ways to protect readers: those of RCU's kind, and every
// lock that readers can share.
func schemeKinds() []schemeKind {
	kinds := []schemeKind{
		{Variant{"rcu", "readers inside rcu_read_lock, the old object freed by call_rcu"}, newRCURefs},
		{Variant{"refcount", "readers take a reference (found under RCU, refcount_inc_not_zero)"}, newCountedRefs},
		{Variant{"hazard-pointer", "readers publish what they use; updaters wait until nobody names the old object"}, newHazardRefs},
	}
	for _, name := range []string{"rwsem"} {
		kinds = append(kinds, schemeKind{Variant{name, "readers hold the lock for reading, updaters for writing: " + name},
			func(r *Refs) scheme { return newLockedRefs(r, name) }})
	}
	return kinds
}

// lockedRefs: readers use the object while they hold a lock for reading; who
// has it for writing may replace the object and free the old one at once.
type lockedRefs struct{ locks []lock } // by root

func newLockedRefs(r *Refs, kind string) scheme {
	var k lockedRefs
	for range r.roots {
		l, err := newLock(r.b, kind)
		if err != nil {
			panic(fmt.Sprintf("bench: %v", err))
		}
		k.locks = append(k.locks, l)
	}
	return k
}

func (k lockedRefs) read(c *sim.CPU, r *Refs, i int, s *Section) {
	k.locks[i].Lock(c, sim.Shared)
	r.mustUse(c, c.LoadPtr(r.pointer(i)), s)
	k.locks[i].Unlock(c, sim.Shared)
}

func (k lockedRefs) replace(c *sim.CPU, r *Refs, i int) {
	obj := r.alloc(c)
	k.locks[i].Lock(c, sim.Exclusive)
	old := r.publish(c, i, obj)
	k.locks[i].Unlock(c, sim.Exclusive)
	r.free(c, old)
}
