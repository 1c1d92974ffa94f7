package litmus

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mmsim/cores"
	"mmsim/sim"
)

// Timing says how a test is run on a machine.
type Timing struct {
	Machine *cores.Machine
	CPUs    []int // of the threads, in order; nil means CPU 0, 1, ...
	Runs    int
	Seed    uint64
}

// Run-time limits: simulated time that one run of a test may take, and how many
// runs share one simulation.
const (
	runLimit   = 10 * sim.Millisecond
	batchLimit = 256
)

// Time runs p repeatedly on a machine. Every run has memory of its own, which
// its threads read beforehand; they meet at a barrier, and each then waits for a
// time drawn from the seed, so that the overlap differs from run to run. The
// result's Took is the time from the first thread's start to the last one's end,
// summed over the runs.
func Time(ctx context.Context, p *Program, t Timing) (*Result, error) {
	if err := t.Check(p); err != nil {
		return nil, err
	}
	t.CPUs = t.placement(p)
	k := newCollector(p)
	k.res.Machine, k.res.Period = t.Machine, t.Machine.Clock[0].Clock.Period()
	for first := 0; first < t.Runs && k.res.Deadlocks == 0; first += batchLimit {
		b := newBatch(p, t, first, min(batchLimit, t.Runs-first))
		if err := b.run(ctx, k); err != nil {
			return nil, err
		}
	}
	return k.result(), nil
}

// placement is the CPU of each thread.
func (t *Timing) placement(p *Program) []int {
	if t.CPUs != nil {
		return t.CPUs
	}
	cpus := make([]int, len(p.procs))
	for i := range cpus {
		cpus[i] = i
	}
	return cpus
}

// Check reports whether the threads of p have CPUs of their own on the machine.
func (t *Timing) Check(p *Program) error {
	n := t.Machine.Mem.Topology.CPUs()
	cpus := t.placement(p)
	if len(cpus) != len(p.procs) {
		return fmt.Errorf("%s: %d threads for %d CPUs", p.File.Path, len(p.procs), len(cpus))
	}
	for i, cpu := range cpus {
		if cpu < 0 || cpu >= n {
			return fmt.Errorf("%s: P%d on CPU %d; expected one of the CPUs 0 to %d of %s", p.File.Path, p.procs[i].id, cpu, n-1, t.Machine.Name)
		}
		if slices.Contains(cpus[:i], cpu) {
			return fmt.Errorf("%s: two threads on CPU %d; expected a CPU for each", p.File.Path, cpu)
		}
	}
	return nil
}

// batch is some runs within one simulation.
type batch struct {
	Timing
	p          *Program
	mem        *sim.Memory
	first      int // number of the first run
	runs       []*run
	start, end [][]sim.Time // by run and thread; end is zero until the thread is done
}

func newBatch(p *Program, t Timing, first, n int) *batch {
	b := &batch{Timing: t, p: p, mem: sim.NewMemory(), first: first}
	for i := range n {
		base := memoryBase + sim.Addr(i)*p.bytes()
		r := newRun(p, base, nil)
		r.on = newMachine(r, t.CPUs, t.Machine.Ordering == cores.POWER)
		r.reset()
		p.initialise(b.mem, base)
		b.runs = append(b.runs, r)
		b.start = append(b.start, make([]sim.Time, len(r.threads)))
		b.end = append(b.end, make([]sim.Time, len(r.threads)))
	}
	return b
}

// run simulates the batch and collects its outcomes. A stall ends it: what has
// finished by then counts.
func (b *batch) run(ctx context.Context, k *collector) error {
	prog := &cores.Program{Mem: b.mem, Syms: new(sim.Symbols)}
	for i, cpu := range b.CPUs {
		prog.Threads = append(prog.Threads, cores.Thread{Name: b.runs[0].threads[i].name(), Path: b.p.File.Name, CPU: cpu,
			Body: func(c *sim.CPU) { b.thread(c, i) }})
	}
	_, err := cores.Run(b.Machine, prog, cores.Options{Seed: b.Seed + uint64(b.first), Context: ctx,
		Duration: sim.Time(len(b.runs)+1) * runLimit, NoProgress: runLimit, TaskStall: runLimit})
	var stall *cores.StallError
	if err != nil && !errors.As(err, &stall) {
		return err
	}
	for i, r := range b.runs {
		if !b.finished(i) {
			k.stopped(r)
			k.res.Deadlocks++
			break
		}
		k.ended(r, func(a sim.Addr) uint64 { return b.mem.Read(a, 8) })
		k.res.Took += b.length(i)
	}
	return nil
}

// thread is one thread's part in all runs of the batch.
func (b *batch) thread(c *sim.CPU, i int) {
	for n, r := range b.runs {
		t := &r.threads[i]
		c.OpBegin()
		for v := range b.p.Vars {
			c.Load(sim.At(address(r.base, v)).Ref(0, 8))
		}
		c.FetchAdd(r.barrierWord(), 1, sim.Full)
		c.SpinUntil(sim.Never, sim.Cond{Ref: r.barrierWord(), Arg: uint64(len(b.CPUs)), Order: sim.Acquire})
		c.Compute(b.skew(n, i))
		b.start[n][i] = c.Now()
		t.body(c)
		b.end[n][i] = c.Now()
		c.OpEnd()
	}
}

// skew is how long a thread waits behind the barrier: of a random order of
// magnitude, up to about a thousand cycles.
func (b *batch) skew(n, i int) sim.Cycles {
	r := sim.NewRand(b.Seed, uint64(i), uint64(b.first+n))
	return sim.Cycles(r.Below(1 << r.Below(11)))
}

func (b *batch) finished(n int) bool {
	for _, at := range b.end[n] {
		if at == 0 {
			return false
		}
	}
	return true
}

// length is the time of a run from its first thread's start to its last one's
// end.
func (b *batch) length(n int) sim.Time {
	first, last := b.start[n][0], b.end[n][0]
	for i := range b.start[n] {
		first, last = min(first, b.start[n][i]), max(last, b.end[n][i])
	}
	return last - first
}
