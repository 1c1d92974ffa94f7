package kmem_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel/kmem"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// headLayout is an object that kfree_rcu can free.
var headLayout = sim.NewLayout("headed", 1024, 8, sim.F("first", 0, 8), sim.F("rcu", 16, 8), sim.F("last", 1016, 8))

// distinct fails the test if an object is in two sheaves, or a sheaf is not as
// it must be.
func distinct(t *testing.T, w *world, k *kmem.Cache) (ready, rcu int) {
	t.Helper()
	a, b, ok := kmem.Sheaves(k, w.mem)
	if !ok {
		t.Error("a sheaf or the barn is inconsistent")
	}
	seen := map[sim.Addr]bool{}
	for _, o := range append(append([]sim.Addr{}, a...), b...) {
		if seen[o] {
			t.Errorf("object %#x is in two sheaves", uint64(o))
		}
		seen[o] = true
	}
	return len(a), len(b)
}

func TestSheavesNeverHandOutTwice(t *testing.T) {
	for _, typesafe := range []bool{false, true} {
		for _, tasks := range []int{1, 4} {
			for seed := range uint64(40) {
				w := newWorld(tasks, kmem.PageOptions{Pages: 400, Batch: 3, High: 12})
				o := kmem.CacheOptions{TypesafeByRCU: typesafe, MinPartial: 1, Sheaf: 1 + int(seed%4)}
				free := func(k *kmem.Cache) func(c *sim.CPU, p sim.Ptr) { return k.Free }
				if !typesafe && seed%2 == 0 {
					o.RCUHead = "rcu"
					free = func(k *kmem.Cache) func(c *sim.CPU, p sim.Ptr) { return k.FreeRCU }
				}
				k := w.NewCache(headLayout, o)
				stress(t, w, tasks, seed, allocator{k.Alloc, free(k), uint64(headLayout.Bytes)})
				checkPartial(t, w, k)
				distinct(t, w, k)
			}
		}
	}
}

// Objects that one CPU allocates and another frees go round through the barn:
// memory does not run out, and slabs are rarely needed.
func TestBarnFeedsOtherCPUs(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(2, kmem.PageOptions{Pages: 100, Batch: 3, High: 12})
		k := w.NewCache(objectLayout, kmem.CacheOptions{Sheaf: 8})
		box := w.Arena.Object(sim.NewLayout("box", 8, 8), "").Ref(0, 8)
		locks := map[string]int{}
		m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: func(o simtest.Op) {
			if o.Kind == "cmpxchg" && o.Order == sim.Acquire {
				locks[strings.Split(w.syms.Lookup(o.Ref.A).String(), "(")[0]]++
			}
		}})
		const rounds = 2000
		m.Go("maker", 0, func(c *sim.CPU) {
			for range rounds {
				c.SpinUntil(sim.Never, sim.Cond{Ref: box, Test: sim.Eq})
				c.StoreRelease(box, uint64(k.Alloc(c).A))
			}
		})
		m.Go("taker", 1, func(c *sim.CPU) {
			for range rounds {
				c.SpinUntil(sim.Never, sim.Cond{Ref: box, Test: sim.Ne})
				k.Free(c, c.LoadPtr(box))
				c.Store(box, 0)
			}
		})
		simtest.Run(t, m)
		distinct(t, w, k)
		if n := locks["node_barn"]; n < rounds/8 || n > rounds {
			t.Errorf("seed %d: the barn was locked %d times for %d objects in sheaves of 8", seed, n, rounds)
		}
		if n := locks["kmem_cache_node"]; n > 100 {
			t.Errorf("seed %d: the slabs' list_lock was taken %d times", seed, n)
		}
	}
}

// The fast paths: no atomic, no interrupts switched, nothing shared.
func TestSheafFastPath(t *testing.T) {
	w := newWorld(1, kmem.PageOptions{})
	k := w.NewCache(objectLayout, kmem.CacheOptions{Sheaf: 32})
	c := sim.NewDirect(w.mem)
	k.Free(c, k.Alloc(c))
	var ops []string
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		name := w.syms.Lookup(o.Ref.A)
		ops = append(ops, o.Kind+" "+strings.Split(name.Object, "(")[0]+"."+name.Field)
	}})
	m.Go("task", 0, func(c *sim.CPU) {
		w.Sched.PreemptDisable(c)
		w.Sched.PreemptEnable(c)
		ops = append(ops, "alloc")
		p := k.Alloc(c)
		ops = append(ops, "free")
		k.Free(c, p)
	})
	simtest.Run(t, m)
	text := strings.Join(ops, "; ")
	preempt, rest, _ := strings.Cut(text, "alloc; ")
	off, on, _ := strings.Cut(strings.TrimSuffix(preempt, "; "), "; ")
	lock := off + "; load slub_percpu_sheaves.lock.acquired; store slub_percpu_sheaves.lock.acquired; " +
		"load slub_percpu_sheaves.main; load slab_sheaf.size; "
	unlock := "; store slub_percpu_sheaves.lock.acquired; " + on
	want := lock + "load slab_sheaf.objects[31]; store slab_sheaf.size" + unlock + "; free; " +
		lock + "store slab_sheaf.objects[31]; store slab_sheaf.size" + unlock
	if rest != want {
		t.Errorf("operations\n%s, want\n%s", rest, want)
	}
}

// kfree_rcu: no object is handed out again while a reader that could see it is
// inside; after the grace period the full sheaf serves allocations as it is.
func TestFreeRCUWaits(t *testing.T) {
	for _, sheaf := range []int{0, 4} {
		for seed := range uint64(20) {
			w := newWorld(2, kmem.PageOptions{})
			k := w.NewCache(headLayout, kmem.CacheOptions{Sheaf: sheaf, RCUHead: "rcu"})
			done := w.Arena.Object(objectLayout, "").Ref(0, 8)
			again := [2]bool{} // handed out again before and after the reader left
			m := simtest.New(w.mem, simtest.Options{Seed: seed})
			m.Kernel(w.Hooks())
			m.Go("reader", 0, func(c *sim.CPU) {
				w.RCU.ReadLock(c)
				c.SpinUntil(sim.Never, sim.Cond{Ref: done, Test: sim.Ne})
				w.RCU.ReadUnlock(c)
				c.Think(40 * sim.Microsecond)
			})
			m.Go("freer", 1, func(c *sim.CPU) {
				old := map[sim.Addr]bool{}
				for range 2 * max(sheaf, 1) {
					p := k.Alloc(c)
					old[p.A] = true
					k.FreeRCU(c, p)
				}
				for phase := range again {
					for range 50 {
						again[phase] = again[phase] || old[k.Alloc(c).A]
					}
					if phase == 0 {
						c.Store(done, 1)
						c.Think(c.Now() + 15*sim.Microsecond)
					}
				}
			})
			simtest.Run(t, m)
			if again != [2]bool{false, true} {
				t.Fatalf("sheaf %d, seed %d: handed out again before and after the reader left: %v", sheaf, seed, again)
			}
		}
	}
}

// Frees beyond what the barn holds go back to the slabs, and their pages leave.
func TestBarnOverflows(t *testing.T) {
	w := newWorld(1, kmem.PageOptions{Pages: 2000})
	k := w.NewCache(bigLayout, kmem.CacheOptions{Sheaf: 8, MinPartial: 1})
	c := sim.NewDirect(w.mem)
	var live []sim.Ptr
	for range 400 {
		live = append(live, k.Alloc(c))
	}
	for _, p := range live {
		k.Free(c, p)
	}
	ready, _ := distinct(t, w, k)
	if ready < 8*10 || ready > 8*12 {
		t.Errorf("%d objects stay in sheaves of 8, of which the barn takes 10 and the CPU two", ready)
	}
	free := 0
	if e := panicOf(func() {
		for ; ; free++ {
			w.Pages.Alloc(c)
		}
	}); !strings.Contains(e, "out of simulated pages") || free < 1950 {
		t.Errorf("%d of 2000 pages are free again, then %q", free, e)
	}
	if e := panicOf(func() { k.Free(c, sim.At(live[0].A+8)) }); !strings.Contains(e, "not the start of a big") {
		t.Errorf("a wrong free ended with %q", e)
	}
}

func panicOf(f func()) (msg string) {
	defer func() { msg = fmt.Sprint(recover()) }()
	f()
	return
}
