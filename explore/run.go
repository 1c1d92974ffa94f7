package explore

import (
	"fmt"
	"sort"
	"time"

	"mmsim/sim"
)

const (
	defaultMaxOps     = 100_000
	defaultExecutions = 10_000 // of sampling searches
	learningRuns      = 8
	defaultDepth      = 3 // of PCT
	noBound           = -2
)

// strategy is a driver that goes from execution to execution.
type strategy interface {
	driver
	begin()
	more(m *machine) bool
}

// Run searches the executions of p.
func Run(p *Program, o Options) (*Summary, error) {
	if len(p.Threads) == 0 {
		return nil, fmt.Errorf("explore: a program without threads")
	}
	r := newRun(p, o)
	defer r.m.close()
	r.learn()
	r.search()
	if r.sum.Violation == nil {
		return &r.sum, nil
	}
	return &r.sum, r.minimise()
}

// run is one search in progress.
type run struct {
	p        *Program
	o        Options
	m        *machine
	sum      Summary
	outcomes map[string]int
	started  time.Time
	stop     bool // a limit was reached
	whole    bool // bounded searches prune nothing: for tests
	after    int  // executions since the first violation
	length   int  // operations of the best one
}

func newRun(p *Program, o Options) *run {
	if o.MaxOps == 0 {
		o.MaxOps = defaultMaxOps
	}
	if o.MaxExecutions == 0 && o.Search != Exhaustive {
		o.MaxExecutions = defaultExecutions
	}
	if o.Depth == 0 {
		o.Depth = defaultDepth
	}
	r := &run{p: p, o: o, m: newMachine(p, o.Model), started: time.Now()}
	r.m.maxOps = o.MaxOps
	return r
}

// learn runs the program a few times on plain memory to see which words are
// shared.
func (r *run) learn() {
	m := r.m
	m.allWords = true
	for i := range learningRuns {
		m.d = &learner{mode: i, rng: rng{uint64(i)}}
		m.execute()
		m.restore()
	}
	m.allWords = false
}

// onGraph reports whether the search needs the execution graph.
func (r *run) onGraph() bool {
	return r.o.Model != SC || r.o.Search == Exhaustive && r.o.Bound == Unbounded && !r.m.usesCPU
}

// search runs the strategy, again from the start whenever it turns out that
// less is private than was thought.
func (r *run) search() {
	for again := true; again; {
		r.sum = Summary{Model: r.o.Model, Search: r.o.Search, Bound: r.o.Bound, BoundDone: noBound}
		r.outcomes = map[string]int{}
		r.m.g = nil
		if r.onGraph() {
			r.m.g = newGraph(r.o.Model, r.p.ExactDeps, len(r.m.cpus))
			for i := range r.m.words.slots {
				r.m.words.slots[i].loc = none
			}
		}
		again = r.rounds()
	}
	if r.sum.Exhausted {
		r.sum.BoundDone = r.o.Bound
	}
	for s, n := range r.outcomes {
		r.sum.Outcomes = append(r.sum.Outcomes, Outcome{s, n})
	}
	sort.Slice(r.sum.Outcomes, func(i, j int) bool { return r.sum.Outcomes[i].State < r.sum.Outcomes[j].State })
}

// rounds runs a bounded search with growing bounds, so that the first violation
// is one of the fewest deviations; any other search once.
func (r *run) rounds() (again bool) {
	if r.o.Search != Exhaustive {
		return r.loop(&sampler{pct: r.o.Search == PCT, seed: r.o.Seed, changes: r.o.Depth - 1})
	}
	if r.o.Bound == Unbounded {
		if r.m.usesCPU {
			return r.loop(&schedSearch{bound: Unbounded})
		}
		return r.loop(&graphSearch{all: r.p.Hopeless != nil})
	}
	for b := 0; b <= r.o.Bound && !r.stop; b++ {
		clear(r.outcomes)
		s := &schedSearch{bound: b, whole: r.whole}
		if r.loop(s) {
			return true
		}
		if r.sum.Exhausted {
			r.sum.BoundDone = b
		}
		if !s.short {
			break // larger bounds have nothing to add
		}
	}
	return false
}

// loop runs executions until the strategy has no more, or a limit is reached.
// It reports whether the search has to begin again.
func (r *run) loop(s strategy) (again bool) {
	m := r.m
	r.sum.Exhausted = false
	for {
		m.d = s
		s.begin()
		m.execute()
		if m.end == relearn || r.o.Bound == Unbounded && m.usesCPU && m.g != nil && isGraph(s) {
			m.restore()
			return true
		}
		r.account()
		m.restore()
		if r.settled() {
			r.stop = true
			return false
		}
		if !s.more(m) {
			r.sum.Exhausted = r.o.Search == Exhaustive && r.sum.Livelocks == 0 && !m.unsure
			r.stop = r.sum.Violation != nil && !r.o.KeepGoing
			return false
		}
		if r.limit() {
			r.stop = true
			return false
		}
	}
}

func isGraph(s strategy) bool { _, ok := s.(*graphSearch); return ok }

// limit reports whether the search has to stop now.
func (r *run) limit() bool {
	n := r.sum.Executions + r.sum.Cut + r.sum.Deadlocks + r.sum.Livelocks
	if r.o.MaxExecutions > 0 && n >= r.o.MaxExecutions {
		return true
	}
	if n&0xf != 0 {
		return false
	}
	if r.o.Progress != nil {
		r.o.Progress(r.sum)
	}
	select {
	case <-r.o.Done:
		return true
	default:
		return r.o.Budget > 0 && time.Since(r.started) > r.o.Budget
	}
}

// account adds the execution that has just ended to the summary.
func (r *run) account() {
	m := r.m
	r.sum.Depth = max(r.sum.Depth, m.shared)
	switch m.end {
	case cut:
		r.sum.Cut++
		return
	case deadlock:
		r.sum.Deadlocks++
		if r.p.MustEnd {
			r.violation("deadlock")
		}
		return
	case livelock:
		r.sum.Livelocks++
		return
	case broken:
		r.sum.Executions++
		r.violation(m.failure)
		return
	}
	r.sum.Executions++
	if r.p.Final == nil {
		return
	}
	state, err := r.p.Final(finalView{m})
	r.outcomes[state]++
	if err != nil {
		r.violation(err.Error())
	}
}

// shorterRuns is how many executions more are run after a violation to find a
// shorter one of the same kind.
const shorterRuns = 1000

// settled reports whether the violation found is good enough to stop.
func (r *run) settled() bool {
	if r.sum.Violation == nil || r.o.KeepGoing {
		return false
	}
	r.after++
	return r.after > shorterRuns || r.o.Search != Exhaustive || r.o.Bound == Unbounded
}

// violation notes a broken invariant, and the execution if it is the shortest
// so far.
func (r *run) violation(what string) {
	r.sum.Violations++
	v := r.sum.Violation
	if v == nil {
		v = &Violation{Invariant: what}
		r.sum.Violation = v
	} else if v.Invariant != what || r.m.ops >= r.length {
		return
	}
	r.length = r.m.ops
	v.Token = r.m.rec.token(r.o.Model, r.m.g != nil)
}

// finalView is the memory at the end of an execution.
type finalView struct{ m *machine }

// Read implements View.
func (v finalView) Read(a sim.Addr, size sim.Size) uint64 {
	w := v.m.words.find(a &^ 7)
	if g := v.m.g; g != nil && w.loc != none && w.stamp == v.m.stamp {
		return part(sim.Ref{A: a, Size: size}, g.value(w.loc, g.locs[w.loc].latest()))
	}
	return v.m.mem.Read(a, size)
}
