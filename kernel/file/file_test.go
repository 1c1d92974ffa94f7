package file_test

import (
	"fmt"
	"slices"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/file"
	"mmsim/kernel/kmem"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

var (
	inodeLayout = sim.NewLayout("inode", 576, 64, sim.F("i_ino", 64, 8))
	slotLayout  = sim.NewLayout("holder", 64, 64, sim.F("file", 0, 8), sim.F("done", 8, 8))
)

type world struct {
	*kernel.Base
	*file.Files
	mem    *sim.Memory
	syms   *sim.Symbols
	inodes []sim.Ptr
	slot   sim.Ref
	done   sim.Ref
}

func newWorld(t *testing.T, tasks int, cfg file.Config) *world {
	t.Helper()
	w := &world{mem: sim.NewMemory(), syms: &sim.Symbols{}}
	w.Base = kernel.NewBase(w.mem, w.syms, kernel.Config{CPUs: tasks, TaskCPU: upTo(tasks),
		TickPeriod: 400 * sim.Nanosecond, Pages: kmem.PageOptions{Pages: 300, Batch: 2, High: 4}})
	w.Files = file.New(w.Base, cfg)
	for i := range 4 {
		w.inodes = append(w.inodes, w.Arena.Object(inodeLayout, fmt.Sprint(i)))
	}
	holder := w.Arena.Object(slotLayout, "")
	w.slot, w.done = holder.F(slotLayout.Field("file")), holder.F(slotLayout.Field("done"))
	return w
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func (w *world) machine(seed uint64) *simtest.Machine {
	m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
	m.Kernel(w.Hooks())
	return m
}

// TestLayouts: references and f_inode share a line in 6.14 and do not in 6.19.
func TestLayouts(t *testing.T) {
	for name, want := range map[string][2]uint32{"file-6.14": {0, 40}, "file-6.19": {176, 32}} {
		l, err := file.Layout(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]uint32{l.Field("f_ref").Off, l.Field("f_inode").Off}; got != want || l.Bytes != 184 {
			t.Errorf("%s: f_ref and f_inode at %v of %d bytes, want %v", name, got, l.Bytes, want)
		}
		w := newWorld(t, 1, file.Config{Layout: l})
		c := sim.NewDirect(w.mem)
		if f := w.Open(c, w.inodes[2]); w.Inode(c, f).A != w.inodes[2].A {
			t.Errorf("%s: the file has another inode", name)
		}
	}
	if _, err := file.Layout("file-5.0"); err == nil {
		t.Error("file-5.0 is a layout")
	}
}

// TestReferences: the last reference closes the file, its memory is the next
// file, and nr_files counts what is open.
func TestReferences(t *testing.T) {
	w := newWorld(t, 1, file.Config{})
	c := sim.NewDirect(w.mem)
	f := w.Open(c, w.inodes[0])
	w.Get(c, f)
	w.Put(c, f)
	if g := w.Open(c, w.inodes[1]); g.A == f.A || w.Count(c) != 2 {
		t.Errorf("the memory of an open file was given away, or %d files are counted", w.Count(c))
	}
	b := w.OpenBacking(c, w.inodes[3], w.inodes[0])
	if s := w.syms.Lookup(b.A).Object; s != "backing_file" || w.Count(c) != 2 || w.Inode(c, b).A != w.inodes[3].A {
		t.Errorf("the backing file is a %s; %d files are counted", s, w.Count(c))
	}
	w.Put(c, f)
	if w.Count(c) != 1 {
		t.Errorf("%d files after a close", w.Count(c))
	}
	if g := w.Open(c, w.inodes[2]); g.A != f.A {
		t.Error("the memory of a closed file is not the next file")
	}
	w.Put(c, b)
	if g := w.OpenBacking(c, w.inodes[1], w.inodes[0]); g.A != b.A {
		t.Error("the memory of a closed backing file is not the next one")
	}
}

// TestGetRCU: readers take references through a slot that an updater switches
// from file to file, closing the old one. What they get is the file of the slot
// at some instant of the call, and stays it until they put it.
func TestGetRCU(t *testing.T) {
	got, missed, reused := 0, 0, 0
	for seed := range uint64(60) {
		w := newWorld(t, 4, file.Config{Files: file.Lifetime(seed % 2)})
		boot := sim.NewDirect(w.mem)
		first := w.Open(boot, w.inodes[0])
		boot.Store(w.slot, uint64(first.A))
		version := 0                          // of the slot, ghost
		name := map[int]uint64{0: 0}          // version to inode
		where := map[sim.Addr]int{first.A: 0} // latest version at an address
		m := w.machine(seed)
		m.Go("updater", 0, func(c *sim.CPU) {
			for i := 1; i <= 25; i++ {
				f := sim.Ptr{}
				if i%5 != 0 {
					f = w.Open(c, w.inodes[i%4])
					if _, ok := where[f.A]; ok {
						reused++
					}
				}
				old := sim.At(sim.Addr(c.Xchg(w.slot, uint64(f.A), sim.Full)))
				version, name[i], where[f.A] = i, uint64(i%4), i
				if !old.IsNull() {
					w.Put(c, old)
				}
			}
			c.Store(w.done, 1)
		})
		for r := 1; r < 4; r++ {
			m.Go(fmt.Sprintf("reader%d", r), r, func(c *sim.CPU) {
				for c.Load(w.done) == 0 {
					from := version
					f := w.GetActive(c, w.slot)
					if f.IsNull() {
						missed++
						continue
					}
					got++
					mine := where[f.A]
					for range 3 {
						if where[f.A] != mine || mine < from || w.Inode(c, f).A != w.inodes[name[mine]].A {
							t.Fatalf("seed %d: file %#x of version %d, which was taken at %d to %d, is version %d now, with inode %#x",
								seed, uint64(f.A), mine, from, version, where[f.A], uint64(w.Inode(c, f).A))
						}
						c.Compute(1)
					}
					w.Put(c, f)
				}
			})
		}
		simtest.Run(t, m)
		c := sim.NewDirect(w.mem)
		if n := w.Count(c); n != 0 {
			t.Errorf("seed %d: %d files are open in the end", seed, n)
		}
	}
	if got < 500 || missed < 20 || reused < 100 {
		t.Errorf("only %d references, %d misses, %d files in reused memory", got, missed, reused)
	}
}

// TestLifetimes: what a reader that is inside since before the close can find
// in the memory of a closed file.
func TestLifetimes(t *testing.T) {
	for _, tc := range []struct {
		lifetime     file.Lifetime
		reused, gone bool // as another file, as something else, while the reader is inside
	}{
		{file.TypesafeByRCU, true, false},
		{file.RCUDelayed, false, false},
		{file.Immediate, true, true},
	} {
		for _, backing := range []bool{false, true} {
			w := newWorld(t, 2, file.Config{Files: tc.lifetime, Backing: tc.lifetime})
			open := func(c *sim.CPU) sim.Ptr { return w.Open(c, w.inodes[0]) }
			kind := "file"
			if backing {
				open = func(c *sim.CPU) sim.Ptr { return w.OpenBacking(c, w.inodes[0], w.inodes[1]) }
				kind = "backing_file"
			}
			m := w.machine(3)
			m.Go("reader", 0, func(c *sim.CPU) {
				w.RCU.ReadLock(c)
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.done, Test: sim.Ne})
				w.RCU.ReadUnlock(c)
				c.Think(60 * sim.Microsecond)
			})
			var reused, gone, later bool
			m.Go("closer", 1, func(c *sim.CPU) {
				var all []sim.Ptr
				old := map[sim.Addr]bool{}
				for range 200 {
					all = append(all, open(c))
					old[all[len(all)-1].A] = true
				}
				for _, f := range all {
					w.Put(c, f)
				}
				left := func() bool {
					return slices.ContainsFunc(all, func(f sim.Ptr) bool { return w.syms.Lookup(f.A).Object != kind })
				}
				gone = left()
				reused = old[open(c).A]
				c.Store(w.done, 1)
				c.Think(c.Now() + 20*sim.Microsecond)
				later = left()
			})
			simtest.Run(t, m)
			if reused != tc.reused || gone != tc.gone || !later {
				t.Errorf("lifetime %d, backing %v: reused %v, gone %v, later %v", tc.lifetime, backing, reused, gone, later)
			}
		}
	}
}
