package cores

import "mmsim/sim"

// task is a thread of the program.
type task struct {
	e      *engine
	strand *strand
	group  int
	hw     *hw // that runs it, or ran it last
	result TaskResult
	// While no CPU runs it: what it waits for, since when.
	why   sim.WaitReason
	since sim.Time
	done  bool // its body has returned

	inOp    bool
	opStart sim.Time
}

// settle books the time that the task has not been on a CPU.
func (t *task) settle(now sim.Time) {
	from, to := max(t.since, t.e.warm), min(now, t.e.end)
	t.since = now
	if to <= from {
		return
	}
	if t.done {
		t.result.Exited += to - from
	} else {
		t.result.Sleeping[t.why] += to - from
	}
}

// waits reports whether the task is off its CPU.
func (t *task) waits() bool { return t.strand.hw == nil }
