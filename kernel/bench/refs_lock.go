package bench

import (
	"mmsim/kernel/locking/kinds"
	"mmsim/kernel/srcu"
	"mmsim/sim"
)

// schemeKinds lists the ways to protect readers: those of RCU's kind, and every
// lock that readers can share.
func schemeKinds() []schemeKind {
	out := []schemeKind{
		{Variant{"rcu", "readers inside rcu_read_lock, the old object freed by call_rcu"}, newRCURefs},
		{Variant{"rcu-sync", "the same, but the updater waits: synchronize_rcu"}, newRCUSyncRefs},
		{Variant{"rcu-expedited", "the same, but the updater hurries: synchronize_rcu_expedited"}, newRCUExpeditedRefs},
		{Variant{"srcu", "readers inside srcu_read_lock (a full barrier on both sides), the old object freed by call_srcu"},
			func(r *Refs) (scheme, error) { return newSRCURefs(r, srcu.Normal), nil }},
		{Variant{"srcu-fast", "the same with SRCU-fast: readers without barriers, grace periods of SRCU take ones of RCU"},
			func(r *Refs) (scheme, error) { return newSRCURefs(r, srcu.Fast), nil }},
		{Variant{"srcu-sync", "as srcu, but the updater waits: synchronize_srcu"},
			func(r *Refs) (scheme, error) { return waitingSRCURefs{newSRCURefs(r, srcu.Normal)}, nil }},
		{Variant{"refcount", "readers take a reference to what they find under RCU (refcount_inc_not_zero)"}, newCountedRefs},
		{Variant{"hazard-pointer", "readers publish what they use; updaters wait until nobody names the old object"}, newHazardRefs},
	}
	for _, k := range kinds.Kinds() {
		v := Variant{k.Name, k.Doc}
		switch {
		case k.Optimistic:
			out = append(out, schemeKind{v, func(r *Refs) (scheme, error) { return newSeqRefs(r, k.Name) }})
		case k.Shared:
			out = append(out, schemeKind{v, func(r *Refs) (scheme, error) { return newLockedRefs(r, k.Name) }})
		}
	}
	return out
}

// lockedRefs: readers use the object while they hold a lock for reading; who
// has it for writing may replace the object and free the old one at once.
type lockedRefs struct{ locks []kinds.Lock } // by root

func newLockedRefs(r *Refs, kind string) (scheme, error) {
	locks, err := r.locksOf(kind)
	return lockedRefs{locks}, err
}

// locksOf makes a lock of a kind for each root.
func (r *Refs) locksOf(kind string) ([]kinds.Lock, error) {
	var out []kinds.Lock
	f := kinds.New(r.b, r.locks)
	for range r.roots {
		l, err := f.Make(kind, "")
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
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

// seqRefs: the object is changed in place, and readers read it again when it
// was. They could not follow a pointer to an object that is freed.
type seqRefs struct{ locks []kinds.Optimistic }

func newSeqRefs(r *Refs, kind string) (scheme, error) {
	locks, err := r.locksOf(kind)
	if err != nil {
		return nil, err
	}
	var k seqRefs
	for _, l := range locks {
		k.locks = append(k.locks, l.(kinds.Optimistic))
	}
	return k, nil
}

func (k seqRefs) read(c *sim.CPU, r *Refs, i int, s *Section) {
	for {
		seq := k.locks[i].ReadBegin(c)
		whole := r.use(c, c.LoadPtr(r.pointer(i)), s)
		if !k.locks[i].ReadRetry(c, seq) {
			if !whole {
				panic("bench: a seqlock's reader saw half of a change")
			}
			return
		}
		c.Step(stepAcquire)
	}
}

func (k seqRefs) replace(c *sim.CPU, r *Refs, i int) {
	k.locks[i].Lock(c, sim.Exclusive)
	r.fill(c, c.LoadPtr(r.pointer(i)))
	k.locks[i].Unlock(c, sim.Exclusive)
}
