package bench

import (
	"mmsim/kernel/rcu"
	"mmsim/kernel/srcu"
	"mmsim/sim"
)

// srcuRefs: readers are in a section of a domain of their own, in which they
// could sleep; an old object is freed by call_srcu.
type srcuRefs struct {
	domain *srcu.Struct
	free   rcu.Callback
}

func newSRCURefs(r *Refs, f srcu.Flavor) srcuRefs {
	return srcuRefs{r.b.SRCU.Define("refs", f), r.registerFree()}
}

func (k srcuRefs) read(c *sim.CPU, r *Refs, i int, s *Section) {
	idx := k.domain.ReadLock(c)
	r.mustUse(c, c.LoadPtr(r.pointer(i)), s)
	k.domain.ReadUnlock(c, idx)
}

func (k srcuRefs) replace(c *sim.CPU, r *Refs, i int) {
	old := r.swap(c, i)
	k.domain.Call(c, r.headOf(old), k.free)
}

// waitingSRCURefs: the updater itself waits (synchronize_srcu) and frees.
type waitingSRCURefs struct{ srcuRefs }

func (k waitingSRCURefs) replace(c *sim.CPU, r *Refs, i int) {
	old := r.swap(c, i)
	k.domain.Synchronize(c)
	r.free(c, old)
}
