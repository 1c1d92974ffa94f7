package mm

import (
	"fmt"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// found is what a lookup says of one page.
type found struct {
	flags VMFlags
	inode sim.Addr
	pgoff uint64
}

// read reads a VMA field by field, as a reader that may be fooled does.
func (w *world) read(c *sim.CPU, vma sim.Ptr, addr uint64) (r found) {
	v := w.sys.VMA(vma)
	f := v.UnpinnedFile(c)
	r.flags = v.Flags(c)
	r.pgoff = v.Pgoff(c) + (addr-v.Start(c))/sim.PageBytes
	if !f.IsNull() {
		r.inode = f.Inode(c).A
	}
	return r
}

// look is a lookup by the design's way, false where it must fall back.
func (w *world) look(c *sim.CPU, m *MM, addr uint64) (r found, ok bool) {
	switch w.sys.design {
	case MMapLock:
		return r, false
	case VMARWSem, VMARefcnt:
		vma, ok := m.LockVMAUnderRCU(c, addr)
		if ok {
			r = w.read(c, vma, addr)
			m.VMAEndRead(c, vma)
		}
		return r, ok
	}
	w.base.RCU.ReadLock(c)
	if w.sys.design == MMSeqcount || w.sys.design == MMSeqcount64 {
		r, ok = w.lookMM(c, m, addr)
	} else {
		r, ok = w.lookVMA(c, m, addr)
	}
	w.base.RCU.ReadUnlock(c)
	return r, ok
}

func (w *world) lookMM(c *sim.CPU, m *MM, addr uint64) (r found, ok bool) {
	seq, ok := m.SpeculateTryBegin(c)
	if !ok {
		return r, false
	}
	if vma := m.VMALookup(c, addr); !vma.IsNull() {
		r = w.read(c, vma, addr)
	}
	return r, !m.SpeculateRetry(c, seq) // also validates that there is nothing
}

func (w *world) lookVMA(c *sim.CPU, m *MM, addr uint64) (r found, ok bool) {
	vma := m.VMALookup(c, addr)
	if vma.IsNull() {
		return r, false
	}
	seq, ok := m.SpeculateVMABegin(c, vma)
	if !ok || !m.covers(c, vma, addr) {
		return r, false
	}
	r = w.read(c, vma, addr)
	return r, !m.SpeculateVMARetry(c, vma, seq)
}

func (w *world) lookLocked(c *sim.CPU, m *MM, addr uint64) (r found) {
	m.ReadLock(c)
	if vma := m.VMALookup(c, addr); !vma.IsNull() {
		r = w.read(c, vma, addr)
	}
	m.ReadUnlock(c)
	return r
}

// history is every state of a model's pages, in order; those from settled on
// may be now.
type history struct {
	states  [][]pageState
	settled int
}

func (h *history) right(since int, page uint64, got found) bool {
	for _, s := range h.states[since:] {
		if p := s[page]; got == (found{p.flags, p.inode, p.pgoff}) {
			return true
		}
	}
	return false
}

// lookupRun has readers look pages up while a writer changes what they look at,
// at random, and does the same to a second address space in between, so that
// VMAs, files and tree nodes move between the two.
type lookupRun struct {
	*model
	other *model
	h     history
	wrong []string
	ok    int // lookups without fallback
	tried int
	done  bool // the slow reader has ended
}

const lookupPages = 24

func newLookupRun(t *testing.T, d Design, seed uint64, readers int) *lookupRun {
	w := newWorldWith(t, "mm-6.5", readers+1, Config{Design: d, Poison: true})
	l := &lookupRun{model: newModel(w, seed, lookupPages)}
	second := *w
	second.mm = w.sys.NewMM(w.c, "other", nil)
	l.other = newModel(&second, seed+1000, lookupPages)
	l.h.states = [][]pageState{append([]pageState(nil), l.pages...)}
	return l
}

// lookup is one lookup with the check of what it found.
func (l *lookupRun) lookup(c *sim.CPU, page uint64) {
	since := l.h.settled
	got, ok := l.look(c, l.mm, l.addr(page))
	l.tried++
	if ok {
		l.ok++
	} else {
		got = l.lookLocked(c, l.mm, l.addr(page))
	}
	if !l.h.right(since, page, got) {
		l.wrong = append(l.wrong, fmt.Sprintf("page %d (fallback %v): %+v, right were %+v", page, !ok, got, l.h.states[since:]))
	}
}

func (l *lookupRun) writer(c *sim.CPU) error {
	for !l.done {
		before := append([]pageState(nil), l.pages...)
		if err := l.plan(); err != nil {
			return err
		}
		l.h.states = append(l.h.states, append([]pageState(nil), l.pages...))
		copy(l.pages, before)
		if err := l.step(c); err != nil {
			return err
		}
		l.h.settled = len(l.h.states) - 1
		if err := l.other.step(c); err != nil {
			return err
		}
	}
	return nil
}

// plan makes the next step on the pages of the model alone.
func (l *lookupRun) plan() error {
	dry := *l.model
	dry.dry = true
	err := dry.step(nil)
	return err
}

// run has one reader that is slow where it reads VMAs, and others that are fast;
// the writer is slow under odd seeds.
func (l *lookupRun) run(t *testing.T, seed uint64, readers, rounds int) *simtest.Machine {
	t.Helper()
	m := simtest.New(l.mem, simtest.Options{Syms: l.syms, Seed: seed})
	m.Kernel(l.world.base.Hooks())
	m.Go("slow reader", 0, func(c *sim.CPU) {
		r := sim.NewRand(seed, 0, 7)
		c = m.Slow(c, seed, 4000, l.often(8, 80))
		for range rounds {
			l.lookup(c, r.Below(lookupPages))
		}
		l.done = true
	})
	for i := 1; i < readers; i++ {
		m.Go("reader", i, func(c *sim.CPU) {
			for r := sim.NewRand(seed, uint64(i), 7); !l.done; {
				l.lookup(c, r.Below(lookupPages))
				for range r.Below(200) {
					c.Relax()
				}
			}
		})
	}
	m.Go("writer", readers, func(c *sim.CPU) {
		if seed%2 == 1 {
			c = m.Slow(c, seed, 300, l.often(40, 400))
		}
		if err := l.writer(c); err != nil {
			t.Error(err)
		}
	})
	simtest.Run(t, m)
	return m
}

// often is how rarely to pause after loads of VMAs, and after others.
func (l *lookupRun) often(vma, other uint64) func(r sim.Ref) uint64 {
	return func(r sim.Ref) uint64 {
		if l.syms.Lookup(r.A).Object == "vm_area_struct" {
			return vma
		}
		return other
	}
}

// TestLookupsAgainstWriters is invariants U1 to U3 and U15 of uprobes.md and I3,
// I4 and I6 of this package's sheet: what a lookup validated was mapped there at
// some instant of it, whatever writers did meanwhile and whatever the memory of
// VMAs, files and nodes has become since.
func TestLookupsAgainstWriters(t *testing.T) {
	eachDesign(t, func(t *testing.T, d Design) {
		ok, tried, garbage, reuses := 0, 0, int64(0), int64(0)
		for seed := range uint64(6) {
			l := newLookupRun(t, d, seed, 2)
			m := l.run(t, seed, 2, 100)
			for _, s := range l.wrong {
				t.Errorf("seed %d: %s", seed, s)
			}
			for _, k := range []*model{l.model, l.other} {
				if err := k.check(l.c); err != nil {
					t.Errorf("seed %d: afterwards: %v", seed, err)
				}
			}
			ok, tried = ok+l.ok, tried+l.tried
			garbage += m.Counts[garbageReads]
			reuses += m.Counts[sim.NewCounter("file_reuses")]
		}
		t.Logf("%d of %d without fallback, %d garbage reads, %d file reuses", ok, tried, garbage, reuses)
		if d != MMapLock && (ok == 0 || ok == tried) {
			t.Errorf("%d of %d lookups without fallback: the test has not met both", ok, tried)
		}
		if reuses == 0 && d != MMapLock {
			t.Error("no file's memory was reused")
		}
	})
}
