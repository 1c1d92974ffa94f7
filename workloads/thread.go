package workloads

import "mmsim/sim"

// setUpDraws is the operation number of the draws that a thread makes once.
const setUpDraws = ^uint64(0)

// operation runs a path once: k is its number on this thread, target what the
// distribution chose, r further draws of this operation.
type operation func(c *sim.CPU, k uint64, target int, r *sim.Rand)

// thread repeats a path at the pace of its group. All draws are by (seed,
// thread, operation), so that every design sees the same targets and think
// times operation by operation, and a further thread changes no other.
type thread struct {
	group   *Group
	index   int    // within the group
	stream  uint64 // of random draws
	seed    uint64
	targets *Targets
	do      operation
}

// streamOf numbers the random stream of a thread: by group and index, so that
// a group that grows leaves the others alone.
func streamOf(group, index int) uint64 { return uint64(group)<<32 | uint64(index) }

// body is the thread's coroutine. With a rate, operation k is due at phase +
// k*Interval, the phase being drawn once in [0, Interval): an open loop. An
// operation that is due while its predecessor still runs (or thinks) starts at
// once afterwards, and later ones keep their own due times, so the rate holds
// over the run although single starts drift; latency counts from the actual
// start.
func (t *thread) body(c *sim.CPU) {
	first := sim.NewRand(t.seed, t.stream, setUpDraws)
	due := first.TimeBelow(t.group.Interval)
	for k := uint64(0); ; k++ {
		r := sim.NewRand(t.seed, t.stream, k)
		target := t.targets.Pick(&r, t.index)
		pause := drawBelow(&r, 2*t.group.Think)
		if t.group.Interval > 0 {
			c.Think(due)
			due += t.group.Interval
		}
		c.OpBegin()
		t.do(c, k, target, &r)
		c.OpEnd()
		if pause > 0 {
			c.Think(c.Now() + pause)
		}
	}
}

// drawBelow takes exactly one draw, also when t is 0: what a path draws does
// not depend on whether its group thinks.
func drawBelow(r *sim.Rand, t sim.Time) sim.Time {
	if t <= 0 {
		r.Uint64()
		return 0
	}
	return r.TimeBelow(t)
}
