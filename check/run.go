package check

import (
	"fmt"
	"time"

	"mmsim/explore"
	"mmsim/results"
	"mmsim/sim"
)

// maxOps cuts executions: the longest complete one has a few hundred operations.
const maxOps = 5000

// Options of one check.
type Options struct {
	Model  explore.Model
	Search explore.Search
	// Bound of an exhaustive search; below 0 for the scenario's own.
	Bound int
	Seed  uint64
	// Budget of host time, and Schedules that may be run; 0 means no limit.
	Budget    time.Duration
	Schedules int
	Broken    sim.Break // what is taken out of the paths
	// Done stops the check when it is closed; nil for never.
	Done <-chan struct{}
}

// Result is what a check of one design came to.
type Result struct {
	results.Check
	Took time.Duration
	Sum  *explore.Summary
	Err  error
	// Interrupted tells that Options.Done stopped the search undecided.
	Interrupted bool
}

// Run checks a design in the scenario.
func (s *Scenario) Run(design string, o Options) (r Result) {
	r.Check = s.Ask(design, o)
	start := time.Now()
	p, err := s.program(design, o.Broken)
	if err == nil {
		r.Sum, err = explore.Run(p, explore.Options{Model: o.Model, Search: o.Search, Bound: r.Bound,
			Seed: o.Seed, Budget: o.Budget, MaxExecutions: o.Schedules, MaxOps: maxOps, Done: o.Done})
	}
	if r.Err, r.Took = err, time.Since(start); err != nil {
		return r
	}
	r.fill()
	select {
	case <-o.Done:
		r.Interrupted = !r.Safe() && !r.Violated()
	default:
	}
	return r
}

// Ask is the check that Run answers.
func (s *Scenario) Ask(design string, o Options) results.Check {
	c := results.Check{Scenario: s.Name, Design: design, Memory: o.Model.String(), CPUs: s.CPUs,
		Search: o.Search.String(), Bound: o.Bound, Budget: o.Schedules, BoundDone: -1}
	if c.Bound < 0 {
		c.Bound = s.Bound
	}
	for _, b := range sim.Breaks() {
		if b.Break == o.Broken {
			c.Break = b.Name
		}
	}
	c.Sign()
	return c
}

// fill takes over what the search came to.
func (r *Result) fill() {
	sum := r.Sum
	r.Schedules = sum.Executions + sum.Cut + sum.Deadlocks + sum.Livelocks
	r.Livelocks, r.Exhausted, r.BoundDone = sum.Livelocks, sum.Exhausted, max(sum.BoundDone, -1)
	if v := sum.Violation; v != nil {
		r.Violation = &results.Violation{Invariant: v.Invariant, Token: v.Token,
			Preemptions: v.Preemptions, StaleReads: v.StaleReads, DelayedStores: v.DelayedStores}
	}
}

// Verdict is the result in words.
func (r *Result) Verdict() string {
	switch {
	case r.Err != nil:
		return "ERROR: " + r.Err.Error()
	case r.Interrupted && r.BoundDone >= 0:
		return fmt.Sprintf("UNKNOWN (interrupted; safe at bound %d)", r.BoundDone)
	case r.Interrupted:
		return "UNKNOWN (interrupted)"
	}
	return r.Check.Verdict()
}

// Replay runs the execution that a token names.
func (s *Scenario) Replay(design, token string, broken sim.Break) (*explore.Violation, error) {
	p, err := s.program(design, broken)
	if err != nil {
		return nil, err
	}
	return explore.Replay(p, token)
}

func (s *Scenario) program(design string, broken sim.Break) (*explore.Program, error) {
	p, err := s.build(design)
	if err == nil {
		p.Broken = broken
	}
	return p, err
}

// Has reports whether the scenario applies to a design.
func (s *Scenario) Has(design string) bool {
	for _, d := range s.Designs {
		if d == design {
			return true
		}
	}
	return false
}
