package kmem

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/sim"
)

// Per-CPU sheaves are what caches allocate through since 6.18 (mm/slub.c;
// vm_area_struct and maple_node first): arrays of objects instead of a chain
// through the objects' own lines, used with preemption off and nothing more. No
// interrupts are switched, no atomic is done; an interrupt that finds its CPU's
// sheaves in use goes to the slabs directly. Full and empty sheaves are
// exchanged with a barn that all CPUs of a memory node share.
//
// Simplified: there is one memory node; a flushed sheaf gives its objects back
// one by one (the kernel collects those of one slab); an empty sheaf can always
// be allocated; no sheaf is prefilled on request.

// Preemption switches the preemption of the task on this CPU (sched.Scheduler).
type Preemption interface {
	PreemptDisable(c *sim.CPU)
	PreemptEnable(c *sim.CPU)
}

// maxBarnSheaves is MAX_FULL_SHEAVES and MAX_EMPTY_SHEAVES.
const maxBarnSheaves = 10

var (
	pcsLayout = sim.NewLayout("slub_percpu_sheaves", 32, 64,
		sim.F("lock.acquired", 0, 1),
		sim.F("main", 8, 8),
		sim.F("spare", 16, 8),
		sim.F("rcu_free", 24, 8),
	)
	pcsAcquired = pcsLayout.Field("lock.acquired")
	pcsMain     = pcsLayout.Field("main")
	pcsSpare    = pcsLayout.Field("spare")
	pcsRCUFree  = pcsLayout.Field("rcu_free")

	barnLayout = sim.NewLayout("node_barn", 48, 64,
		sim.F("lock", 0, 4),
		list.Field("sheaves_full", 8),
		list.Field("sheaves_empty", 24),
		sim.F("nr_full", 40, 4),
		sim.F("nr_empty", 44, 4),
	)
	barnLock = barnLayout.Field("lock")
)

// A sheaf: barn_list or rcu_head, the cache, its size and node, the objects.
const (
	sheafHeader  = 32
	sheafSizeOff = 24
)

// sheafLayout is struct slab_sheaf with room for n objects, in the size of the
// kmalloc cache that it comes from.
func sheafLayout(n int) *sim.Layout {
	bytes := uint32(sheafHeader + 8*n)
	size := uint32(64)
	for size < bytes {
		size *= 2
	}
	return sim.NewLayout("slab_sheaf", size, 64,
		list.Field("barn_list", 0),
		sim.F("cache", 16, 8),
		sim.F("size", sheafSizeOff, 4),
		sim.F("node", 28, 4),
		sim.Arr("objects", sheafHeader, 8, uint16(n)),
	)
}

func sheafSize(sheaf sim.Ptr) sim.Ref             { return sheaf.Ref(sheafSizeOff, 4) }
func sheafObject(sheaf sim.Ptr, i uint64) sim.Ref { return sheaf.Ref(sheafHeader+8*i, 8) }
func push(c *sim.CPU, sheaf sim.Ptr, n, v uint64) {
	c.Store(sheafObject(sheaf, n), v)
	c.Store(sheafSize(sheaf), n+1)
}

// sheaves are the per-CPU sheaves of one cache, and its barn.
type sheaves struct {
	slabs    *Cache // where objects come from and go to in the end
	from     *Cache // of the sheaves themselves
	pcs      PerCPU
	barn     barn
	capacity uint64
	preempt  Preemption
	callRCU  func(c *sim.CPU, head sim.Ptr)
}

func newSheaves(a *Arena, k *Cache, o *CacheOptions) *sheaves {
	if o.Preempt == nil || o.Defer == nil {
		panic("kmem: a cache with sheaves needs a scheduler and a way to wait for a grace period: " + k.name)
	}
	s := &sheaves{
		slabs:    k,
		from:     NewCache(a, k.pages, sheafLayout(o.Sheaf), CacheOptions{}),
		pcs:      a.PerCPU(pcsLayout, k.cpus.CPUs()),
		barn:     newBarn(a, k),
		capacity: uint64(o.Sheaf),
		preempt:  o.Preempt,
	}
	s.callRCU = o.Defer("rcu_free_sheaf", s.freeRCUSheaf)
	c := sim.NewDirect(a.Mem)
	for cpu := range s.pcs.CPUs() {
		c.Store(s.pcs.Of(cpu).F(pcsMain), uint64(s.allocEmpty(c).A))
	}
	return s
}

// allocEmpty is alloc_empty_sheaf.
func (s *sheaves) allocEmpty(c *sim.CPU) sim.Ptr {
	sheaf := s.from.Alloc(c)
	c.Clear(sheaf, sheafHeader)
	return sheaf
}

// tryLock is local_trylock: it fails in an interrupt over the holder.
func (s *sheaves) tryLock(c *sim.CPU) (pcs sim.Ptr, ok bool) {
	s.preempt.PreemptDisable(c)
	pcs = s.pcs.This(c)
	if c.Load(pcs.F(pcsAcquired)) != 0 {
		s.preempt.PreemptEnable(c)
		return pcs, false
	}
	c.Store(pcs.F(pcsAcquired), 1)
	return pcs, true
}

// unlock is local_unlock.
func (s *sheaves) unlock(c *sim.CPU, pcs sim.Ptr) {
	c.Store(pcs.F(pcsAcquired), 0)
	s.preempt.PreemptEnable(c)
}

// alloc is alloc_from_pcs: null if there is nothing to be had this way.
func (s *sheaves) alloc(c *sim.CPU) sim.Ptr {
	pcs, ok := s.tryLock(c)
	if !ok {
		return sim.Ptr{}
	}
	main := c.LoadPtr(pcs.F(pcsMain))
	n := c.Load(sheafSize(main))
	if n == 0 {
		if pcs = s.replaceEmptyMain(c, pcs, main); pcs.IsNull() {
			return sim.Ptr{}
		}
		main = c.LoadPtr(pcs.F(pcsMain))
		n = c.Load(sheafSize(main))
	}
	obj := c.LoadPtr(sheafObject(main, n-1))
	c.Store(sheafSize(main), n-1)
	s.unlock(c, pcs)
	return obj
}

// free is free_to_pcs: false if the object must go back to its slab.
func (s *sheaves) free(c *sim.CPU, obj sim.Ptr) bool {
	pcs, ok := s.tryLock(c)
	if !ok {
		return false
	}
	main := c.LoadPtr(pcs.F(pcsMain))
	n := c.Load(sheafSize(main))
	if n == s.capacity {
		if pcs = s.replaceFullMain(c, pcs, main); pcs.IsNull() {
			return false
		}
		main = c.LoadPtr(pcs.F(pcsMain))
		n = c.Load(sheafSize(main))
	}
	push(c, main, n, uint64(obj.A))
	s.unlock(c, pcs)
	return true
}

// barn is struct node_barn: full and empty sheaves that no CPU uses.
type barn struct {
	at   sim.Ptr
	spin *qspinlock.Locks
}

// stock is one of the two lists of a barn.
type stock struct{ list, nr sim.Field }

var (
	fullStock  = stock{barnLayout.Field("sheaves_full"), barnLayout.Field("nr_full")}
	emptyStock = stock{barnLayout.Field("sheaves_empty"), barnLayout.Field("nr_empty")}
)

func newBarn(a *Arena, k *Cache) barn {
	b := barn{at: a.Object(barnLayout, k.name), spin: k.spin}
	c := sim.NewDirect(a.Mem)
	list.Init(c, b.head(fullStock))
	list.Init(c, b.head(emptyStock))
	return b
}

func (b barn) head(s stock) sim.Ptr { return b.at.Add(uint64(s.list.Off)) }

func (b barn) lock() qspinlock.SpinLock { return b.spin.At(b.at.F(barnLock)) }

// count looks at nr_full or nr_empty without the lock (data_race).
func (b barn) count(c *sim.CPU, s stock) uint64 { return c.Load(b.at.F(s.nr)) }

// add puts a sheaf on a list, with the lock held.
func (b barn) add(c *sim.CPU, s stock, sheaf sim.Ptr) {
	list.Add(c, sheaf, b.head(s))
	c.Store(b.at.F(s.nr), c.Load(b.at.F(s.nr))+1)
}

// take takes a sheaf from a list that is not empty, with the lock held.
func (b barn) take(c *sim.CPU, s stock) sim.Ptr {
	sheaf := list.First(c, b.head(s))
	list.Del(c, sheaf)
	c.Store(b.at.F(s.nr), c.Load(b.at.F(s.nr))-1)
	return sheaf
}

// put is barn_put_full_sheaf and barn_put_empty_sheaf.
func (b barn) put(c *sim.CPU, s stock, sheaf sim.Ptr) {
	irq := b.lock().LockIRQSave(c)
	b.add(c, s, sheaf)
	b.lock().UnlockIRQRestore(c, irq)
}

// getEmpty is barn_get_empty_sheaf; null if there is none.
func (b barn) getEmpty(c *sim.CPU) (sheaf sim.Ptr) {
	if b.count(c, emptyStock) == 0 {
		return
	}
	irq := b.lock().LockIRQSave(c)
	if b.count(c, emptyStock) != 0 {
		sheaf = b.take(c, emptyStock)
	}
	b.lock().UnlockIRQRestore(c, irq)
	return sheaf
}

// exchange is barn_replace_empty_sheaf and barn_replace_full_sheaf: mine goes to
// its list for one from the other list; null if there is none there.
func (b barn) exchange(c *sim.CPU, mine sim.Ptr, from, to stock) (got sim.Ptr) {
	if b.count(c, from) == 0 {
		return
	}
	irq := b.lock().LockIRQSave(c)
	if b.count(c, from) != 0 {
		got = b.take(c, from)
		b.add(c, to, mine)
	}
	b.lock().UnlockIRQRestore(c, irq)
	return got
}
