package mm

import (
	"slices"
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// world is a booted kernel with one address space, whose tasks have a CPU each.
type world struct {
	mem  *sim.Memory
	syms *sim.Symbols
	base *kernel.Base
	sys  *System
	mm   *MM
	c    *sim.CPU // builder
}

func newWorld(t testing.TB, d Design, preset string, tasks int, poison bool) *world {
	t.Helper()
	return newWorldWith(t, preset, tasks, Config{Design: d, Poison: poison})
}

// newWorldWith fills in layouts and costs.
func newWorldWith(t testing.TB, preset string, tasks int, cfg Config) *world {
	t.Helper()
	l, err := DefaultLayouts(preset)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{mem: sim.NewMemory(), syms: &sim.Symbols{}}
	cpus := make([]int, tasks)
	ids := make([]sim.TaskID, tasks)
	for i := range cpus {
		cpus[i], ids[i] = i, sim.TaskID(i)
	}
	w.base = kernel.NewBase(w.mem, w.syms, kernel.Config{CPUs: tasks, TaskCPU: cpus,
		TickPeriod: 3 * sim.Microsecond, Pages: kmem.PageOptions{Pages: 4096}})
	cfg.Layouts, cfg.Costs = l, DefaultCosts()
	w.sys = New(w.base, cfg)
	w.c = sim.NewDirect(w.mem)
	w.mm = w.sys.NewMM(w.c, "test", ids)
	return w
}

// record runs f alone as task 0 and lists its memory operations and fences by
// field, without the preemption count.
func (w *world) record(t *testing.T, f func(c *sim.CPU)) (ops []string) {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		name := w.syms.Lookup(o.Ref.A).Field
		if o.Ref.A == 0 {
			name = ""
		}
		if o.Kind == "compute" || name == "preempt_count" {
			return
		}
		kind := o.Kind
		if o.Order != sim.Relaxed {
			kind += "." + o.Order.String()
		}
		ops = append(ops, strings.TrimSpace(kind+" "+name))
	}})
	m.Go("task", 0, f)
	simtest.Run(t, m)
	return ops
}

func eachDesign(t *testing.T, f func(t *testing.T, d Design)) {
	for _, i := range Designs() {
		t.Run(i.Name, func(t *testing.T) { f(t, i.Design) })
	}
}

// usedPages counts the pages that somebody holds.
func (w *world) usedPages() (n int) {
	for i := range uint64(4096) {
		page := w.firstPage().Add(i * uint64(kmem.PageLayout.Bytes))
		if w.c.Load(page.F(kmem.PageRefcount)) != 0 {
			n++
		}
	}
	return n
}

func (w *world) firstPage() sim.Ptr {
	p := w.base.Pages.Alloc(w.c)
	ps := w.base.Pages.PageStruct(p)
	w.base.Pages.Free(w.c, p)
	for w.syms.Lookup(ps.A-1).Object == "page" {
		ps.A -= sim.Addr(kmem.PageLayout.Bytes)
	}
	return ps
}

func TestMapUnmapDirect(t *testing.T) {
	eachDesign(t, func(t *testing.T, d Design) {
		w := newWorld(t, d, "mm-6.5", 1, true)
		a, err := w.mm.Mmap(w.c, Mapping{Bytes: 3 * sim.PageBytes, Flags: Anon, Populate: 3 * sim.PageBytes})
		if err != nil {
			t.Fatal(err)
		}
		if a+3*sim.PageBytes != mmapBase {
			t.Errorf("first area at %#x, want it right below mmap_base %#x", a, mmapBase)
		}
		b, err := w.mm.Mmap(w.c, Mapping{Addr: a - 16*sim.PageBytes, Bytes: sim.PageBytes, Flags: Anon})
		if err != nil || b != a-16*sim.PageBytes {
			t.Errorf("hint not honoured: %#x, %v", b, err)
		}
		v := w.sys.VMA(w.mm.VMALookup(w.c, a+sim.PageBytes))
		if v.Start(w.c) != a || v.End(w.c) != a+3*sim.PageBytes || v.Flags(w.c) != Anon {
			t.Errorf("area is [%#x, %#x) flags %#x", v.Start(w.c), v.End(w.c), v.Flags(w.c))
		}
		if rss := w.mm.anonRSS.Sum(w.c); rss != 3 {
			t.Errorf("rss is %d pages, want 3", rss)
		}
		if err := w.mm.Munmap(w.c, a+sim.PageBytes, sim.PageBytes); err != nil {
			t.Error(err)
		}
		if rss := w.mm.anonRSS.Sum(w.c); rss != 2 {
			t.Errorf("rss is %d pages with a hole in the area, want 2", rss)
		}
		for _, p := range []uint64{a, a + 2*sim.PageBytes, b} {
			if err := w.mm.Munmap(w.c, p, w.sys.VMA(w.mm.VMALookup(w.c, p)).End(w.c)-p); err != nil {
				t.Fatal(err)
			}
		}
		f := &w.sys.mf
		for _, k := range []struct {
			name string
			ref  sim.Ref
		}{{"map_count", w.mm.at.F(f.mapCount)}, {"total_vm", w.mm.at.F(f.totalVM)}, {"ma_root", w.mm.at.F(f.maRoot)},
			{"pgtables_bytes", w.mm.at.F(f.pgtablesBytes)}, {"tlb_flush_pending", w.mm.at.F(f.flushPending)}} {
			if n := w.c.Load(k.ref); n != 0 {
				t.Errorf("%s is %d after everything was unmapped", k.name, n)
			}
		}
		if rss := w.mm.anonRSS.Sum(w.c); rss != 0 {
			t.Errorf("rss is %d pages after everything was unmapped", rss)
		}
	})
}

func TestLayoutPresets(t *testing.T) {
	line := func(l *sim.Layout, f string) uint32 { return l.Field(f).Off / 64 }
	for _, k := range []struct {
		preset                         string
		countOwner, countSeq, ownerSeq bool // share a line
	}{
		{"mm-6.4", true, true, true},
		{"mm-6.5", false, false, true},
		{"mm-6.15", false, false, true},
		{"mm-6.19", true, false, false},
		{"mm-7.0", true, false, false},
	} {
		l, err := MMLayout(k.preset)
		if err != nil {
			t.Fatal(err)
		}
		count, owner, seq := line(l, "mmap_lock.count"), line(l, "mmap_lock.owner"), line(l, "mm_lock_seq")
		if (count == owner) != k.countOwner || (count == seq) != k.countSeq || (owner == seq) != k.ownerSeq {
			t.Errorf("%s: count in line %d, owner in %d, mm_lock_seq in %d", k.preset, count, owner, seq)
		}
	}
	for _, k := range []struct {
		mm, file string
		beside   bool // mm_lock_seq beside mmap_lock.owner, and f_inode beside f_ref
	}{{"mm-6.5", "file-6.14", true}, {"mm-6.19", "file-6.19", false}} {
		l, err := NewLayouts(k.mm, k.file)
		if err != nil {
			t.Fatal(err)
		}
		if (line(l.MM, "mmap_lock.owner") == line(l.MM, "mm_lock_seq")) != k.beside || (line(l.File, "f_ref") == line(l.File, "f_inode")) != k.beside {
			t.Errorf("%s: mm_lock_seq in line %d, f_inode in line %d", k.mm, line(l.MM, "mm_lock_seq"), line(l.File, "f_inode"))
		}
	}
	if _, err := MMLayout("mm-6.6"); err == nil {
		t.Error("unknown preset accepted")
	}
}

func TestOverride(t *testing.T) {
	l, _ := DefaultLayouts("mm-6.5")
	moved, err := l.Override("mm_struct.mm_lock_seq", 60)
	if err != nil || moved.MM.Field("mm_lock_seq").Off != 60 || l.MM.Field("mm_lock_seq").Off != 240 {
		t.Errorf("move: %v; new %d, old %d", err, moved.MM.Field("mm_lock_seq").Off, l.MM.Field("mm_lock_seq").Off)
	}
	for _, bad := range []string{"mm_lock_seq", "mm_struct.mm_lock_sec", "mm.mm_lock_seq"} {
		if _, err := l.Override(bad, 60); err == nil {
			t.Errorf("override of %q accepted", bad)
		}
	}
	if _, err := l.Override("mm_struct.mm_lock_seq", 184); err == nil {
		t.Error("override onto mmap_lock.count accepted")
	}
}

// TestWriterSequence holds the memory operations of a write section on the
// lock words and the stamp against sections 2a to 2d and 2g.
func TestWriterSequence(t *testing.T) {
	take := []string{"cmpxchg.acquire mmap_lock.count", "store mmap_lock.owner"}
	drop := []string{"store mmap_lock.owner", "add.release mmap_lock.count"}
	begin := []string{"load mm_lock_seq", "store mm_lock_seq", "smp_wmb"}
	end := []string{"smp_wmb", "load mm_lock_seq", "store mm_lock_seq"}
	endRelease := []string{"load mm_lock_seq", "store.release mm_lock_seq"}
	look := []string{"load vm_lock_seq", "load mm_lock_seq"}
	down := []string{"load vm_lock", "cmpxchg.acquire lock.count", "store lock.owner", "store vm_lock_seq"}
	up := []string{"store lock.owner", "add.release lock.count"}
	// The rcuwait of section 2e: 2 stores to the mm and a full barrier even if
	// nobody is inside.
	refcnt := []string{"load vm_refcnt", "cmpxchg vm_refcnt", "store.release vma_writer_wait",
		"xchg.full __state", "load vm_refcnt", "store vma_writer_wait", "store __state",
		"store vm_lock_seq", "add.release vm_refcnt"}
	want := map[Design][]string{
		MMapLock:    slices.Concat(take, drop),
		VMARWSem:    slices.Concat(take, look, down, up, look, endRelease, drop),
		VMARefcnt:   slices.Concat(take, begin, look, refcnt, look, end, drop),
		MMSeqcount:  slices.Concat(take, begin, look, down, up, look, end, drop),
		VMASeqcount: slices.Concat(take, look, down, []string{"smp_wmb"}, up, look, endRelease, drop),
		VMASeqcountOwn: slices.Concat(take, look, down, up,
			[]string{"load vma_locked[1]", "store vma_locked[1]", "store vm_locked[0]", "store vm_locked[1]", "store vma_locked[0]",
				"load vm_sequence", "store vm_sequence", "smp_wmb"},
			look,
			[]string{"load vma_locked[0]", "smp_wmb", "load vma_locked[0]", "load vm_locked[0]",
				"load vm_sequence", "store vm_sequence", "store vma_locked[0]", "store vma_locked[1]"},
			endRelease, drop),
	}
	want[MMSeqcount64] = want[MMSeqcount]
	eachDesign(t, func(t *testing.T, d Design) {
		w := newWorld(t, d, "mm-6.5", 1, false)
		a, err := w.mm.Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon})
		if err != nil {
			t.Fatal(err)
		}
		vma := w.mm.VMALookup(w.c, a)
		got := w.record(t, func(c *sim.CPU) {
			w.mm.WriteLock(c)
			w.sys.locking.startWrite(c, w.mm, vma)
			w.sys.locking.startWrite(c, w.mm, vma)
			w.mm.WriteUnlock(c)
		})
		if strings.Join(got, "\n") != strings.Join(want[d], "\n") {
			t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want[d], "\n  "))
		}
	})
}

// TestMunmapSequence holds what munmap of one touched page writes, in order,
// against section 4.2: the area is locked and detached, taken out of the tree,
// and only then, under the downgraded lock, zapped, flushed and freed.
func TestMunmapSequence(t *testing.T) {
	w := newWorld(t, MMSeqcount, "mm-6.5", 1, false)
	for i := range VMFlags(2) { // the first area keeps the page tables, and does not merge with the other
		if _, err := w.mm.Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon | i*VMDontDump, Populate: sim.PageBytes}); err != nil {
			t.Fatal(err)
		}
	}
	keep := map[string]string{"mmap_lock.count": "", "mm_lock_seq": "", "vm_lock_seq": "", "detached": "", "parent": "",
		"map_count": "", "tlb_flush_pending": "", "_mapcount": "", "context.tlb_gen": "", "ctxs[0].tlb_gen": "",
		"_refcount": "", "total_vm": "", "vm_end": "vm_rcu.func"}
	var got []string
	for _, o := range w.record(t, func(c *sim.CPU) {
		if err := w.mm.Munmap(c, mmapBase-2*sim.PageBytes, sim.PageBytes); err != nil {
			t.Error(err)
		}
	}) {
		kind, field, _ := strings.Cut(o, " ")
		name, ok := keep[field]
		if strings.HasPrefix(field, "pte[") {
			name, ok = "pte", true
		}
		if !ok || strings.HasPrefix(kind, "load") {
			continue
		}
		if name == "" {
			name = field
		}
		got = append(got, kind+" "+name)
	}
	want := []string{
		"cmpxchg.acquire mmap_lock.count", "store mm_lock_seq",
		"store vm_lock_seq", "store detached",
		"bulk parent", "store parent", "store parent", // the new leaf is cleared and linked, the old one marked dead
		"store map_count", "store mm_lock_seq", "add.release mmap_lock.count",
		"add tlb_flush_pending", "xchg.full pte", "add.full _mapcount",
		"add.full context.tlb_gen", "store ctxs[0].tlb_gen",
		"add.full _refcount", "add tlb_flush_pending",
		"store total_vm", "store vm_rcu.func", "add.release mmap_lock.count",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
