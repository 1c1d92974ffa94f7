package litmus

import (
	"context"
	"fmt"
	"time"

	"mmsim/explore"
	"mmsim/sim"
)

// Search says how a test is explored.
type Search struct {
	Model explore.Model
	// Budget is the host time after which a test is given up, Unknown unless what
	// was found by then decides it; zero means none.
	Budget time.Duration
}

// Explore goes through the executions of p under a memory model.
func Explore(ctx context.Context, p *Program, s Search) (*Result, error) {
	r := newRun(p, memoryBase, modelled{s.Model})
	k := newCollector(p)
	mem := sim.NewMemory()
	p.initialise(mem, r.base)
	prog := &explore.Program{
		Mem: mem, Syms: p.symbols(r.base), ExactDeps: true,
		Reset: func() { k.stopped(r); r.reset() },
		Final: func(v explore.View) (string, error) {
			return k.ended(r, func(a sim.Addr) uint64 { return v.Read(a, 8) }), nil
		},
	}
	r.reset()
	for i := range r.threads {
		t := &r.threads[i]
		prog.Threads = append(prog.Threads, explore.Thread{Name: t.name(), CPU: i, Body: t.body})
	}
	sum, err := explore.Run(prog, explore.Options{Model: s.Model, Bound: explore.Unbounded, Budget: s.Budget})
	if err != nil {
		return nil, err
	}
	if v := sum.Violation; v != nil { // a test has no invariants
		return nil, fmt.Errorf("%s: exploration failed: %s", p.File.Path, v.Invariant)
	}
	k.stopped(r)
	k.res.Model = s.Model
	k.res.Complete = sum.Exhausted && sum.Livelocks == 0 && !k.full
	k.res.Deadlocks = int64(sum.Deadlocks)
	return k.result(), context.Cause(ctx)
}
