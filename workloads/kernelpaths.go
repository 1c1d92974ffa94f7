package workloads

import (
	"math/bits"

	"mmsim/kernel/mm"
	"mmsim/kernel/uprobes"
	"mmsim/sim"
)

// processDesigns are the ways to look a VMA up beside those who change the
// address space, each in the kernel of 6.13, and the eras: whole hit paths. All
// paths of a process follow the run's design.
func processDesigns() []Design {
	var out []Design
	for _, d := range mm.Designs() {
		out = append(out, Design{d.Name, d.Title})
	}
	for _, e := range uprobes.Eras() {
		out = append(out, Design{e.Name, "era: " + e.Title})
	}
	return out
}

func probeTargets(p *process, _ *Group) int { return len(p.Probes) }

// hitTargets and callTargets are the probes of each kind.
func hitTargets(p *process, _ *Group) int  { return p.entries }
func callTargets(p *process, _ *Group) int { return len(p.Probes) - p.entries }

func oneTarget(*process, *Group) int { return 1 }

// uprobeHit runs through the target-th probe. A lookup that came to a wrong
// uprobe or to none is a fault of the simulated kernel and ends the run; where
// probes come and go an operation may find no breakpoint.
func uprobeHit(p *process, _ *Group) operation {
	if p.texts {
		return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) {
			_, err := p.Run(c, target)
			must(err)
		}
	}
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) { must(p.Hit(c, target)) }
}

func uretprobeCall(p *process, _ *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) { must(p.Call(c, p.entries+target)) }
}

func registerUnregister(p *process, _ *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) { p.RegisterUnregister(c, target) }
}

func areaTargets(p *process, _ *Group) int { return p.params.MM.VMAs }

func faultLock(p *process, _ *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) { p.MM.FaultLockRound(c, p.Area(target)) }
}

// placeTargets is how many fixed places mmap-munmap has.
func placeTargets(p *process, g *Group) int {
	if g.Writes == Unrelated {
		return p.params.MM.VMAs
	}
	return len(p.Probes)
}

// Fixed places for the areas of mmap-munmap: far below those that the kernel
// chooses (top down from mmap_base) and that the process starts with.
const (
	placeBase      uint64 = 1 << 44
	leastPlaceStep uint64 = 2 << 20 // what one page-table page covers
)

// mmapMunmap maps, touches and unmaps an area. Under own-vma it is wherever
// the kernel puts it, so each thread's area is its own; under the other
// distributions it is asked to be at the target-th fixed place, and lies
// elsewhere if another thread's is there. Neighbours lie right behind probed
// areas, and behind the areas that other writers have there. Of probed areas it
// is the other way round: they are unmapped first.
func mmapMunmap(p *process, g *Group) operation {
	if g.reloads() {
		return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) { must(p.Reload(c, target)) }
	}
	pages := p.params.MM.MmapPages
	step := placeStep(uint64(pages) * sim.PageBytes)
	own := g.Target == OwnVMA
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) {
		addr := placeBase + uint64(target)*step
		switch {
		case g.Writes == Neighbour:
			addr = p.Probes[target].End + uint64(len(p.writers.neighbours)/len(p.Probes))*areaBytes
		case own:
			addr = 0
		}
		must(p.MmapMunmap(c, addr, pages, p.params.MM.TouchedPages))
	}
}

// placeStep is the distance of fixed places: room for an area, and a page
// table of its own.
func placeStep(bytes uint64) uint64 {
	return max(leastPlaceStep, uint64(1)<<bits.Len64(bytes-1))
}
