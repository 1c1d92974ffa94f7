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

// Explore goes through the executions of p under a memory model. If there are
// too many of them, the last third of the budget goes to those alone that could
// decide the condition.
func Explore(ctx context.Context, p *Program, s Search) (*Result, error) {
	k := newCollector(p)
	k.res.Model = s.Model
	sum, err := k.search(ctx, s.Model, s.Budget-s.Budget/3, false)
	if err != nil {
		return nil, err
	}
	k.res.Complete = sum.Exhausted && sum.Livelocks == 0 && !k.full
	k.res.Deadlocks = int64(sum.Deadlocks)
	if pos, neg := k.tally(); !k.res.Complete && !k.res.decided(pos, neg) && s.Budget/3 > 0 && ctx.Err() == nil {
		if sum, err = k.search(ctx, s.Model, s.Budget/3, true); err != nil {
			return nil, err
		}
		k.res.Searched = sum.Exhausted && sum.Livelocks == 0
	}
	return k.result(), context.Cause(ctx)
}

// search explores all executions, or those that could decide the condition.
func (k *collector) search(ctx context.Context, m explore.Model, budget time.Duration, deciding bool) (*explore.Summary, error) {
	p := k.res.Program
	r := newRun(p, memoryBase, modelled{m})
	mem := sim.NewMemory()
	p.initialise(mem, r.base)
	prog := &explore.Program{
		Mem: mem, Syms: p.symbols(r.base), ExactDeps: true,
		Reset: func() { k.stopped(r); r.reset() },
		Final: func(v explore.View) (string, error) {
			return k.ended(r, func(a sim.Addr) uint64 { return v.Read(a, 8) }), nil
		},
	}
	if deciding {
		prog.Hopeless = func() bool { return !p.open(r) }
	}
	r.reset()
	for i := range r.threads {
		t := &r.threads[i]
		prog.Threads = append(prog.Threads, explore.Thread{Name: t.name(), CPU: i, Body: t.body})
	}
	sum, err := explore.Run(prog, explore.Options{Model: m, Bound: explore.Unbounded, Budget: budget, Done: ctx.Done()})
	if err != nil {
		return nil, err
	}
	if v := sum.Violation; v != nil { // a test has no invariants
		return nil, fmt.Errorf("%s: exploration failed: %s", p.File.Path, v.Invariant)
	}
	k.stopped(r)
	return sum, nil
}

// open reports whether a run in progress could still end in a state that
// decides the condition: one in which it holds, or does not for forall.
func (p *Program) open(r *run) bool {
	if p.filter != nil {
		if may, _ := p.filter.may(p, r); !may {
			return false
		}
	}
	holds, fails := p.cond.may(p, r)
	if p.File.Quant == Forall {
		return fails
	}
	return holds
}

// may tells whether a proposition can come out true, and false, at the end of a
// run in progress. Only registers of threads that have ended are known.
func (k *prop) may(p *Program, r *run) (holds, fails bool) {
	switch k.op {
	case True:
		return true, false
	case False:
		return false, true
	case Not:
		holds, fails = k.x.may(p, r)
		return fails, holds
	case Atom:
		return k.mayAtom(p, r)
	}
	xh, xf := k.x.may(p, r)
	yh, yf := k.y.may(p, r)
	switch k.op {
	case And:
		return xh && yh, xf || yf
	case Or:
		return xh || yh, xf && yf
	}
	return xf || yh, xh && yf
}

func (k *prop) mayAtom(p *Program, r *run) (holds, fails bool) {
	left, known := p.known(r, k.l)
	right := k.k
	if known && k.r >= 0 {
		right, known = p.known(r, k.r)
	}
	if !known {
		return true, true
	}
	is := (left == right) != k.ne
	return is, !is
}

// known is the final value of a column, if the run in progress has it.
func (p *Program) known(r *run, column int) (operand, bool) {
	c := &p.columns[column]
	if c.proc == Shared || !r.threads[c.proc].ended {
		return operand{}, false
	}
	return p.operandOf(r.base, r.threads[c.proc].regs[c.index].v), true
}
