package workloads

import (
	"fmt"

	"mmsim/kernel/bench"
	"mmsim/kernel/locking/kinds"
	"mmsim/sim"
)

// lockSet is the locks of lock-bench.
type lockSet struct {
	*bench.Locks
	nest int // the most locks that a group takes at once
}

// windows is how many runs of nest neighbours there are: an operation takes
// such a run in ascending order.
func (s *lockSet) windows() int { return s.Len() - s.nest + 1 }

var (
	lockSets    = objects{designs: named(bench.LockKinds), setUp: newLockSet}
	counterSets = objects{designs: named(bench.CounterKinds), setUp: newCounterSet}
	refSets     = objects{designs: named(bench.RefKinds), setUp: newRefSet}
)

// named makes designs of variants.
func named(kinds func() []bench.Variant) func() []Design {
	return func() []Design {
		var out []Design
		for _, v := range kinds() {
			out = append(out, Design{v.Name, v.Doc})
		}
		return out
	}
}

// sizes are the most that any group needs.
func (k *setting) sizes() bench.Sizes {
	s := bench.Sizes{Objects: max(1, k.spec.Params.Objects), LineBytes: k.machine.Mem.LineBytes}
	for i := range k.spec.Groups {
		sec := &k.spec.Groups[i].Section
		s.OwnLines = max(s.OwnLines, sec.OwnLines)
		s.SharedLines = max(s.SharedLines, sec.SharedReads+sec.SharedWrites)
	}
	return s
}

func newLockSet(k *setting) (any, error) {
	set, sizes := &lockSet{nest: 1}, k.sizes()
	for i := range k.spec.Groups {
		set.nest = max(set.nest, k.spec.Groups[i].Nest.Locks)
	}
	if set.nest > sizes.Objects {
		return nil, fmt.Errorf("nest: %d of %d locks", set.nest, sizes.Objects)
	}
	var err error
	set.Locks, err = bench.NewLocks(k.base, k.design, k.lockOptions(), sizes)
	return set, err
}

func (k *setting) lockOptions() kinds.Options {
	return kinds.Options{Preemptible: k.spec.Params.PreemptibleSpin, Lines: k.spec.Params.RWSemLines}
}

func newCounterSet(k *setting) (any, error) { return bench.NewCounters(k.base, k.design, k.sizes()) }

func newRefSet(k *setting) (any, error) {
	return bench.NewRefs(k.base, k.design, k.lockOptions(), k.sizes())
}

// reads draws whether an operation only reads.
func (g *Group) reads(r *sim.Rand) bool { return r.Below(1000) < uint64(g.ReadPermille) }

// lockSection takes nest locks for writing, or for reading in a share of the
// operations, and does the section on what each protects.
func lockSection(s *lockSet, g *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, r *sim.Rand) {
		mode := sim.Exclusive
		if g.reads(r) {
			mode = sim.Shared
		}
		s.Do(c, target, g.Nest, mode, &g.Section)
	}
}

func countEvent(k *bench.Counters, g *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, r *sim.Rand) {
		if g.reads(r) {
			k.Read(c, target)
		} else {
			k.Add(c, target)
		}
	}
}

func useObject(refs *bench.Refs, g *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) { refs.Read(c, target, &g.Section) }
}

func replaceObject(refs *bench.Refs, _ *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) { refs.Replace(c, target) }
}
