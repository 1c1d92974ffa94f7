package workloads

import "mmsim/kernel/bench"

// paths is the table of all paths.
var paths = []Path{
	on(&processes, Path{
		Name: "uprobe-hit", Doc: "a breakpoint trap of a probed function, from user mode back to user mode",
		Targets: "the probed text VMAs", ownIsLimited: true,
	}, hitTargets, uprobeHit),
	on(&processes, Path{
		Name: "uretprobe", Doc: "a call of a probed function: the hit at its entry, and its return to the probe's trampoline",
		Targets: "the probed text VMAs", ownIsLimited: true,
	}, callTargets, uretprobeCall),
	on(&processes, Path{
		Name: "uprobe-register", Doc: "register a consumer of a probe, unregister it, wait until no handler of it can run",
		Targets: "the probed text VMAs", ownIsLimited: true,
	}, probeTargets, registerUnregister),
	on(&processes, Path{
		Name: "mmap-munmap", Doc: "map an area of anonymous memory, touch pages of it, unmap it; or unload a probed library and load it again (writes = probed)",
		Targets: "the places for the area: wherever the kernel puts it under own-vma, else as many fixed places as the process has VMAs; the probed text VMAs under writes = probed",
	}, placeTargets, mmapMunmap),
	on(&processes, Path{
		Name: "mprotect", Doc: "take write permission from an area (or give it to probed text), and back",
		Targets: "the areas that the group writes", ownIsLimited: true,
	}, writerTargets, mprotectArea),
	on(&processes, Path{
		Name: "vma-split-merge", Doc: "split half of an area off by madvise(MADV_DONTDUMP), and merge it back",
		Targets: "the areas that the group writes", ownIsLimited: true,
	}, writerTargets, splitMerge),
	on(&processes, Path{
		Name: "brk", Doc: "grow the heap, touch pages of it, shrink it",
		Targets: "the heap, of which there is one",
	}, oneTarget, growShrinkHeap),
	on(&processes, Path{
		Name: "dlopen", Doc: "load a shared library, in a burst of six system calls, and unload it",
		Targets: "the library, loaded wherever the kernel puts it",
	}, oneTarget, loadLibrary),
	on(&processes, Path{
		Name: "fault-lock", Doc: "the locking of a page fault: read-lock a VMA under RCU, or mmap_lock, and unlock it",
		Targets: "the VMAs of the process",
	}, areaTargets, faultLock),
	on(&lockSets, Path{
		Name: "lock-bench", Doc: "take one of the kernel's locks, touch lines, give it back",
		Targets: "the locks: the first one of nest neighbours",
	}, of((*lockSet).windows), lockSection),
	on(&counterSets, Path{
		Name: "counter-bench", Doc: "count an event in a counter that all threads share, or read the total",
		Targets: "the counters",
	}, of((*bench.Counters).Len), countEvent),
	on(&refSets, Path{
		Name: "ref-bench", Doc: "look up an object that others replace, use it, let it go",
		Targets: "the pointers to objects",
	}, of((*bench.Refs).Len), useObject),
	on(&refSets, Path{
		Name: "ref-update", Doc: "replace an object that others look up, free the old one when nobody uses it",
		Targets: "the pointers to objects",
	}, of((*bench.Refs).Len), replaceObject),
	{
		Name: "micro", Doc: "hardware probes: loads, atomics, fences, hand-overs of a line",
		PlacesThreads: true, designs: probeDesigns,
	},
}

// of makes a number of targets out of one that is the same for all groups.
func of[W any](n func(w W) int) func(w W, g *Group) int {
	return func(w W, _ *Group) int { return n(w) }
}
