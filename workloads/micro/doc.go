// Package micro holds the bodies of the hardware probes of path micro: the
// micro-benchmarks by which published two-CPU and single-CPU figures were
// taken (shared facts: machines.md sections 0.3 and 4.2), written against the
// CPU contract alone. Which CPUs they run on and which lines they use is the
// business of package probes.
//
// A body repeats one operation for ever. Only what lies between OpBegin and
// OpEnd is measured: read a probe by its latency (mean or median), not by its
// throughput, because preparing the next operation also takes time. Loops and
// counters cost nothing here; on hardware they overlap with what is measured.
//
// Bodies keep no state outside their coroutine, so a program can be run again
// on a copy of its memory.
package micro

import "mmsim/sim"

// Steps that the probes' costs are charged to.
var (
	stepProbe = sim.NewStep("probe")
	stepSetUp = sim.NewStep("probe-set-up")
)

// Body is what a thread of a probe runs.
type Body func(c *sim.CPU)

// WordLayout is a cache line that a probe uses one word of.
var WordLayout = sim.NewLayout("probe_line", 64, 64, sim.F("word", 0, 8))

// FlagLayout is a line by which the threads of a probe take turns between
// operations; it never takes part in a measured one.
var FlagLayout = sim.NewLayout("probe_turn", 64, 64, sim.F("turn", 0, 8))

func word(a sim.Addr) sim.Ref { return sim.At(a).Ref(0, 8) }

// measured runs one operation.
func measured(c *sim.CPU, op func(c *sim.CPU)) {
	c.Step(stepProbe)
	c.OpBegin()
	op(c)
	c.OpEnd()
	c.Step(stepSetUp)
}
