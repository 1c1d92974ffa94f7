package mm

import (
	"fmt"
	"testing"

	"mmsim/sim"
)

// pageState is what one page of address space should be.
type pageState struct {
	flags VMFlags
	inode sim.Addr
	pgoff uint64 // of this page
	pte   uint64 // permission bits, 0 if no page is there
}

// model is an address space page by page, from base on.
type model struct {
	*world
	base   uint64
	pages  []pageState
	inodes [2]sim.Ptr
	r      sim.Rand
	dry    bool // only the pages of the model change
}

func newModel(w *world, seed uint64, pages int) *model {
	k := &model{world: w, base: 0x10000000, pages: make([]pageState, pages), r: sim.NewRand(seed, 0, 0)}
	for i := range k.inodes {
		k.inodes[i] = w.sys.NewInode(w.c, fmt.Sprint(i), uint64(i))
	}
	return k
}

// part is a random range of pages.
func (k *model) part() (first, n uint64) {
	first = k.r.Below(uint64(len(k.pages)))
	return first, 1 + k.r.Below(min(uint64(len(k.pages))-first, 12))
}

func (k *model) addr(page uint64) uint64 { return k.base + page*sim.PageBytes }

// mmap maps something over the range, part of it touched.
func (k *model) mmap(c *sim.CPU, first, n uint64) error {
	req := Mapping{Addr: k.addr(first), Bytes: n * sim.PageBytes, Flags: []VMFlags{Anon, Anon &^ VMWrite, Text, Text}[k.r.Below(4)],
		Fixed: true, Populate: k.r.Below(n+1) * sim.PageBytes}
	state := pageState{flags: req.Flags, pgoff: k.addr(first) / sim.PageBytes}
	if req.Flags == Text {
		state.inode = k.inodes[k.r.Below(2)].A
		req.Pgoff, req.Populate = first, 0
		if k.r.Below(4) == 0 {
			req.Pgoff += 100
		}
		state.pgoff = req.Pgoff
	}
	err := k.mapIt(c, req, sim.At(state.inode))
	for i := range n {
		k.pages[first+i] = state
		if i*sim.PageBytes < req.Populate {
			k.pages[first+i].pte = protOf(req.Flags)
		}
		state.pgoff++
	}
	return err
}

func (k *model) mapIt(c *sim.CPU, req Mapping, inode sim.Ptr) error {
	if k.dry {
		return nil
	}
	if !inode.IsNull() {
		req.File = k.sys.OpenFile(c, inode)
	}
	_, err := k.mm.Mmap(c, req)
	if !inode.IsNull() {
		k.sys.PutFile(c, req.File)
	}
	return err
}

func (k *model) munmap(c *sim.CPU, first, n uint64) error {
	clear(k.pages[first : first+n])
	if k.dry {
		return nil
	}
	return k.mm.Munmap(c, k.addr(first), n*sim.PageBytes)
}

// mapped tells whether the range has no hole.
func (k *model) mapped(first, n uint64) bool {
	for _, p := range k.pages[first : first+n] {
		if p.flags == 0 {
			return false
		}
	}
	return true
}

func (k *model) mprotect(c *sim.CPU, first, n uint64) error {
	prot := []VMFlags{VMRead, VMRead | VMWrite, VMRead | VMExec}[k.r.Below(3)]
	if !k.mapped(first, n) {
		return nil
	}
	for i := first; i < first+n; i++ {
		p := &k.pages[i]
		if p.flags&vmAccess == prot {
			continue
		}
		p.flags = p.flags&^vmAccess | prot
		if prot&VMWrite != 0 {
			p.flags |= VMAccount
		}
		if p.pte != 0 {
			p.pte = protOf(prot)
		}
	}
	if k.dry {
		return nil
	}
	return k.mm.Mprotect(c, k.addr(first), n*sim.PageBytes, prot)
}

func (k *model) madvise(c *sim.CPU, first, n uint64) error {
	dump := k.r.Below(2) == 0
	if !k.mapped(first, n) {
		return nil
	}
	for i := first; i < first+n; i++ {
		k.pages[i].flags |= VMDontDump
		if dump {
			k.pages[i].flags &^= VMDontDump
		}
	}
	if k.dry {
		return nil
	}
	return k.mm.MadviseDump(c, k.addr(first), n*sim.PageBytes, dump)
}

func (k *model) step(c *sim.CPU) error {
	ops := []func(*sim.CPU, uint64, uint64) error{k.mmap, k.mmap, k.munmap, k.mprotect, k.mprotect, k.madvise, k.madvise}
	first, n := k.part()
	return ops[k.r.Below(uint64(len(ops)))](c, first, n)
}

// check compares every page with the tree, the areas and the page tables, and
// counts areas.
func (k *model) check(c *sim.CPU) error {
	areas, rss, total := uint64(0), int64(0), uint64(0)
	for i := range k.pages {
		a, want := k.addr(uint64(i)), k.pages[i]
		r := k.mm.tree.Walk(c, a)
		if want.flags == 0 {
			if !r.Entry.IsNull() || k.pte(c, a) != 0 {
				return fmt.Errorf("page %d: area %#x and PTE %#x where nothing should be", i, uint64(r.Entry.A), k.pte(c, a))
			}
			continue
		}
		if r.Entry.IsNull() {
			return fmt.Errorf("page %d: no area", i)
		}
		v := k.sys.VMA(r.Entry)
		if r.First != v.Start(c) || r.Last != v.End(c)-1 {
			return fmt.Errorf("page %d: tree says [%#x, %#x], area [%#x, %#x)", i, r.First, r.Last, v.Start(c), v.End(c))
		}
		inode := sim.Addr(0)
		if f := v.File(c); !f.IsNull() {
			inode = k.sys.FileInode(c, f).A
		}
		got := pageState{v.Flags(c), inode, v.Pgoff(c) + (a-v.Start(c))/sim.PageBytes, k.pte(c, a) & (sim.PageBytes - 1)}
		if got != want {
			return fmt.Errorf("page %d: %+v, want %+v", i, got, want)
		}
		total++
		if v.Start(c) == a || i == 0 {
			areas++
		}
		if want.pte != 0 {
			rss++
		}
	}
	for _, n := range []struct {
		name      string
		got, want uint64
	}{{"map_count", c.Load(k.mm.at.F(k.sys.mf.mapCount)), areas}, {"total_vm", c.Load(k.mm.at.F(k.sys.mf.totalVM)), total},
		{"rss", uint64(k.mm.anonRSS.Sum(c)), uint64(rss)}, {"tlb_flush_pending", c.Load(k.mm.at.F(k.sys.mf.flushPending)), 0}} {
		if n.got != n.want {
			return fmt.Errorf("%s is %d, want %d", n.name, n.got, n.want)
		}
	}
	return nil
}

// pte reads the page-table entry of addr, 0 if there is no table.
func (k *model) pte(c *sim.CPU, addr uint64) uint64 {
	t := k.mm.pgd(c)
	for t.level > levelPTE {
		e := c.LoadPtr(t.entry(addr))
		if e.IsNull() {
			return 0
		}
		t = t.below(e)
	}
	return c.Load(t.entry(addr))
}

// merged tells whether two areas side by side should be one.
func (k *model) merged(c *sim.CPU) error {
	for i := 1; i < len(k.pages); i++ {
		a, b := k.pages[i-1], k.pages[i]
		if a.flags == 0 || a.flags != b.flags || a.inode != b.inode || a.pgoff+1 != b.pgoff || a.inode != 0 {
			continue
		}
		if r := k.mm.tree.Walk(c, k.addr(uint64(i))); r.First == k.addr(uint64(i)) {
			return fmt.Errorf("pages %d and %d are in two areas that could be one", i-1, i)
		}
	}
	return nil
}

// TestWritersAgainstModel runs random writers one after the other and compares
// the address space with a page-by-page model after each.
func TestWritersAgainstModel(t *testing.T) {
	eachDesign(t, func(t *testing.T, d Design) {
		for seed := range uint64(4) {
			w := newWorld(t, d, "mm-6.5", 1, false)
			k := newModel(w, seed, 90)
			for op := range 150 {
				err := k.step(w.c)
				if err == nil {
					err = k.check(w.c)
				}
				if err == nil {
					err = k.merged(w.c)
				}
				if err != nil {
					t.Fatalf("seed %d, operation %d: %v", seed, op, err)
				}
			}
			if err := k.munmap(w.c, 0, uint64(len(k.pages))); err != nil {
				t.Fatal(err)
			}
			if err := k.check(w.c); err != nil {
				t.Fatal(err)
			}
			if n := w.sys.files.Count(w.c); n != 0 {
				t.Errorf("seed %d: %d files are open after everything was unmapped", seed, n)
			}
			if n := w.c.Load(w.mm.at.F(w.sys.mf.pgtablesBytes)); n != 0 {
				t.Errorf("seed %d: %d bytes of page tables are left", seed, n)
			}
		}
	})
}

// TestHeap: the heap is one area however it grows and shrinks, and never runs
// into another area.
func TestHeap(t *testing.T) {
	eachDesign(t, func(t *testing.T, d Design) {
		const page, base = sim.PageBytes, uint64(0x20000000)
		w := newWorld(t, d, "mm-6.5", 1, false)
		w.mm.SetHeap(w.c, base)
		if _, err := w.mm.Mmap(w.c, Mapping{Addr: base + 16*page, Bytes: page, Flags: Text}); err != nil {
			t.Fatal(err)
		}
		area := func() string {
			r := w.mm.tree.Walk(w.c, base)
			if r.Entry.IsNull() {
				return "none"
			}
			return fmt.Sprintf("%d pages, rss %d", (r.Last+1-r.First)/page, w.mm.anonRSS.Sum(w.c))
		}
		for i, k := range []struct {
			brk, touch uint64
			ok         bool
			want       string
		}{
			{base + 3*page, 2 * page, true, "3 pages, rss 2"},
			{base + 3*page - 8, 0, true, "3 pages, rss 2"},
			{base + 5*page, page, true, "5 pages, rss 3"},
			{base + 16*page, 0, false, "5 pages, rss 3"},
			{base - 1, 0, false, "5 pages, rss 3"},
			{base + 2*page, 0, true, "2 pages, rss 2"},
			{base, 0, true, "none"},
		} {
			if err := w.mm.Brk(w.c, k.brk, k.touch); (err == nil) != k.ok || area() != k.want {
				t.Errorf("brk %d: %v, %s, want %s", i, err, area(), k.want)
			}
		}
	})
}

// TestLibrary: what dlopen leaves is what a linker asked for.
func TestLibrary(t *testing.T) {
	eachDesign(t, func(t *testing.T, d Design) {
		w := newWorld(t, d, "mm-6.5", 1, false)
		l := DefaultLibrary()
		f := w.sys.OpenFile(w.c, w.sys.NewInode(w.c, "lib", 1))
		base, err := w.mm.Dlopen(w.c, f, l)
		w.sys.PutFile(w.c, f)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for a := base; a < base+l.Bytes(); {
			r := w.mm.tree.Walk(w.c, a)
			v := w.sys.VMA(r.Entry)
			got += fmt.Sprintf("%d+%d %#x file %v; ", (r.First-base)/sim.PageBytes, (r.Last+1-r.First)/sim.PageBytes,
				uint64(v.Flags(w.c)&vmAccess), !v.File(w.c).IsNull() && v.Pgoff(w.c) == (r.First-base)/sim.PageBytes)
			a = r.Last + 1
		}
		want := "0+1 0x1 file true; 1+8 0x5 file true; 9+2 0x1 file true; 11+1 0x1 file true; 12+1 0x3 file true; 13+1 0x3 file false; "
		if got != want {
			t.Errorf("areas:\n%s\nwant:\n%s", got, want)
		}
		if err := w.mm.Dlclose(w.c, base, l); err != nil {
			t.Fatal(err)
		}
		if n := w.sys.files.Count(w.c); n != 0 {
			t.Errorf("%d files open after dlclose", n)
		}
	})
}
