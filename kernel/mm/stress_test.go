package mm

import (
	"fmt"
	"testing"

	"mmsim/kernel/mm/maple"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// ghost is what a tree should hold, index by index, with the values that were
// right since a reader began.
type ghost struct {
	states  [][]sim.Addr // one slice of entries per version
	settled int
}

func (g *ghost) change(first, last uint64, e sim.Addr, f func()) {
	next := append([]sim.Addr(nil), g.states[len(g.states)-1]...)
	for i := first; i <= last; i++ {
		next[i] = e
	}
	g.states = append(g.states, next)
	f()
	g.settled = len(g.states) - 1
}

func (g *ghost) ok(since int, index uint64, e sim.Addr) bool {
	for _, s := range g.states[since:] {
		if s[index] == e {
			return true
		}
	}
	return false
}

// TestMapleUnderRCU has readers walk a tree while a writer stores and erases
// ranges; nodes are poisoned when their grace period ends and reused at once.
// Every walk must come to an entry that was there at some instant of it.
func TestMapleUnderRCU(t *testing.T) {
	const span = 160
	for seed := range uint64(12) {
		w := newWorld(t, VMARWSem, "mm-6.5", 3, true)
		tree := w.mm.tree
		g := &ghost{states: [][]sim.Addr{make([]sim.Addr, span)}}
		freed := int64(0)
		m := simtest.New(w.mem, simtest.Options{Syms: w.syms, Seed: seed})
		m.Kernel(w.base.Hooks())
		for cpu := range 2 {
			m.Go("reader", cpu, func(c *sim.CPU) {
				r := sim.NewRand(seed, uint64(cpu), 0)
				for range 250 {
					i := r.Below(span)
					w.base.RCU.ReadLock(c)
					since := g.settled
					got := tree.Walk(c, i)
					if !g.ok(since, i, got.Entry.A) {
						t.Errorf("seed %d: walk(%d) = %#x", seed, i, uint64(got.Entry.A))
					}
					w.base.RCU.ReadUnlock(c)
				}
			})
		}
		m.Go("writer", 2, func(c *sim.CPU) {
			r := sim.NewRand(seed, 2, 0)
			for op := range 150 {
				first := r.Below(span)
				last := min(first+r.Below([]uint64{2, 5, 60}[r.Below(3)]), span-1)
				e := sim.Addr(0)
				if r.Below(3) > 0 {
					e = sim.Addr(16 * (op + 1))
				}
				g.change(first, last, e, func() { tree.Store(c, first, last, sim.At(e)) })
			}
		})
		simtest.Run(t, m)
		freed += m.Counts[sim.NewCounter("rcu_callbacks")]
		if freed == 0 {
			t.Errorf("seed %d: no node was freed while readers ran", seed)
		}
	}
}

// books is what an address space keeps count of.
func (w *world) books() string {
	f, at := &w.sys.mf, w.mm.at
	return fmt.Sprintf("map_count %d, total_vm %d, data_vm %d, pgtables %d, rss %d, pending flushes %d",
		w.c.Load(at.F(f.mapCount)), w.c.Load(at.F(f.totalVM)), w.c.Load(at.F(f.dataVM)),
		w.c.Load(at.F(f.pgtablesBytes)), w.mm.anonRSS.Sum(w.c), w.c.Load(at.F(f.flushPending)))
}

// TestWritersRace has threads map, touch and unmap memory side by side. The
// books must balance afterwards, and every TLB be up to date.
func TestWritersRace(t *testing.T) {
	eachDesign(t, func(t *testing.T, d Design) {
		for seed := range uint64(6) {
			const tasks, rounds = 3, 6
			cfg := Config{Design: d, Poison: true}
			if seed%2 == 1 {
				cfg = Config{Design: d, Sheaf: 4}
			}
			w := newWorldWith(t, "mm-6.5", tasks, cfg)
			keep, err := w.mm.AtBoot().Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon, Populate: sim.PageBytes})
			if err != nil {
				t.Fatal(err)
			}
			f := &w.sys.mf
			before, used := w.books(), w.usedPages()
			m := simtest.New(w.mem, simtest.Options{Syms: w.syms, Seed: seed})
			m.Kernel(w.base.Hooks())
			for cpu := range tasks {
				m.Go("writer", cpu, func(c *sim.CPU) {
					for i := range rounds {
						hint := []uint64{0, 0x10000000 + uint64(cpu)<<30, keep - 4*sim.PageBytes}[i%3]
						if err := w.mm.MmapMunmap(c, hint, 1+i%2, 1+i%2); err != nil {
							t.Error(err)
						}
					}
				})
			}
			simtest.Run(t, m)
			if after := w.books(); after != before {
				t.Errorf("seed %d: before: %s; after: %s", seed, before, after)
			}
			// What is left are slabs of RCU-delayed objects and of their caches.
			if grown := w.usedPages() - used; grown > 20 {
				t.Errorf("seed %d: %d pages more in use than before", seed, grown)
			}
			gen := w.c.Load(w.mm.at.F(f.tlbGen))
			if gen != 1+tasks*rounds {
				t.Errorf("seed %d: tlb_gen is %d after %d flushes", seed, gen, tasks*rounds)
			}
			for cpu := range tasks {
				if local := w.c.Load(w.sys.tlb.state.Of(cpu).F(stateGen)); local != gen {
					t.Errorf("seed %d: CPU %d flushed up to %d of %d", seed, cpu, local, gen)
				}
			}
		}
	})
}

// TestVMALockExcludes is invariant I1 for the rwsem and the refcount form: between
// LockVMAUnderRCU and VMAEndRead nobody changes the area, and a reader that
// locked it sees it as the last writer left it (I5).
func TestVMALockExcludes(t *testing.T) {
	for _, d := range []Design{VMARWSem, VMARefcnt, MMSeqcount, VMASeqcount, VMASeqcountOwn} {
		locks, fails := 0, 0
		for seed := range uint64(12) {
			w := newWorld(t, d, "mm-6.5", 3, true)
			a, err := w.mm.Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon})
			if err != nil {
				t.Fatal(err)
			}
			vma := w.mm.VMALookup(w.c, a)
			pgoff, flags := vma.F(w.sys.vf.pgoff), vma.F(w.sys.vf.pageProt)
			w.c.Store(pgoff, 0)
			m := simtest.New(w.mem, simtest.Options{Syms: w.syms, Seed: seed})
			m.Kernel(w.base.Hooks())
			for cpu := range 2 {
				m.Go("reader", cpu, func(c *sim.CPU) {
					for range 60 {
						v, ok := w.mm.LockVMAUnderRCU(c, a)
						if !ok {
							fails++
							continue
						}
						locks++
						x, y := c.Load(pgoff), c.Load(flags)
						if x2 := c.Load(pgoff); x2 != x || x != 0 && y != x {
							t.Errorf("%v, seed %d: area changed under its lock: %d, %d, %d", d, seed, x, y, x2)
						}
						w.mm.VMAEndRead(c, v)
					}
				})
			}
			m.Go("writer", 2, func(c *sim.CPU) {
				for i := range uint64(10) {
					w.mm.WriteLock(c)
					w.sys.locking.startWrite(c, w.mm, vma)
					c.Store(pgoff, i+1)
					c.Store(flags, i+1)
					w.mm.WriteUnlock(c)
				}
			})
			simtest.Run(t, m)
		}
		if locks == 0 || fails == 0 {
			t.Errorf("%v: %d locks, %d failures: the test has not met both", d, locks, fails)
		}
	}
}

// TestMapleNodesFromCache: nodes come 256-byte aligned, so that their pointers
// can carry types.
func TestMapleNodesFromCache(t *testing.T) {
	w := newWorld(t, MMapLock, "mm-6.5", 1, false)
	for range 40 {
		if n := (treeNodes{w.sys}).Alloc(w.c); n.A%maple.NodeBytes != 0 {
			t.Fatalf("node at %#x", uint64(n.A))
		}
	}
}
