package kmem_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

var objectLayout = sim.NewLayout("object", 200, 8, sim.F("first", 0, 8), sim.F("last", 192, 8))

// bigLayout fits a page four times (three with a free pointer behind it and
// this size), so that slabs fill up and empty all the time.
var bigLayout = sim.NewLayout("big", 1024, 8, sim.F("first", 0, 8), sim.F("last", 1016, 8))

type world struct {
	*kernel.Base
	mem  *sim.Memory
	syms *sim.Symbols
}

func newWorld(tasks int, o kmem.PageOptions) *world {
	mem, syms := sim.NewMemory(), &sim.Symbols{}
	cpus := make([]int, tasks)
	for i := range cpus {
		cpus[i] = i
	}
	return &world{kernel.NewBase(mem, syms, kernel.Config{CPUs: tasks, TaskCPU: cpus,
		TickPeriod: 400 * sim.Nanosecond, Pages: o}), mem, syms}
}

func TestArena(t *testing.T) {
	syms := &sim.Symbols{}
	a := kmem.NewArena(sim.NewMemory(), syms)
	small := sim.NewLayout("small", 8, 8, sim.F("x", 0, 8))
	o, p := a.Object(small, "one"), a.Object(small, "two")
	if o.A/128 == p.A/128 {
		t.Error("two boot objects share a line")
	}
	q, r := a.Packed(small, "three"), a.Packed(small, "four")
	if r.A != q.A+8 {
		t.Errorf("packed objects lie at %#x and %#x", uint64(q.A), uint64(r.A))
	}
	if s := syms.Lookup(r.A).String(); s != "small(four).x" {
		t.Errorf("the second packed object is called %s", s)
	}
	wide := sim.NewLayout("wide", 256, 256)
	if w := a.Object(wide, ""); w.A%256 != 0 {
		t.Errorf("alignment of the layout ignored: %#x", uint64(w.A))
	}
	areas := a.PerCPU(small, 4)
	for cpu := range 4 {
		if cpu > 0 && areas.Of(cpu).A/128 == areas.Of(cpu-1).A/128 {
			t.Error("two per-CPU areas share a line")
		}
		if s := syms.Lookup(areas.Of(cpu).A).String(); s != fmt.Sprintf("small(cpu%d).x", cpu) {
			t.Errorf("area of CPU %d is called %s", cpu, s)
		}
	}
}

// allocator is what both allocators look like to the stress below.
type allocator struct {
	alloc func(c *sim.CPU) sim.Ptr
	free  func(c *sim.CPU, p sim.Ptr)
	bytes uint64
}

// stress allocates and frees from all tasks, also each other's objects and
// from interrupt handlers. A stamp at both ends of each object and ghost
// ownership show any memory that is handed out twice.
func stress(t *testing.T, w *world, tasks int, seed uint64, a allocator) {
	t.Helper()
	owned := map[sim.Addr]uint64{}
	var pool []sim.Ptr
	stamp := uint64(0)
	get := func(c *sim.CPU) {
		p := a.alloc(c)
		if owned[p.A] != 0 {
			t.Fatalf("seed %d: %#x handed out twice", seed, uint64(p.A))
		}
		stamp++
		s := stamp
		owned[p.A] = s
		c.Store(p.Ref(0, 8), s)
		c.Store(p.Ref(a.bytes-8, 8), s)
		pool = append(pool, p)
	}
	put := func(c *sim.CPU, k uint64) {
		if len(pool) == 0 {
			return
		}
		i := k % uint64(len(pool))
		p := pool[i]
		pool[i] = pool[len(pool)-1]
		pool = pool[:len(pool)-1]
		for _, off := range []uint64{0, a.bytes - 8} {
			if v := c.Load(p.Ref(off, 8)); v != owned[p.A] {
				t.Fatalf("seed %d: object %#x was written by somebody else", seed, uint64(p.A))
			}
		}
		delete(owned, p.A)
		a.free(c, p)
	}
	m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
			for k := range uint64(80) {
				r := sim.NewRand(seed, uint64(i), k)
				switch r.Below(8) {
				case 0:
					c.SendIPI(int(r.Below(uint64(tasks))), get)
				case 1:
					n := r.Below(1000)
					c.SendIPI(int(r.Below(uint64(tasks))), func(c *sim.CPU) { put(c, n) })
				case 2, 3, 4:
					get(c)
				default:
					if k/20%2 == 0 { // phases of growth and of decline
						get(c)
					} else {
						put(c, r.Below(1000))
					}
				}
			}
		})
	}
	simtest.Run(t, m)
	c := sim.NewDirect(w.mem)
	for len(pool) > 0 {
		put(c, 0)
	}
}

func TestPagesNeverHandedOutTwice(t *testing.T) {
	for _, tasks := range []int{1, 4} {
		for seed := range uint64(40) {
			w := newWorld(tasks, kmem.PageOptions{Pages: 400, Batch: 3, High: 12})
			pages := w.Pages
			stress(t, w, tasks, seed, allocator{pages.Alloc, pages.Free, kmem.PageBytes})
			drain(t, w, 400)
		}
	}
}

// drain allocates every page: each exactly once, none lost.
func drain(t *testing.T, w *world, n int) {
	t.Helper()
	c := sim.NewDirect(w.mem)
	seen := map[sim.Addr]bool{}
	defer func() {
		e := fmt.Sprint(recover())
		if !strings.Contains(e, "out of simulated pages") {
			t.Errorf("at the end of memory: %s", e)
		}
		// Pages on other CPUs' lists cannot be had from CPU 0.
		if onLists := cachedElsewhere(w); len(seen)+onLists != n {
			t.Errorf("%d pages to be had and %d on other CPUs' lists, want %d together", len(seen), onLists, n)
		}
	}()
	for {
		p := w.Pages.Alloc(c)
		if seen[p.A] {
			t.Fatalf("page %#x handed out twice", uint64(p.A))
		}
		seen[p.A] = true
	}
}

// cachedElsewhere sums pcp->count of the CPUs other than 0.
func cachedElsewhere(w *world) (n int) {
	for cpu := 1; cpu < w.Sched.CPUs(); cpu++ {
		n += kmem.CachedPages(w.Pages, w.mem, cpu)
	}
	return n
}

func TestSlabNeverHandsOutTwice(t *testing.T) {
	for _, typesafe := range []bool{false, true} {
		for _, tasks := range []int{1, 4} {
			for seed := range uint64(40) {
				w := newWorld(tasks, kmem.PageOptions{Pages: 400, Batch: 3, High: 12})
				k := w.NewCache(bigLayout, kmem.CacheOptions{TypesafeByRCU: typesafe, MinPartial: 1})
				stress(t, w, tasks, seed, allocator{k.Alloc, k.Free, uint64(bigLayout.Bytes)})
				checkPartial(t, w, k)
			}
		}
	}
}

// checkPartial: with no object in use, the slabs that are left are the
// CPUs' and those on the partial list, as many as it says.
func checkPartial(t *testing.T, w *world, k *kmem.Cache) {
	t.Helper()
	counted, listed := kmem.PartialSlabs(k, w.mem)
	if counted != listed || listed < 0 {
		t.Errorf("nr_partial is %d with %d slabs on the list", counted, listed)
	}
}

// The same allocations, run while the state is built and in a simulation, give
// the same memory.
func TestDirectAndSimulatedAgree(t *testing.T) {
	work := func(w *world, k *kmem.Cache, c *sim.CPU) (got []sim.Addr) {
		var live []sim.Ptr
		for i := range uint64(300) {
			r := sim.NewRand(1, 0, i)
			if len(live) > 0 && r.Below(3) == 0 {
				n := r.Below(uint64(len(live)))
				k.Free(c, live[n])
				live = append(live[:n], live[n+1:]...)
				continue
			}
			p := k.Zalloc(c)
			live = append(live, p)
			got = append(got, p.A)
		}
		return got
	}
	build := func() (*world, *kmem.Cache) {
		w := newWorld(1, kmem.PageOptions{})
		return w, w.NewCache(objectLayout, kmem.CacheOptions{})
	}
	w, k := build()
	direct := work(w, k, sim.NewDirect(w.mem))
	w2, k2 := build()
	var simulated []sim.Addr
	m := simtest.New(w2.mem, simtest.Options{})
	m.Go("task", 0, func(c *sim.CPU) { simulated = work(w2, k2, c) })
	simtest.Run(t, m)
	if fmt.Sprint(direct) != fmt.Sprint(simulated) {
		t.Error("the addresses differ")
	}
	if a, b := w.syms.Lookup(direct[5]).String(), w2.syms.Lookup(simulated[5]).String(); a != b || a != "object.first" {
		t.Errorf("the object is called %s and %s", a, b)
	}
}

// A type-stable object keeps its fields when it is freed, but for the one that it
// gives to the free pointer; in an ordinary cache that lies in the middle of the
// object.
func TestTypesafeKeepsFields(t *testing.T) {
	w := newWorld(1, kmem.PageOptions{})
	c := sim.NewDirect(w.mem)
	middle := uint64(objectLayout.Bytes) / 2 &^ 7
	const none = ^uint64(0)
	for _, o := range []struct {
		kmem.CacheOptions
		pointer uint64
	}{
		{kmem.CacheOptions{TypesafeByRCU: true}, none},
		{kmem.CacheOptions{TypesafeByRCU: true, FreePointer: objectLayout.Fields[0].Name}, uint64(objectLayout.Fields[0].Off)},
		{kmem.CacheOptions{}, middle},
	} {
		k := w.NewCache(objectLayout, o.CacheOptions)
		p, q := k.Alloc(c), k.Alloc(c)
		for off := uint64(0); off < uint64(objectLayout.Bytes); off += 8 {
			c.Store(p.Ref(off, 8), ^off)
		}
		k.Free(c, q)
		k.Free(c, p)
		changed := none
		for off := uint64(0); off < uint64(objectLayout.Bytes); off += 8 {
			if c.Load(p.Ref(off, 8)) != ^off {
				changed = off
			}
		}
		if changed != o.pointer {
			t.Errorf("%+v: freeing changed the word at %d, want %d", o.CacheOptions, int64(changed), int64(o.pointer))
		}
		if got := k.Alloc(c); got.A != p.A {
			t.Error("the object freed last is not allocated first")
		}
	}
}

// The page of a type-stable cache leaves it only after a grace period; a page
// that moves to another cache takes that one's names.
func TestTypesafePageWaitsForGracePeriod(t *testing.T) {
	for _, typesafe := range []bool{true, false} {
		w := newWorld(2, kmem.PageOptions{Pages: 100, Batch: 2, High: 4})
		k := w.NewCache(objectLayout, kmem.CacheOptions{TypesafeByRCU: typesafe, MinPartial: 1})
		done := w.Arena.Object(objectLayout, "").Ref(0, 8)
		var left []bool // has the page left, before and after the reader
		m := simtest.New(w.mem, simtest.Options{Seed: 2})
		m.Kernel(w.Hooks())
		m.Go("reader", 0, func(c *sim.CPU) {
			w.RCU.ReadLock(c)
			c.SpinUntil(sim.Never, sim.Cond{Ref: done, Test: sim.Ne})
			w.RCU.ReadUnlock(c)
			c.Think(40 * sim.Microsecond)
		})
		m.Go("freer", 1, func(c *sim.CPU) {
			var objs []sim.Ptr
			for range 200 {
				objs = append(objs, k.Alloc(c))
			}
			page := objs[0]
			for _, o := range objs {
				k.Free(c, o)
			}
			gone := func() bool { return w.syms.Lookup(page.A).Object != "object" }
			c.Think(c.Now() + 5*sim.Microsecond)
			left = append(left, gone())
			c.Store(done, 1)
			c.Think(c.Now() + 15*sim.Microsecond)
			left = append(left, gone())
		})
		simtest.Run(t, m)
		if fmt.Sprint(left) != fmt.Sprint([]bool{!typesafe, true}) {
			t.Errorf("typesafe %v: page has left before and after the reader: %v", typesafe, left)
		}
	}
}

// A page allocation takes zone->lock once a batch, and the batches double
// while nothing is freed.
func TestRefillBatchesDouble(t *testing.T) {
	w := newWorld(1, kmem.PageOptions{Pages: 2000, Batch: 4, High: 400})
	zoneLocks, perLock := 0, []int{}
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		if o.Kind == "cmpxchg" && w.syms.Lookup(o.Ref.A).String() == "zone(Normal).lock" {
			zoneLocks++
			perLock = append(perLock, 0)
		}
	}})
	m.Go("task", 0, func(c *sim.CPU) {
		for range 4 + 8 + 16 + 32 {
			w.Pages.Alloc(c)
			perLock[len(perLock)-1]++
		}
	})
	simtest.Run(t, m)
	if fmt.Sprint(perLock) != "[4 8 16 32]" {
		t.Errorf("pages per hold of zone->lock: %v", perLock)
	}
}

// Above pcp->high a batch of pages goes back to the zone at once.
func TestFreedPagesSpill(t *testing.T) {
	w := newWorld(1, kmem.PageOptions{Pages: 2000, Batch: 4, High: 12})
	c := sim.NewDirect(w.mem)
	var pages []sim.Ptr
	for range 100 {
		pages = append(pages, w.Pages.Alloc(c))
	}
	for _, p := range pages {
		w.Pages.Free(c, p)
		if n := kmem.CachedPages(w.Pages, w.mem, 0); n >= 12 {
			t.Fatalf("%d pages on the CPU's list, high is 12", n)
		}
	}
}

func TestPageReferences(t *testing.T) {
	w := newWorld(1, kmem.PageOptions{})
	c := sim.NewDirect(w.mem)
	p := w.Pages.Alloc(c)
	page := w.Pages.PageStruct(p.Add(100))
	if w.Pages.PageData(page).A != p.A {
		t.Error("page_address is not the inverse of virt_to_page")
	}
	c.FetchAdd(page.F(kmem.PageRefcount), 1, sim.Relaxed)
	w.Pages.Put(c, p)
	if q := w.Pages.Alloc(c); q.A == p.A {
		t.Error("a page with a reference was freed")
	}
	w.Pages.Put(c, p)
	if q := w.Pages.Alloc(c); q.A != p.A {
		t.Error("the page freed last is not allocated first")
	}
	for name, f := range map[string]func(){
		"double free":     func() { w.Pages.Free(c, p); w.Pages.Free(c, p) },
		"foreign address": func() { w.Pages.PageStruct(sim.At(sim.PageBytes)) },
	} {
		func() {
			defer func() {
				if e := fmt.Sprint(recover()); !strings.HasPrefix(e, "kmem: ") {
					t.Errorf("%s: %s", name, e)
				}
			}()
			f()
		}()
	}
}
