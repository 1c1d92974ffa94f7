package experiments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"mmsim/check"
	"mmsim/cores"
	"mmsim/explore"
	"mmsim/kernel/uprobes"
	"mmsim/results"
	"mmsim/workloads"
)

// DefaultCheckBudget is how many schedules a verdict of "mmsim run --with-check"
// may take. It is no time, so that verdicts do not depend on the host.
const DefaultCheckBudget = 60_000

// safety is the verdicts that the designs of a plan need, each once.
type safety struct {
	jobs   []checkJob
	of     []*results.Safety         // by run
	checks map[string]*results.Check // of the jobs, by hash

	mu       sync.Mutex // guards what follows
	finished map[string]bool
	failed   int // first job that failed
	err      error
}

// newSafety lists what is to be checked for the runs: each design, in the
// scenarios that are about it, under the model of its machine and the kernel's.
func newSafety(runs []Run, budget int) (*safety, error) {
	if budget < 1 {
		return nil, fmt.Errorf("--check-budget: %d schedules; expected at least 1", budget)
	}
	s := &safety{checks: map[string]*results.Check{}, finished: map[string]bool{}}
	for i := range runs {
		of, err := s.need(&runs[i], budget)
		if err != nil {
			return nil, err
		}
		s.of = append(s.of, of)
	}
	s.failed = len(s.jobs)
	return s, nil
}

func (s *safety) need(r *Run, budget int) (*results.Safety, error) {
	pairs, err := checkable(r)
	if err != nil {
		return nil, err
	}
	of := &results.Safety{}
	model, known := modelOf(r.Config.Machine.Ordering)
	switch {
	case len(pairs) == 0:
		of.Reason = "no scenario of mmsim check is about that"
	case !known:
		of.Reason = "no memory model of the machine's ordering class is explored"
	default:
		of.Memory = model.String()
		for _, p := range pairs {
			of.Checks = append(of.Checks, s.ask(p, model, budget))
			of.Promised = append(of.Promised, s.ask(p, explore.LKMM, budget))
		}
	}
	return of, nil
}

// scenarioDesign is a scenario and what a run's design is called there.
type scenarioDesign struct {
	scenario check.Scenario
	design   string
}

// ask adds a check to what is to be done, unless it is there.
func (s *safety) ask(p scenarioDesign, m explore.Model, budget int) *results.Check {
	j := checkJob{scenario: &p.scenario, design: p.design, o: check.Options{Model: m, Bound: -1, Schedules: budget}}
	c := p.scenario.Ask(p.design, j.o)
	if s.checks[c.Hash] == nil {
		s.checks[c.Hash] = &c
		s.jobs = append(s.jobs, j)
	}
	return s.checks[c.Hash]
}

// modelOf is the explored model of an ordering class.
func modelOf(c cores.OrderingClass) (m explore.Model, known bool) {
	switch c {
	case cores.X86TSO:
		return explore.X86TSO, true
	case cores.ARM64, cores.ARM64LSE:
		return explore.ARM64, true
	}
	return 0, false
}

// checkable lists the scenarios that are about a run's design: about its way to
// look a VMA up, its pool of return instances, or its lock. Left out are
// sequence numbers of two bits (seq-wrap), which the design has not.
func checkable(r *Run) (out []scenarioDesign, err error) {
	spec := &r.Config.Spec
	p, err := workloads.LookupPath(spec.Groups[0].Path)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Name == "lock-bench":
		return appendCheckable(out, r.Config.Design, "lock-exclusion", "lock-readers"), nil
	case !p.HasProcess():
		return nil, nil
	}
	k, err := spec.Params.Uprobe.Choices.Choices(r.Config.Design)
	if err != nil {
		return nil, err
	}
	out = appendCheckable(out, k.Lookup.String(), "spec-vs-munmap", "spec-vs-split", "spec-vs-merge", "spec-vs-reuse",
		"spec-vs-second-write", "file-reuse", "unregister-during-hit")
	if k.Ret == uprobes.RetLeasePooled && slices.ContainsFunc(spec.Groups, func(g workloads.Group) bool { return g.Path == "uretprobe" }) {
		out = appendCheckable(out, k.Lookup.String(), "ri-pool-vs-timer")
	}
	return out, nil
}

// appendCheckable adds those of the scenarios that the design is in.
func appendCheckable(out []scenarioDesign, design string, scenarios ...string) []scenarioDesign {
	for _, s := range check.Scenarios() {
		if slices.Contains(scenarios, s.Name) && s.Has(design) {
			out = append(out, scenarioDesign{s, design})
		}
	}
	return out
}

// find works the verdicts out, or takes them from the store. The error is that of
// the first check that failed, or the cause of the context's end.
func (s *safety) find(ctx context.Context, o ExecuteOptions) error {
	parallel(ctx, len(s.jobs), o.Workers, func(i int) {
		if c, err := s.one(ctx, &s.jobs[i], &o); c != nil || err != nil {
			s.end(i, c, err, &o)
		}
	})
	switch {
	case s.err != nil:
		return s.err
	case len(s.finished) < len(s.jobs):
		return context.Cause(ctx)
	}
	return nil
}

// one is nil when the context's end has kept a check from being decided.
func (s *safety) one(ctx context.Context, j *checkJob, o *ExecuteOptions) (*results.Check, error) {
	asked := j.scenario.Ask(j.design, j.o)
	if o.Store != nil {
		kept, err := o.Store.GetCheck(asked.Hash)
		var damaged *results.DamagedError
		switch {
		case errors.As(err, &damaged):
			s.warn(o, fmt.Errorf("%w; its check is repeated", err))
		case err != nil || kept != nil:
			return kept, err
		}
	}
	if j.run(ctx); !j.decided() {
		return nil, nil
	}
	c := &j.result.Check
	if err := j.result.Err; err != nil {
		return nil, fmt.Errorf("check %s, %s, %s: %w", c.Scenario, c.Design, c.Memory, err)
	}
	if o.Store != nil {
		return c, o.Store.PutCheck(c)
	}
	return c, nil
}

func (s *safety) warn(o *ExecuteOptions, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Warn != nil {
		o.Warn(err)
	}
}

func (s *safety) end(i int, c *results.Check, err error, o *ExecuteOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		*s.checks[c.Hash] = *c
		s.finished[c.Hash] = true
		if o.Done != nil {
			o.Done(len(s.finished), len(s.jobs))
		}
	case i < s.failed:
		s.failed, s.err = i, err
	}
}

// attach gives the records of all runs their verdicts, as far as all of a
// design's are known.
func (s *safety) attach(records []*results.Record) {
	for i, r := range records {
		r.Safety = s.of[i]
		for _, c := range slices.Concat(s.of[i].Checks, s.of[i].Promised) {
			if !s.finished[c.Hash] {
				r.Safety = nil
			}
		}
	}
}
