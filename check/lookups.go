package check

import (
	"fmt"

	"mmsim/explore"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

var flagLayout = sim.NewLayout("flag", 64, 64, sim.F("done", 0, 4))

// specMunmap is a hit against a munmap that splits the area, so that vm_start and
// vm_pgoff change in place, and a mmap of another file there: what is found was
// mapped there as a whole (U1, U3), and is not what was unmapped before the hit
// began.
func specMunmap(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2})
	if err != nil {
		return nil, err
	}
	a, ofA := w.inode("A", 0, 1, 2)
	b, ofB := w.inode("B", 1, otherPage)
	fileA, fileB := w.sys.OpenFile(w.c, a), w.sys.OpenFile(w.c, b)
	done := w.base.Arena.Object(flagLayout, "").F(flagLayout.Field("done"))
	w.thread("munmap", func(c *sim.CPU) {
		unmap(c, w.mm)
		remap(c, w.mm, text(fileB, otherPage))
		c.StoreRelease(done, 1)
	})
	w.thread("hit", func(c *sim.CPU) {
		gone := c.LoadAcquire(done) != 0
		if w.hit(c, "U1: a hit found a uprobe of a mapping that never was", ofA[1], ofB[1]) == ofA[1] && gone {
			explore.Fail(c, "U1: a hit found what was unmapped before it began")
		}
	})
	whole := text(fileA, 0)
	whole.Addr -= sim.PageBytes
	whole.Bytes += sim.PageBytes
	return w.Program, w.boot(w.mm, whole)
}

// specSplit is the first part of specMunmap alone: small enough for a larger
// bound.
func specSplit(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2})
	if err != nil {
		return nil, err
	}
	a, ofA := w.inode("A", 0, 1, 2)
	file := w.sys.OpenFile(w.c, a)
	w.thread("munmap", func(c *sim.CPU) { unmap(c, w.mm) })
	w.thread("hit", func(c *sim.CPU) {
		w.hit(c, "U3: a hit found a uprobe by a half-done change of the area", ofA[1])
	})
	whole := text(file, 0)
	whole.Addr -= sim.PageBytes
	whole.Bytes += sim.PageBytes
	return w.Program, w.boot(w.mm, whole)
}

// specMerge is a hit against a mmap that makes its area grow downwards, so that
// vm_start and vm_pgoff change in place. Unlike a split it takes no reference to
// the file, which is a full barrier.
func specMerge(d mm.Design) (*explore.Program, error) { return specGrow(d, 0) }

// specSecondWrite is specMerge behind a write section that changes nothing: a
// reader may have seen mm_lock_seq before it, and looks at the VMA behind it
// (uprobes.md section 9, B3: the order of the first two loads).
func specSecondWrite(d mm.Design) (*explore.Program, error) { return specGrow(d, 1) }

// specGrow is a hit against an area that grows behind so many write sections.
func specGrow(d mm.Design, sections int) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2})
	if err != nil {
		return nil, err
	}
	a, ofA := w.inode("A", 0, 1, 2)
	file := w.sys.OpenFile(w.c, a)
	below := text(file, 0)
	below.Addr -= sim.PageBytes
	w.thread("mmap", func(c *sim.CPU) {
		for range sections {
			w.mm.WriteLock(c)
			w.mm.WriteUnlock(c)
		}
		remap(c, w.mm, below)
	})
	w.thread("hit", func(c *sim.CPU) {
		w.hit(c, "U3: a hit found a uprobe by a half-done change of the area", ofA[1])
	})
	return w.Program, w.boot(w.mm, text(file, 1))
}

// specReuse is a hit against a VMA that is freed and attached in another mm: what
// the other process maps there is not found (vma-locking-and-fork.md section 2e).
func specReuse(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2})
	if err != nil {
		return nil, err
	}
	a, ofA := w.inode("A", 0)
	b, _ := w.inode("B", 0)
	fileA, fileB := w.sys.OpenFile(w.c, a), w.sys.OpenFile(w.c, b)
	other := w.sys.NewMM(w.c, "other_mm", nil)
	w.thread("munmap", func(c *sim.CPU) {
		unmap(c, w.mm)
		remap(c, other, text(fileB, 0))
	})
	w.thread("hit", func(c *sim.CPU) {
		w.hit(c, "I4: a hit found what another process has mapped", ofA[0])
	})
	return w.Program, w.boot(w.mm, text(fileA, 0))
}

// fileReuse is a hit against the memory of the file it reads being another file:
// munmap drops the last reference to it, and a file that is mapped nowhere is
// opened (U2). With areas on both sides the area's slot of the maple tree is
// emptied in place, so that no dead node tells a reader.
func fileReuse(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2})
	if err != nil {
		return nil, err
	}
	a, ofA := w.inode("A", 0)
	b, _ := w.inode("B", 0)
	fileA := w.sys.OpenFile(w.c, a)
	for i, r := range []mm.Mapping{text(fileA, 0), anon(textAddr - textBytes), anon(textAddr + textBytes)} {
		if err = w.boot(w.mm, r); err != nil {
			return nil, fmt.Errorf("area %d: %w", i, err)
		}
	}
	w.sys.PutFile(w.c, fileA)
	w.thread("munmap+open", func(c *sim.CPU) {
		unmap(c, w.mm)
		w.sys.OpenFile(c, b)
	})
	w.thread("hit", func(c *sim.CPU) {
		w.hit(c, "U2: a hit found a uprobe of a file that is not mapped", ofA[0])
	})
	return w.Program, nil
}

// fileReuseElsewhere is fileReuse with the last reference on a third CPU, which
// closes the file and opens the other one (FILE-REUSE of locks-and-barriers.md
// section 15).
func fileReuseElsewhere(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 3})
	if err != nil {
		return nil, err
	}
	a, ofA := w.inode("A", 0)
	b, _ := w.inode("B", 0)
	fileA := w.sys.OpenFile(w.c, a)
	w.thread("close+open", func(c *sim.CPU) {
		w.sys.PutFile(c, fileA)
		w.sys.OpenFile(c, b)
	})
	w.thread("munmap", func(c *sim.CPU) { unmap(c, w.mm) })
	w.thread("hit", func(c *sim.CPU) {
		w.hit(c, "U2: a hit found a uprobe of a file that is not mapped", ofA[0])
	})
	return w.Program, w.boot(w.mm, text(fileA, 0))
}

// seqWrap is a hit against as many write sections as bring sequence numbers of
// two bits back, with the file's memory used again in one of them (section 5.5).
// A 64-bit counter keeps its width: it does not wrap.
func seqWrap(d mm.Design) (*explore.Program, error) {
	s := setup{cpus: 2, seqBits: 2}
	if d == mm.MMSeqcount64 {
		s.seqBits = 64
	}
	w, err := newWorld(d, s)
	if err != nil {
		return nil, err
	}
	a, ofA := w.inode("A", 0)
	b, _ := w.inode("B", 0)
	fileA := w.sys.OpenFile(w.c, a)
	if err = w.boot(w.mm, text(fileA, 0)); err != nil {
		return nil, err
	}
	w.sys.PutFile(w.c, fileA)
	w.thread("writer", func(c *sim.CPU) {
		for range wrapSections {
			w.mm.WriteLock(c)
			w.mm.WriteUnlock(c)
		}
		unmap(c, w.mm)
		w.sys.OpenFile(c, b)
	})
	w.thread("hit", func(c *sim.CPU) {
		w.hit(c, "U2: a hit found a uprobe of a file that is not mapped", ofA[0])
	})
	return w.Program, nil
}

// wrapSections is how many write sections lie between the one that maps the area
// and the one that unmaps it: with numbers of two bits that move by one in each
// section, its stamp has come round by then. Where they move by two, so has
// mm_lock_seq at the end of it all.
const wrapSections = 3
