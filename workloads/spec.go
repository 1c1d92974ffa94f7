// Package workloads builds what a machine runs: thread groups that repeat a
// path, their pinning, rates and address distributions, and the initial state
// of the simulated kernel they run in.
//
// A path is one kernel operation (uprobe-hit, mmap-munmap) or the hardware
// probes of path micro; a design is one way in which the paths of a run
// synchronise. Paths lists both. Build turns a Spec, a machine, a design and a
// seed into a program for package cores.
package workloads

import (
	"mmsim/kernel/bench"
	"mmsim/sim"
)

// Distribution chooses the target of each operation among the path's targets:
// the probed VMAs of uprobe-hit, the areas of mmap-munmap.
type Distribution uint8

const (
	OneVMA  Distribution = iota // all threads use the same VMA
	OwnVMA                      // each thread uses a VMA of its own
	Uniform                     // uniformly among all VMAs
	Zipf                        // Zipf-distributed rank among all VMAs; rank 0 is the first VMA
	numDistributions
)

// String is the distribution's name in experiment files.
func (d Distribution) String() string {
	return [...]string{"one-vma", "own-vma", "uniform", "zipf"}[d]
}

// Area is where a writer works, as readers of probed text see it.
type Area uint8

const (
	Unrelated Area = iota // areas of the writers' own, far away
	Neighbour             // areas right behind the probed ones
	Probed                // the probed areas themselves
)

// String is the area's name in experiment files.
func (a Area) String() string { return [...]string{"unrelated", "neighbour", "probed"}[a] }

// Group is a set of equal threads.
type Group struct {
	Name string
	Path string // name of a registered path
	// CPUs are where the threads start, one entry each, in order; several may
	// name one CPU. None if the path places its own threads.
	CPUs []int
	// Free threads may run on all the group's CPUs, others on theirs alone.
	Free bool
	// Interval between the starts of operations of one thread (from a rate);
	// 0 is back-to-back.
	Interval sim.Time
	Think    sim.Time // after each operation, drawn uniformly in [0, 2*Think)
	Target   Distribution
	// Writes says which areas mprotect, vma-split-merge and mmap-munmap change.
	Writes Area
	// ZipfMilli is the Zipf exponent in thousandths (Zipf only).
	ZipfMilli int
	// Section is what lock-bench does under its locks, and ref-bench with its
	// object.
	Section bench.Section
	// ReadPermille is how many of a thousand operations only read: take the
	// lock for reading (lock-bench), read the total (counter-bench).
	ReadPermille int
	// Nest says which locks lock-bench takes one inside the other.
	Nest bench.Nest
}

// Spec is a whole workload: the groups, in the order of the experiment file,
// and the parameters of the simulated kernel that they share.
type Spec struct {
	Groups []Group
	Params Params
}

// HelperGroup is the group index of threads that a path adds to those of the
// spec (the partner of a ping-pong, the helpers that prepare a line): it
// follows the spec's own groups. Helpers end no operations.
func (s *Spec) HelperGroup() int { return len(s.Groups) }
