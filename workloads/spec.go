// Package workloads builds what a machine runs: thread groups that repeat a
// path, their pinning, rates and address distributions, and the initial state
// of the simulated kernel they run in.
package workloads

import (
	"mmsim/sim"
)

// Distribution chooses the target of each operation among the group's VMAs.
type Distribution uint8

const (
	OneVMA  Distribution = iota // all threads use the same VMA
	OwnVMA                      // each thread uses a VMA of its own
	Uniform                     // uniformly among all VMAs
	Zipf                        // Zipf-distributed rank among all VMAs
)

// Group is a set of equal threads.
type Group struct {
	Name string
	Path string // name of a registered path
	CPUs []int  // one thread per entry, in order
	// Interval between the starts of operations of one thread (from a rate);
	// 0 is back-to-back.
	Interval sim.Time
	Think    sim.Time // after each operation, drawn uniformly in [0, 2*Think)
	Target   Distribution
	// ZipfMilli is the Zipf exponent in thousandths (Zipf only).
	ZipfMilli int
}
