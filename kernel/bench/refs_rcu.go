package bench

import (
	"mmsim/kernel/locking"
	"mmsim/kernel/rcu"
	"mmsim/sim"
)

// rcuRefs: readers are inside rcu_read_lock; an old object is freed by call_rcu.
type rcuRefs struct{ free rcu.Callback }

func newRCURefs(r *Refs) (scheme, error) { return rcuRefs{r.registerFree()}, nil }

// registerFree makes the RCU callback that frees an object.
func (r *Refs) registerFree() rcu.Callback {
	return r.b.RCU.Register("ref_object_free_rcu", func(c *sim.CPU, head sim.Ptr) {
		r.free(c, sim.Ptr{A: head.A - sim.Addr(r.object.head.Off), D: head.D})
	})
}

func (r *Refs) headOf(obj sim.Ptr) sim.Ptr { return obj.Add(uint64(r.object.head.Off)) }

func (k rcuRefs) read(c *sim.CPU, r *Refs, i int, s *Section) {
	r.b.RCU.ReadLock(c)
	r.mustUse(c, c.LoadPtr(r.pointer(i)), s)
	r.b.RCU.ReadUnlock(c)
}

func (k rcuRefs) replace(c *sim.CPU, r *Refs, i int) {
	old := r.swap(c, i)
	r.b.RCU.CallRCU(c, r.headOf(old), k.free)
}

// waitingRefs: the updater itself waits for a grace period and frees.
type waitingRefs struct {
	rcuRefs
	wait func(c *sim.CPU)
}

func newRCUSyncRefs(r *Refs) (scheme, error) { return waitingRefs{wait: r.b.RCU.Synchronize}, nil }

func newRCUExpeditedRefs(r *Refs) (scheme, error) {
	return waitingRefs{wait: r.b.RCU.SynchronizeExpedited}, nil
}

func (k waitingRefs) replace(c *sim.CPU, r *Refs, i int) {
	old := r.swap(c, i)
	k.wait(c)
	r.free(c, old)
}

// countedRefs: a reader looks the object up under RCU, takes a reference unless
// the last one is gone, and uses it outside. Who drops the last reference has
// the object freed after a grace period, for those that just found it.
type countedRefs struct{ free rcu.Callback }

func newCountedRefs(r *Refs) (scheme, error) { return countedRefs{r.registerFree()}, nil }

func (k countedRefs) read(c *sim.CPU, r *Refs, i int, s *Section) {
	obj := k.get(c, r, i)
	r.mustUse(c, obj, s)
	k.put(c, r, obj)
}

func (k countedRefs) get(c *sim.CPU, r *Refs, i int) sim.Ptr {
	for {
		r.b.RCU.ReadLock(c)
		obj := c.LoadPtr(r.pointer(i))
		ok := k.count(r, obj).IncNotZero(c)
		r.b.RCU.ReadUnlock(c)
		if ok {
			return obj
		}
	}
}

func (k countedRefs) put(c *sim.CPU, r *Refs, obj sim.Ptr) {
	if k.count(r, obj).DecAndTest(c) {
		r.b.RCU.CallRCU(c, r.headOf(obj), k.free)
	}
}

func (k countedRefs) count(r *Refs, obj sim.Ptr) locking.Refcount {
	return locking.Refcount(obj.F(r.object.refs))
}

func (k countedRefs) replace(c *sim.CPU, r *Refs, i int) { k.put(c, r, r.swap(c, i)) }
