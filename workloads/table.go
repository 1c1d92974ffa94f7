package workloads

import "mmsim/kernel/bench"

// paths is the table of all paths.
var paths = []Path{
	on(&processes, Path{
		Name: "uprobe-hit", Doc: "a breakpoint trap of a probed function, from user mode back to user mode",
		Targets: "the probed text VMAs", ownIsLimited: true,
	}, func(p *process) int { return len(p.Probes) }, uprobeHit),
	on(&processes, Path{
		Name: "mmap-munmap", Doc: "map an area of anonymous memory, touch pages of it, unmap it",
		Targets: "the places for the area: wherever the kernel puts it under own-vma, else as many fixed places as the process has VMAs",
	}, func(p *process) int { return p.params.MM.VMAs }, mmapMunmap),
	on(&lockSets, Path{
		Name: "lock-bench", Doc: "take one of the kernel's locks, touch lines, give it back",
		Targets: "the locks: the first one of nest neighbours",
	}, (*lockSet).windows, lockSection),
	on(&counterSets, Path{
		Name: "counter-bench", Doc: "count an event in a counter that all threads share, or read the total",
		Targets: "the counters",
	}, (*bench.Counters).Len, countEvent),
	on(&refSets, Path{
		Name: "ref-bench", Doc: "look up an object that others replace, use it, let it go",
		Targets: "the pointers to objects",
	}, (*bench.Refs).Len, useObject),
	on(&refSets, Path{
		Name: "ref-update", Doc: "replace an object that others look up, free the old one when nobody uses it",
		Targets: "the pointers to objects",
	}, (*bench.Refs).Len, replaceObject),
	{
		Name: "micro", Doc: "hardware probes: loads, atomics, fences, hand-overs of a line",
		PlacesThreads: true, designs: probeDesigns,
	},
}
