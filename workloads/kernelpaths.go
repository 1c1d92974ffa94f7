package workloads

import (
	"math/bits"

	"mmsim/kernel/mm"
	"mmsim/sim"
)

// mmDesigns are the ways to synchronise with those that change the address
// space; both kernel paths follow the run's design.
func mmDesigns() []Design {
	var out []Design
	for _, d := range mm.Designs() {
		out = append(out, Design{d.Name, d.Title})
	}
	return out
}

// uprobeHit hits the target-th probe. A lookup that came to a wrong uprobe or
// to none is a fault of the simulated kernel and ends the run.
func uprobeHit(p *process, _ *Group) operation {
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) {
		if err := p.Hit(c, target); err != nil {
			panic(err.Error())
		}
	}
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
// elsewhere if another thread's is there.
func mmapMunmap(p *process, g *Group) operation {
	pages := p.params.MM.MmapPages
	step := placeStep(uint64(pages) * sim.PageBytes)
	own := g.Target == OwnVMA
	return func(c *sim.CPU, _ uint64, target int, _ *sim.Rand) {
		addr := placeBase + uint64(target)*step
		if own {
			addr = 0
		}
		if err := p.MmapMunmap(c, addr, pages, p.params.MM.TouchedPages); err != nil {
			panic(err.Error())
		}
	}
}

// placeStep is the distance of fixed places: room for an area, and a page
// table of its own.
func placeStep(bytes uint64) uint64 {
	return max(leastPlaceStep, uint64(1)<<bits.Len64(bytes-1))
}
