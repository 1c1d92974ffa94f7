package kmem

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// CachedPages is pcp->count of a CPU.
func CachedPages(a *PageAllocator, m *sim.Memory, cpu int) int {
	return int(sim.NewDirect(m).Load(a.pcps.Of(cpu).F(pcpCount)))
}

// PartialSlabs is nr_partial of a cache, and how many slabs its partial list
// has. -1 stands for a list with a slab that has no free object, or is frozen.
func PartialSlabs(k *Cache, m *sim.Memory) (counted, listed int) {
	c := sim.NewDirect(m)
	for n := list.First(c, k.partial()); n.A != k.partial().A; n = list.Next(c, n) {
		if s := unpack(c.Load(slabWord(slabOf(n)))); s.free == 0 || s.frozen || listed > 10000 {
			return 0, -1
		}
		listed++
	}
	return int(c.Load(k.node.F(nodeNrPartial))), listed
}
