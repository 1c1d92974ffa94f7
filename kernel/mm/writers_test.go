package mm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// stamped runs f alone and lists the areas that it write-locked, by what they
// were then: the first page and the number of pages, counted from base.
func (w *world) stamped(t *testing.T, base uint64, f func(c *sim.CPU) error) string {
	t.Helper()
	var names []string
	off := sim.Addr(w.sys.vf.lockSeq.Off)
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		if o.Kind == "store" && w.syms.Lookup(o.Ref.A).Field == "vm_lock_seq" && o.Value != w.sys.neverLocked() {
			v := w.sys.VMA(sim.At(o.Ref.A - off))
			names = append(names, fmt.Sprintf("%d+%d", (v.Start(w.c)-base)/sim.PageBytes, (v.End(w.c)-v.Start(w.c))/sim.PageBytes))
		}
	}})
	m.Go("task", 0, func(c *sim.CPU) {
		if err := f(c); err != nil {
			t.Error(err)
		}
	})
	simtest.Run(t, m)
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestWritersLockWhatTheyChange: each writer write-locks exactly the areas that
// the kernel does, once each, and no neighbour.
func TestWritersLockWhatTheyChange(t *testing.T) {
	const page, base = sim.PageBytes, uint64(0x10000000)
	for _, d := range []Design{VMARWSem, VMARefcnt, MMSeqcount, VMASeqcount, VMASeqcountOwn} {
		w := newWorld(t, d, "mm-6.5", 1, false)
		f := w.sys.OpenFile(w.c, w.sys.NewInode(w.c, "text", 1))
		w.mm.SetHeap(w.c, base+100*page)
		for _, req := range []Mapping{
			{Addr: base, Bytes: 12 * page, Flags: Text, File: f},
			{Addr: base + 12*page, Bytes: 4 * page, Flags: Anon}, // a neighbour
		} {
			if _, err := w.mm.Mmap(w.c, req); err != nil {
				t.Fatal(err)
			}
		}
		mprotect := func(first, n uint64, prot VMFlags) func(c *sim.CPU) error {
			return func(c *sim.CPU) error { return w.mm.Mprotect(c, base+first*page, n*page, prot) }
		}
		mmap := func(first uint64, flags VMFlags) func(c *sim.CPU) error {
			return func(c *sim.CPU) error {
				_, err := w.mm.Mmap(c, Mapping{Addr: base + first*page, Bytes: page, Flags: flags})
				return err
			}
		}
		munmap := func(first, n uint64) func(c *sim.CPU) error {
			return func(c *sim.CPU) error { return w.mm.Munmap(c, base+first*page, n*page) }
		}
		brk := func(pages uint64) func(c *sim.CPU) error {
			return func(c *sim.CPU) error { return w.mm.Brk(c, base+(100+pages)*page, 0) }
		}
		for _, k := range []struct {
			name string
			f    func(c *sim.CPU) error
			want string
		}{
			{"mprotect of a part in the middle", mprotect(4, 4, VMRead), "0+12 0+4 8+4"},
			{"mprotect of that part again", mprotect(4, 4, VMRead|VMExec), "0+4 4+4 8+4"},
			{"mprotect of the first part", mprotect(0, 4, VMRead), "0+12 4+8"},
			{"mprotect of more of it", mprotect(4, 2, VMRead), "0+4 4+8"},
			{"mprotect back", mprotect(0, 6, VMRead|VMExec), "0+6 6+6"},
			{"mprotect of all of it", mprotect(0, 12, VMRead), "0+12"},
			{"mmap beside the neighbour", mmap(16, Anon), "12+4"},
			{"mmap beside it that cannot merge", mmap(17, Anon|VMDontDump), "17+1"},
			{"munmap of that", munmap(17, 1), "17+1"},
			{"munmap in the middle", munmap(4, 2), "0+12 0+4 6+6"},
			{"first brk", brk(2), "100+2"},
			{"brk grows", brk(5), "100+2"},
			{"brk shrinks", brk(4), "100+4 100+5"},
		} {
			if got := w.stamped(t, base, k.f); got != k.want {
				t.Errorf("%v: %s write-locks %q, want %q", d, k.name, got, k.want)
			}
		}
	}
}

// TestSplitMergeSequence pins the order of what a split and a merge write, less
// the locks: the new area is complete before the old one shrinks, that before
// the tree changes; what was swallowed is detached after that and freed last.
func TestSplitMergeSequence(t *testing.T) {
	const page = sim.PageBytes
	w := newWorld(t, VMARefcnt, "mm-6.15", 1, false)
	f := w.sys.OpenFile(w.c, w.sys.NewInode(w.c, "text", 1))
	a, err := w.mm.Mmap(w.c, Mapping{Bytes: 8 * page, Flags: Text, File: f})
	if err != nil {
		t.Fatal(err)
	}
	writes := func(dump bool) (got []string) {
		for _, o := range w.record(t, func(c *sim.CPU) {
			if err := w.mm.MadviseDump(c, a, 4*page, dump); err != nil {
				t.Error(err)
			}
		}) {
			kind, field, _ := strings.Cut(o, " ")
			switch {
			case strings.HasPrefix(kind, "load"), strings.HasPrefix(kind, "smp"), strings.HasPrefix(field, "anon_vma"):
				continue
			case strings.HasPrefix(field, "vm_"), strings.HasPrefix(field, "vma_"), field == "f_ref", field == "map_count", field == "mm_lock_seq", field == "mm_mt.ma_root",
				kind == "store.release":
				got = append(got, o)
			}
		}
		return got
	}
	startWrite := []string{"cmpxchg vm_refcnt", "store.release vma_writer_wait", "store vma_writer_wait", "store vm_lock_seq", "add.release vm_refcnt"}
	dup := []string{"store vm_mm", "store vm_ops", "store vm_start", "store vm_end", "store vm_pgoff", "store vm_file",
		"store vm_private_data", "store vm_flags", "store vm_page_prot", "store vm_refcnt", "store vm_lock_seq"}
	setRange := []string{"store vm_start", "store vm_end", "store vm_pgoff"}
	want := slices.Concat([]string{"store mm_lock_seq"}, dup, []string{"store vm_start", "store vm_pgoff", "add.full f_ref"}, startWrite, []string{"store vm_lock_seq"},
		setRange, []string{"store.release vm_refcnt", "store.release mm_mt.ma_root", "store map_count",
			"store vm_flags", "store vm_page_prot", "store mm_lock_seq"})
	got := writes(false)
	if !slices.Equal(got, want) {
		t.Errorf("split:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	want = slices.Concat([]string{"store mm_lock_seq"}, startWrite, startWrite, setRange,
		[]string{"store.release mm_mt.ma_root", "add.release vm_refcnt", "add.full f_ref", "store map_count", "store vm_start", // the free pointer
			"store vm_flags", "store vm_page_prot", "store mm_lock_seq"})
	if got = writes(true); !slices.Equal(got, want) {
		t.Errorf("merge:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// TestAllWritersRace has every kind of writer at work in one address space, on
// parts of the same area and beside it. It must be as before afterwards.
func TestAllWritersRace(t *testing.T) {
	const page, heap, rounds = sim.PageBytes, uint64(0x20000000), 5
	eachDesign(t, func(t *testing.T, d Design) {
		for seed := range uint64(4) {
			w := newWorld(t, d, "mm-6.5", 5, true)
			inode := w.sys.NewInode(w.c, "lib", 1)
			w.mm.SetHeap(w.c, heap)
			a, err := w.mm.AtBoot().Mmap(w.c, Mapping{Bytes: 12 * page, Flags: Anon, Populate: 12 * page})
			if err != nil {
				t.Fatal(err)
			}
			before := w.books()
			m := simtest.New(w.mem, simtest.Options{Syms: w.syms, Seed: seed})
			m.Kernel(w.base.Hooks())
			for cpu, f := range []func(c *sim.CPU) error{
				func(c *sim.CPU) error { return w.mm.MprotectRound(c, a+2*page, 3*page, VMRead, Anon) },
				func(c *sim.CPU) error { return w.mm.SplitMerge(c, a+4*page, 3*page) },
				func(c *sim.CPU) error { return w.mm.BrkRound(c, heap, 3, 2) },
				func(c *sim.CPU) error { return w.mm.DlopenRound(c, inode, DefaultLibrary()) },
				func(c *sim.CPU) error { return w.mm.MmapMunmap(c, a-page, 1, 1) },
			} {
				m.Go("writer", cpu, func(c *sim.CPU) {
					for range rounds {
						if err := f(c); err != nil {
							t.Error(err)
						}
					}
				})
			}
			simtest.Run(t, m)
			if after := w.books(); after != before {
				t.Errorf("seed %d: before: %s; after: %s", seed, before, after)
			}
			if r := w.mm.tree.Walk(w.c, a); r.First != a || r.Last != a+12*page-1 {
				t.Errorf("seed %d: the area is [%#x, %#x] afterwards", seed, r.First, r.Last)
			}
			if n := w.sys.files.Count(w.c); n != 0 {
				t.Errorf("seed %d: %d files are open", seed, n)
			}
			gen := w.c.Load(w.mm.at.F(w.sys.mf.tlbGen))
			for cpu := range 5 {
				if local := w.c.Load(w.sys.tlb.state.Of(cpu).F(stateGen)); local != gen {
					t.Errorf("seed %d: CPU %d flushed up to %d of %d", seed, cpu, local, gen)
				}
			}
		}
	})
}

// TestWrap: a sequence number that comes round while a reader looks deceives
// it; for those that compare for "locked" it only costs a fallback. More bits
// end both.
func TestWrap(t *testing.T) {
	const bits = 3 // 4 write sections of a seqcount, 8 of a stamp that moves at unlock
	for _, k := range []struct {
		d        Design
		sections int
	}{{MMSeqcount, 4}, {VMASeqcount, 8}, {VMASeqcountOwn, 4}} {
		for _, width := range []uint{bits, 0} {
			w := newWorldWith(t, "mm-6.5", 1, Config{Design: k.d, SeqBits: width})
			a, err := w.mm.Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon})
			if err != nil {
				t.Fatal(err)
			}
			vma := w.mm.VMALookup(w.c, a)
			begin := func() (uint64, bool) { return w.mm.SpeculateVMABegin(w.c, vma) }
			retry := func(seq uint64) bool { return w.mm.SpeculateVMARetry(w.c, vma, seq) }
			if k.d == MMSeqcount {
				begin = func() (uint64, bool) { return w.mm.SpeculateTryBegin(w.c) }
				retry = func(seq uint64) bool { return w.mm.SpeculateRetry(w.c, seq) }
			}
			seq, ok := begin()
			for i := range k.sections {
				w.mm.WriteLock(w.c)
				w.mm.StartWrite(w.c, vma)
				w.mm.WriteUnlock(w.c)
				deceived := !retry(seq)
				if want := width == bits && i == k.sections-1; !ok || deceived != want {
					t.Errorf("%v, %d bits: begin %v; after %d write sections accepted: %v", k.d, width, ok, i+1, deceived)
				}
			}
		}
	}
	for _, d := range []Design{VMARWSem, VMARefcnt} {
		w := newWorldWith(t, "mm-6.5", 1, Config{Design: d, SeqBits: bits})
		a, err := w.mm.Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon})
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for range 16 {
			if vma, ok := w.mm.LockVMAUnderRCU(w.c, a); ok {
				w.mm.VMAEndRead(w.c, vma)
			} else {
				failed++
			}
			w.mm.WriteLock(w.c)
			w.mm.WriteUnlock(w.c)
		}
		// Stamps of a seqcount are odd, and nobody looks while it is odd.
		if want := map[Design]int{VMARWSem: 2, VMARefcnt: 0}[d]; failed != want {
			t.Errorf("%v: %d of 16 locks failed on an old stamp, want %d", d, failed, want)
		}
	}
}

// TestInodeLifetime: the inode of a deleted file stays what it is for readers
// that found it under RCU, and its memory is used again afterwards.
func TestInodeLifetime(t *testing.T) {
	reused := false
	for seed := range uint64(6) {
		w := newWorld(t, MMSeqcount, "mm-6.5", 2, true)
		slot := w.base.Arena.Bytes(64, 64, nil).Ref(0, 8)
		done := false
		m := simtest.New(w.mem, simtest.Options{Syms: w.syms, Seed: seed})
		m.Kernel(w.base.Hooks())
		m.Go("reader", 0, func(c *sim.CPU) {
			for !done {
				w.base.RCU.ReadLock(c)
				if inode := c.LoadPtr(slot); !inode.IsNull() {
					before := c.Load(inode.F(inodeIno))
					for range 50 {
						c.Relax()
					}
					if after := c.Load(inode.F(inodeIno)); before == poisonFree || after != before {
						t.Errorf("seed %d: inode number %#x became %#x", seed, before, after)
					}
				}
				w.base.RCU.ReadUnlock(c)
			}
		})
		m.Go("files", 1, func(c *sim.CPU) {
			seen := map[sim.Addr]bool{}
			for i := range uint64(60) {
				inode := w.sys.CreateInode(c, i+1)
				reused = reused || seen[inode.A]
				seen[inode.A] = true
				f := w.sys.OpenFile(c, inode)
				c.StoreRelease(slot, uint64(inode.A))
				for range 30 {
					c.Relax()
				}
				c.Store(slot, 0)
				w.sys.PutFile(c, f)
				w.sys.Iput(c, inode)
			}
			done = true
		})
		simtest.Run(t, m)
	}
	if !reused {
		t.Error("no inode's memory was used again")
	}
}
