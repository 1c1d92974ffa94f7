package kmem

import (
	"fmt"

	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/sim"
)

// CacheOptions are the flags of kmem_cache_create that change what memory
// operations an allocation makes.
type CacheOptions struct {
	// TypesafeByRCU is SLAB_TYPESAFE_BY_RCU: an object may be reused at once,
	// its memory stays of this type until a grace period after its page is
	// given up. The free pointer then lies behind the object, so that stale
	// readers find its fields as the last owner left them. Needs Defer.
	TypesafeByRCU bool
	// FreePointer names the field over which the free pointer of a type-stable
	// object lies instead (freeptr_offset).
	FreePointer string
	// Defer returns a function that calls f on an rcu_head after a grace
	// period (rcu.RCU's Deferred). TypesafeByRCU, Sheaf and RCUHead use it.
	Defer func(name string, f func(c *sim.CPU, head sim.Ptr)) func(c *sim.CPU, head sim.Ptr)
	// MinPartial is how many partial slabs stay with the cache when they are
	// empty; 5 by default (MIN_PARTIAL).
	MinPartial int
	// Sheaf is the capacity of the cache's per-CPU sheaves (6.18, where the
	// first caches have 32); 0 means none: allocations and frees go to the
	// CPU's slab. Needs Preempt and Defer.
	Sheaf   int
	Preempt Preemption
	// RCUHead names the field that FreeRCU puts its rcu_head over.
	RCUHead string
}

// cpuLayout is kmem_cache_cpu; nodeLayout is kmem_cache_node.
var (
	cpuLayout = sim.NewLayout("kmem_cache_cpu", 64, 64,
		sim.F("freelist", 0, 8),
		sim.F("slab", 16, 8),
	)
	cpuFreelist = cpuLayout.Field("freelist")
	cpuSlab     = cpuLayout.Field("slab")

	nodeLayout = sim.NewLayout("kmem_cache_node", 64, 64,
		sim.F("list_lock", 0, 4),
		sim.F("nr_partial", 8, 8),
		list.Field("partial", 16),
	)
	nodeListLock  = nodeLayout.Field("list_lock")
	nodeNrPartial = nodeLayout.Field("nr_partial")
	nodePartial   = nodeLayout.Field("partial")
)

// struct slab in the words of struct page: slab_list (with rcu_head in the
// same place) and the freelist with its counters.
const (
	slabListOff     = 16
	slabFreelistOff = 32
)

// slabList is the list_head of a slab's struct page, and slabOf its inverse.
func slabList(slab sim.Ptr) sim.Ptr { return slab.Add(slabListOff) }

func slabOf(node sim.Ptr) sim.Ptr { return sim.Ptr{A: node.A - slabListOff, D: node.D} }

func slabWord(slab sim.Ptr) sim.Ref { return slab.Ref(slabFreelistOff, 8) }

// Cache is a kmem_cache as SLUB keeps it (mm/slub.c): a free list per CPU that
// only that CPU touches, taken as a whole from one slab page; objects freed
// elsewhere go back to their page with an atomic, and pages with room wait on
// a partial list under list_lock.
//
// Simplified: slabs are single pages, there are no per-CPU partial lists and
// one node. The per-CPU fast paths, one cmpxchg16b each in the kernel, are a
// this-CPU cmpxchg with interrupts off.
type Cache struct {
	name       string
	pages      *PageAllocator
	spin       *qspinlock.Locks
	cpus       PerCPU
	node       sim.Ptr
	layout     *sim.Layout
	stride     uint64
	freePtr    uint64 // offset of the free pointer in a free object
	perSlab    uint64
	minPartial uint64
	rcuFree    func(c *sim.CPU, head sim.Ptr)
	sheaves    *sheaves
	rcuHead    uint64 // offset
	kfreeRCU   func(c *sim.CPU, head sim.Ptr)
}

// NewCache creates a cache of objects of a layout. Objects are not cleared.
func NewCache(a *Arena, pages *PageAllocator, l *sim.Layout, o CacheOptions) *Cache {
	k := &Cache{
		name:       l.Name,
		pages:      pages,
		spin:       pages.spin,
		cpus:       a.PerCPU(cpuLayout, pages.pcps.CPUs()),
		node:       a.Object(nodeLayout, l.Name),
		layout:     l,
		minPartial: uint64(o.MinPartial),
	}
	if o.MinPartial == 0 {
		k.minPartial = 5
	}
	size := (uint64(l.Bytes) + 7) &^ 7
	k.freePtr = size / 2 &^ 7
	if o.TypesafeByRCU {
		if o.Defer == nil {
			panic("kmem: a type-stable cache needs a way to wait for a grace period: " + l.Name)
		}
		if o.FreePointer != "" {
			k.freePtr = uint64(l.Field(o.FreePointer).Off)
		} else {
			k.freePtr = size
			size += 8
		}
		k.rcuFree = o.Defer("rcu_free_slab", k.freeSlabRCU)
	}
	align := max(uint64(l.Align), 8)
	k.stride = (size + align - 1) &^ (align - 1)
	if k.perSlab = PageBytes / k.stride; k.perSlab == 0 {
		panic(fmt.Sprintf("kmem: %s of %d bytes does not fit a page", l.Name, l.Bytes))
	}
	list.Init(sim.NewDirect(a.Mem), k.partial())
	if o.RCUHead != "" {
		k.rcuHead = uint64(l.Field(o.RCUHead).Off)
		k.kfreeRCU = o.Defer("kfree_rcu", k.freeHead)
	}
	if o.Sheaf > 0 {
		k.sheaves = newSheaves(a, k, &o)
	}
	return k
}

func (k *Cache) partial() sim.Ptr { return k.node.Add(uint64(nodePartial.Off)) }

func (k *Cache) listLock() qspinlock.SpinLock { return k.spin.At(k.node.F(nodeListLock)) }

// link is the free pointer of a free object.
func (k *Cache) link(obj sim.Ptr) sim.Ref { return obj.Ref(k.freePtr, 8) }

// Layout is the layout of the objects.
func (k *Cache) Layout() *sim.Layout { return k.layout }

// Alloc is kmem_cache_alloc. The object holds what its last owner left, with
// the free pointer written over (unless the cache is type-stable).
func (k *Cache) Alloc(c *sim.CPU) sim.Ptr {
	if k.sheaves != nil {
		if obj := k.sheaves.alloc(c); !obj.IsNull() {
			return sim.At(obj.A)
		}
	}
	irq := c.IRQSave()
	obj := k.allocSlab(c)
	c.IRQRestore(irq)
	return sim.At(obj.A)
}

// allocSlab is slab_alloc_node, with interrupts off.
func (k *Cache) allocSlab(c *sim.CPU) sim.Ptr {
	cpu := k.cpus.This(c)
	obj := c.LoadPtr(cpu.F(cpuFreelist))
	if obj.IsNull() {
		return k.allocSlow(c, cpu)
	}
	c.CmpXchg(cpu.F(cpuFreelist), uint64(obj.A), c.Load(k.link(obj)), sim.ThisCPU)
	return obj
}

// Zalloc is kmem_cache_zalloc.
func (k *Cache) Zalloc(c *sim.CPU) sim.Ptr {
	obj := k.Alloc(c)
	c.Clear(obj, (uint64(k.layout.Bytes)+7)&^7)
	return obj
}

// Free is kmem_cache_free.
func (k *Cache) Free(c *sim.CPU, obj sim.Ptr) {
	k.check(obj)
	if k.sheaves != nil && k.sheaves.free(c, obj) {
		return
	}
	irq := c.IRQSave()
	k.freeSlabObject(c, obj)
	c.IRQRestore(irq)
}

func (k *Cache) check(obj sim.Ptr) {
	if uint64(obj.A)%PageBytes%k.stride != 0 {
		panic(fmt.Sprintf("kmem: free of %#x, which is not the start of a %s", uint64(obj.A), k.name))
	}
}

// freeSlabObject is do_slab_free, with interrupts off.
func (k *Cache) freeSlabObject(c *sim.CPU, obj sim.Ptr) {
	slab := k.pages.PageStruct(obj)
	cpu := k.cpus.This(c)
	if c.Load(cpu.F(cpuSlab)) != uint64(slab.A) {
		k.freeSlow(c, slab, obj)
		return
	}
	head := c.Load(cpu.F(cpuFreelist))
	c.Store(k.link(obj), head)
	c.CmpXchg(cpu.F(cpuFreelist), head, uint64(obj.A), sim.ThisCPU)
}

// FreeRCU is kfree_rcu: the object is freed after a grace period, together with
// others where the cache has sheaves.
func (k *Cache) FreeRCU(c *sim.CPU, obj sim.Ptr) {
	k.check(obj)
	if k.sheaves == nil || !k.sheaves.freeRCU(c, obj) {
		k.kfreeRCU(c, obj.Add(k.rcuHead))
	}
}

func (k *Cache) freeHead(c *sim.CPU, head sim.Ptr) {
	k.Free(c, sim.Ptr{A: head.A - sim.Addr(k.rcuHead), D: head.D})
}
