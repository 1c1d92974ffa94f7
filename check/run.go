package check

import (
	"fmt"
	"time"

	"mmsim/explore"
	"mmsim/sim"
)

// maxOps cuts executions: the longest complete one has a few hundred operations.
const maxOps = 5000

// Options of one check.
type Options struct {
	Model  explore.Model
	Search explore.Search
	// Bound of an exhaustive search; below 0 for the scenario's own.
	Bound  int
	Seed   uint64
	Budget time.Duration // of host time; 0 means none
	Broken sim.Break     // what is taken out of the paths
}

// Result is what a check of one design came to.
type Result struct {
	Scenario, Design string
	Model            explore.Model
	CPUs, Bound      int
	Took             time.Duration
	Sum              *explore.Summary
	Err              error
}

// Run checks a design in the scenario.
func (s *Scenario) Run(design string, o Options) (r Result) {
	if o.Bound < 0 {
		o.Bound = s.Bound
	}
	r = Result{Scenario: s.Name, Design: design, Model: o.Model, CPUs: s.CPUs, Bound: o.Bound}
	start := time.Now()
	p, err := s.program(design, o.Broken)
	if err == nil {
		r.Sum, err = explore.Run(p, explore.Options{Model: o.Model, Search: o.Search, Bound: o.Bound,
			Seed: o.Seed, Budget: o.Budget, MaxOps: maxOps})
	}
	r.Err, r.Took = err, time.Since(start)
	return r
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

// Violated reports whether an invariant was broken.
func (r *Result) Violated() bool { return r.Sum != nil && r.Sum.Violation != nil }

// Safe reports whether all executions within the bound were visited, and none
// broke an invariant.
func (r *Result) Safe() bool { return r.Err == nil && !r.Violated() && r.Sum.Exhausted }

// Schedules is how many executions were run.
func (r *Result) Schedules() int {
	if r.Sum == nil {
		return 0
	}
	return r.Sum.Executions + r.Sum.Cut + r.Sum.Deadlocks + r.Sum.Livelocks
}

// Verdict is the result in words.
func (r *Result) Verdict() string {
	switch {
	case r.Err != nil:
		return "ERROR: " + r.Err.Error()
	case r.Violated():
		return "VIOLATED"
	case r.Sum.Exhausted:
		return fmt.Sprintf("safe (exhausted, bound %d)", r.Bound)
	case r.Sum.Search != explore.Exhaustive:
		return fmt.Sprintf("not found in %d sampled schedules", r.Schedules())
	case r.Sum.Livelocks > 0:
		return fmt.Sprintf("UNKNOWN (%d executions were cut)", r.Sum.Livelocks)
	case r.Sum.BoundDone >= 0:
		return fmt.Sprintf("UNKNOWN (budget ran out; safe at bound %d)", r.Sum.BoundDone)
	}
	return "UNKNOWN (budget ran out)"
}
