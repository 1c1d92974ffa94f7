package workloads

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// Places of what writers work on: fixed, far below what the kernel chooses (top
// down from mmap_base) and what the process starts with.
const (
	heapBase  uint64 = 1 << 43
	ownAreas  uint64 = 1 << 42 // unrelated areas of mprotect and vma-split-merge
	areaPages        = 16      // of each such area
	areaBytes        = areaPages * sim.PageBytes
	libraryID        = 999 // i_ino of the library that dlopen loads
)

// area is what one writer changes and changes back.
type area struct {
	addr, bytes uint64
	flags       mm.VMFlags // it has
	other       mm.VMFlags // it gets meanwhile (mprotect)
}

// writers are the areas that writers of a process work on.
type writers struct {
	unrelated, neighbours, probed []area
	library                       sim.Ptr // inode
}

// newWriters maps what the groups' writers need.
func (p *process) newWriters(k *setting) error {
	c := sim.NewDirect(k.base.Arena.Mem)
	for _, b := range p.Probes {
		p.writers.probed = append(p.writers.probed, area{b.Start, b.End - b.Start, mm.Text, mm.VMRead | mm.VMWrite | mm.VMExec})
	}
	for i := range k.spec.Groups {
		if err := p.writersOf(c, &k.spec.Groups[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) writersOf(c *sim.CPU, g *Group) (err error) {
	w := &p.writers
	switch {
	case g.Path == "brk":
		p.MM.SetHeap(c, heapBase)
	case g.Path == "dlopen" && w.library.IsNull():
		w.library = p.MM.System().NewInode(c, "library", libraryID)
	case !g.changesAreas():
	case g.Writes == Unrelated:
		for n := len(w.unrelated); n < len(g.CPUs) && err == nil; n++ {
			w.unrelated, err = p.mapArea(c, w.unrelated, ownAreas+uint64(n)*leastPlaceStep)
		}
	case g.Writes == Neighbour:
		for n := len(w.neighbours); n < len(p.Probes) && err == nil; n++ {
			w.neighbours, err = p.mapArea(c, w.neighbours, p.Probes[n].End)
		}
	}
	return err
}

// changesAreas tells the paths that change areas which exist.
func (g *Group) changesAreas() bool { return g.Path == "mprotect" || g.Path == "vma-split-merge" }

// mapArea adds an area of anonymous memory whose first pages are touched.
func (p *process) mapArea(c *sim.CPU, to []area, addr uint64) ([]area, error) {
	touched := uint64(min(p.params.MM.TouchedPages, areaPages)) * sim.PageBytes
	_, err := p.MM.AtBoot().Mmap(c, mm.Mapping{Addr: addr, Bytes: areaBytes, Flags: mm.Anon, Populate: touched})
	return append(to, area{addr, areaBytes, mm.Anon, mm.VMRead}), err
}

// areas are those that the group's targets choose among.
func (w *writers) areas(g *Group) []area {
	switch g.Writes {
	case Neighbour:
		return w.neighbours
	case Probed:
		return w.probed
	}
	return w.unrelated
}

// writerTargets is how many areas a group that changes areas chooses among.
func writerTargets(p *process, g *Group) int { return len(p.writers.areas(g)) }

// mprotectArea takes write permission from an area of data and gives it back,
// or the other way round for text.
func mprotectArea(p *process, g *Group) operation {
	areas := p.writers.areas(g)
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) {
		a := &areas[target]
		must(p.MM.MprotectRound(c, a.addr, a.bytes, a.other, a.flags))
	}
}

// splitMerge splits the first half off an area and merges it back. In probed
// text that half has the probe.
func splitMerge(p *process, g *Group) operation {
	areas := p.writers.areas(g)
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) {
		must(p.MM.SplitMerge(c, areas[target].addr, areas[target].bytes/2))
	}
}

func growShrinkHeap(p *process, _ *Group) operation {
	return func(c *sim.CPU, _ uint64, _ int, _ *sim.Rand) {
		must(p.MM.BrkRound(c, heapBase, p.params.MM.MmapPages, p.params.MM.TouchedPages))
	}
}

func loadLibrary(p *process, _ *Group) operation {
	l := mm.DefaultLibrary()
	return func(c *sim.CPU, _ uint64, _ int, _ *sim.Rand) { must(p.MM.DlopenRound(c, p.writers.library, l)) }
}

// must ends the run at a fault of the simulated kernel: workloads ask for
// nothing that can fail.
func must(err error) {
	if err != nil {
		panic(err.Error())
	}
}

// reloads: the group unmaps probed areas and maps them again.
func (g *Group) reloads() bool { return g.Path == "mmap-munmap" && g.Writes == Probed }
