package kmem

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// counters is the word pair {freelist, counters} of a slab packed into 64 bits,
// so that one cmpxchg covers it as cmpxchg16b does in the kernel: the number
// of the first free object plus one (0: none), the objects in use, and whether
// the slab is frozen, that is, belongs to a CPU.
type counters struct {
	free, inuse uint64
	frozen      bool
}

func unpack(w uint64) counters {
	return counters{w & 0xffff, w >> 16 & 0xffff, w>>32&1 != 0}
}

func (s counters) pack() uint64 {
	w := s.free | s.inuse<<16
	if s.frozen {
		w |= 1 << 32
	}
	return w
}

// object is the address of object number i-1 of a slab; null for i = 0.
func (k *Cache) object(slab sim.Ptr, i uint64) sim.Ptr {
	if i == 0 {
		return sim.Ptr{}
	}
	return k.pages.PageData(slab).Add((i - 1) * k.stride)
}

// number is the inverse of object.
func (k *Cache) number(obj sim.Ptr) uint64 { return uint64(obj.A)%PageBytes/k.stride + 1 }

// allocSlow is ___slab_alloc: find a slab with free objects and make its free
// list this CPU's. Interrupts are off.
func (k *Cache) allocSlow(c *sim.CPU, cpu sim.Ptr) sim.Ptr {
	slab := c.LoadPtr(cpu.F(cpuSlab))
	first := sim.Ptr{}
	if !slab.IsNull() {
		first = k.takeFreelist(c, slab) // objects that other CPUs freed
	}
	if first.IsNull() {
		if slab, first = k.getPartial(c); first.IsNull() {
			slab = k.newSlab(c)
			first = k.takeFreelist(c, slab)
		}
		c.Store(cpu.F(cpuSlab), uint64(slab.A))
	}
	c.Store(cpu.F(cpuFreelist), c.Load(k.link(first)))
	return first
}

// takeFreelist takes all free objects of a slab for this CPU (get_freelist,
// acquire_slab). A slab without any is no longer this CPU's.
func (k *Cache) takeFreelist(c *sim.CPU, slab sim.Ptr) sim.Ptr {
	w := c.Load(slabWord(slab))
	for {
		old := unpack(w)
		taken := counters{inuse: k.perSlab, frozen: old.free != 0}
		prev, ok := c.CmpXchg(slabWord(slab), w, taken.pack(), sim.Full)
		if ok {
			return k.object(slab, old.free)
		}
		w = prev
	}
}

// getPartial is get_partial_node.
func (k *Cache) getPartial(c *sim.CPU) (slab, first sim.Ptr) {
	if c.Load(k.node.F(nodeNrPartial)) == 0 {
		return
	}
	lock := k.listLock()
	lock.Lock(c)
	if n := list.First(c, k.partial()); n.A != k.partial().A {
		slab = slabOf(n)
		k.removePartial(c, slab)
		first = k.takeFreelist(c, slab)
	}
	lock.Unlock(c)
	return slab, first
}

func (k *Cache) addPartial(c *sim.CPU, slab sim.Ptr) {
	list.AddTail(c, slabList(slab), k.partial())
	c.Store(k.node.F(nodeNrPartial), c.Load(k.node.F(nodeNrPartial))+1)
}

func (k *Cache) removePartial(c *sim.CPU, slab sim.Ptr) {
	list.Del(c, slabList(slab))
	c.Store(k.node.F(nodeNrPartial), c.Load(k.node.F(nodeNrPartial))-1)
}

// newSlab is allocate_slab: a page whose objects are chained in address order.
func (k *Cache) newSlab(c *sim.CPU) sim.Ptr {
	page := k.pages.Alloc(c)
	k.pages.Name(page, k.layout, k.stride)
	slab := k.pages.PageStruct(page)
	for i := uint64(1); i < k.perSlab; i++ {
		c.Store(k.link(k.object(slab, i)), uint64(k.object(slab, i+1).A))
	}
	c.Store(k.link(k.object(slab, k.perSlab)), 0)
	c.Store(slabWord(slab), counters{free: 1, frozen: true}.pack())
	return slab
}

// freeSlow is __slab_free: give the object back to its page. A page that was
// full goes to the partial list; one that is empty may leave the cache.
func (k *Cache) freeSlow(c *sim.CPU, slab, obj sim.Ptr) {
	lock, locked := k.listLock(), false
	w := c.Load(slabWord(slab))
	var old, now counters
	for {
		old = unpack(w)
		now = counters{k.number(obj), old.inuse - 1, old.frozen}
		if needs := !old.frozen && (now.inuse == 0 || old.free == 0); needs && !locked {
			lock.Lock(c)
			locked = true
		}
		c.Store(k.link(obj), uint64(k.object(slab, old.free).A))
		prev, ok := c.CmpXchg(slabWord(slab), w, now.pack(), sim.Full)
		if ok {
			break
		}
		w = prev
		if locked {
			lock.Unlock(c)
			locked = false
		}
	}
	if !locked {
		return
	}
	discard := now.inuse == 0 && c.Load(k.node.F(nodeNrPartial)) >= k.minPartial
	switch {
	case discard && old.free != 0:
		k.removePartial(c, slab)
	case !discard && old.free == 0:
		k.addPartial(c, slab)
	}
	lock.Unlock(c)
	if discard {
		k.discard(c, slab)
	}
}

// discard is free_slab: the page returns to the page allocator, after a grace
// period if readers may still look at its objects.
func (k *Cache) discard(c *sim.CPU, slab sim.Ptr) {
	if k.rcuFree != nil {
		k.rcuFree(c, slabList(slab)) // rcu_head lies over slab_list
		return
	}
	k.freeSlab(c, slab)
}

func (k *Cache) freeSlabRCU(c *sim.CPU, head sim.Ptr) { k.freeSlab(c, slabOf(head)) }

func (k *Cache) freeSlab(c *sim.CPU, slab sim.Ptr) {
	page := k.pages.PageData(slab)
	k.pages.Name(page, nil, 0)
	k.pages.Free(c, page)
}
