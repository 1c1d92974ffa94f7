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

// Sheaves lists the objects in all sheaves of a cache: those for allocation, and
// those that wait for a grace period. ok is false where a barn's counts or a
// sheaf's place do not fit.
func Sheaves(k *Cache, m *sim.Memory) (ready, rcu []sim.Addr, ok bool) {
	c, s := sim.NewDirect(m), k.sheaves
	ok = true
	add := func(to []sim.Addr, sheaf sim.Ptr, least, most uint64) []sim.Addr {
		if sheaf.IsNull() {
			return to
		}
		n := c.Load(sheafSize(sheaf))
		ok = ok && n >= least && n <= most
		for i := range n {
			to = append(to, c.LoadPtr(sheafObject(sheaf, i)).A)
		}
		return to
	}
	for cpu := range s.pcs.CPUs() {
		pcs := s.pcs.Of(cpu)
		ok = ok && c.Load(pcs.F(pcsAcquired)) == 0
		ready = add(ready, c.LoadPtr(pcs.F(pcsMain)), 0, s.capacity)
		ready = add(ready, c.LoadPtr(pcs.F(pcsSpare)), 0, s.capacity)
		rcu = add(rcu, c.LoadPtr(pcs.F(pcsRCUFree)), 0, s.capacity-1)
	}
	for _, of := range []struct {
		stock
		size uint64
	}{{fullStock, s.capacity}, {emptyStock, 0}} {
		n := uint64(0)
		for e := list.First(c, s.barn.head(of.stock)); e.A != s.barn.head(of.stock).A && n < 1000; e = list.Next(c, e) {
			ready = add(ready, e, of.size, of.size)
			n++
		}
		ok = ok && n == s.barn.count(c, of.stock) && n <= maxBarnSheaves+4
	}
	return ready, rcu, ok
}
