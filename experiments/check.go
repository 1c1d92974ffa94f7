package experiments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mmsim/check"
	"mmsim/configs/schema"
	"mmsim/explore"
	"mmsim/results"
)

// Host time for each verdict of "mmsim check", if no budget is given: all
// scenarios together are a survey, a single one is meant to be decided.
const (
	SurveyBudget   = 30 * time.Second
	ScenarioBudget = time.Minute
)

// CheckRequest is one call of "mmsim check".
type CheckRequest struct {
	Scenario, Design, Model string // "" for all
	Search                  string
	Bound                   int // below 0 for the scenario's
	Seed                    uint64
	Budget                  time.Duration // host time for each verdict; 0 for the default
	Schedules               int           // at most, for each verdict; 0 for no limit
	Break                   string        // "" for nothing
	// Mutants tries every break in the scenario that should find it.
	Mutants bool
	// Replay is the token of an execution to show.
	Replay  string
	Files   results.Files // CSV and Markdown
	Workers int
	Done    func(finished, total int)
}

// CheckSearches lists the kinds of search.
func CheckSearches() []string {
	return []string{explore.Exhaustive.String(), explore.PCT.String(), explore.Random.String()}
}

// errViolated is the failure of a request that found a violation where nothing
// was broken on purpose.
var errViolated = errors.New("violated")

// Do carries the request out and prints the violations, with their columns, and
// the table of verdicts to out. When the context ends, what was decided by then
// is printed and written all the same, and what is missing is named. Errors are
// an *InputError, or say that something was violated.
func (q *CheckRequest) Do(ctx context.Context, out, log io.Writer) error {
	jobs, err := q.prepare()
	if err != nil {
		return &InputError{err}
	}
	if q.Replay != "" {
		return q.replay(out, &jobs[0])
	}
	var finished atomic.Int64
	parallel(ctx, len(jobs), q.Workers, func(i int) {
		jobs[i].run(ctx)
		if n := finished.Add(1); q.Done != nil && ctx.Err() == nil {
			q.Done(int(n), len(jobs))
		}
	})
	return q.report(ctx, out, log, jobs)
}

// parallel does n pieces of work, some at a time, in order of beginning. No work
// is begun after the context's end; what was begun is waited for.
func parallel(ctx context.Context, n, workers int, work func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(workers, n) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	all.Wait()
}

// checkJob is one verdict to be found.
type checkJob struct {
	scenario *check.Scenario
	design   string
	o        check.Options
	broken   string
	// redundant says why a mutant is not expected to be found.
	redundant string

	result check.Result
	begun  bool
}

// run finds the verdict.
func (j *checkJob) run(ctx context.Context) {
	o := j.o
	o.Done = ctx.Done()
	j.result, j.begun = j.scenario.Run(j.design, o), true
}

// decided reports whether the result stands: the end of the context may have kept
// it from being decided.
func (j *checkJob) decided() bool { return j.begun && !j.result.Interrupted }

// prepare checks the request and lists what is to be done.
func (q *CheckRequest) prepare() ([]checkJob, error) {
	if err := errors.Join(checkWorkers(q.Workers), q.Files.Check()); err != nil {
		return nil, err
	}
	o, err := q.options()
	if err != nil {
		return nil, err
	}
	models, err := q.models()
	if err != nil {
		return nil, err
	}
	if q.Mutants {
		return q.mutants(o, models)
	}
	scenarios, err := q.scenarios()
	if err != nil {
		return nil, err
	}
	var jobs []checkJob
	for i := range scenarios {
		for _, d := range scenarios[i].Designs {
			for _, m := range models {
				if o.Model = m; q.Design == "" || d == q.Design {
					jobs = append(jobs, checkJob{scenario: &scenarios[i], design: d, o: o, broken: q.Break})
				}
			}
		}
	}
	return jobs, nil
}

func (q *CheckRequest) options() (o check.Options, err error) {
	o = check.Options{Bound: q.Bound, Seed: q.Seed, Budget: q.Budget, Schedules: q.Schedules}
	switch {
	case q.Schedules < 0:
		return o, fmt.Errorf("--schedules: %d; expected at least 1", q.Schedules)
	case q.Budget < 0:
		return o, fmt.Errorf("--budget: %v; expected a time above 0, such as 10s", q.Budget)
	case q.Budget == 0 && q.Scenario == "":
		o.Budget = SurveyBudget
	case q.Budget == 0:
		o.Budget = ScenarioBudget
	}
	if q.Replay != "" && (q.Scenario == "" || q.Design == "") {
		return o, errors.New("--replay: expected a scenario, and --design, of the token")
	}
	if o.Search, err = parseSearch(q.Search); err != nil {
		return o, err
	}
	o.Broken, err = check.FindBreak(q.Break)
	return o, err
}

func parseSearch(name string) (explore.Search, error) {
	for i, n := range CheckSearches() {
		if n == name {
			return explore.Search(i), nil
		}
	}
	return 0, schema.Unknown("search", name, CheckSearches())
}

func (q *CheckRequest) models() (out []explore.Model, err error) {
	for i, name := range explore.Models() {
		if q.Model == "" || q.Model == name {
			out = append(out, explore.Model(i))
		}
	}
	if len(out) == 0 {
		return nil, schema.Unknown("memory model", q.Model, explore.Models())
	}
	return out, nil
}

// scenarios are those that are asked for and have the design.
func (q *CheckRequest) scenarios() (list []check.Scenario, err error) {
	all := check.Scenarios()
	if q.Scenario != "" {
		s, err := check.Find(q.Scenario)
		if err != nil {
			return nil, err
		}
		all = []check.Scenario{s}
	}
	var known []string
	for _, s := range all {
		if q.Design == "" || s.Has(q.Design) {
			list = append(list, s)
		}
		for _, d := range s.Designs {
			known = appendNew(known, d)
		}
	}
	if len(list) == 0 {
		return nil, schema.Unknown("design", q.Design, known)
	}
	return list, nil
}

// mutants are the breaks of the scenario and design that are asked for, each
// under all models.
func (q *CheckRequest) mutants(o check.Options, models []explore.Model) (jobs []checkJob, err error) {
	if _, err := q.scenarios(); err != nil {
		return nil, err
	}
	for _, m := range check.Mutants() {
		if q.Scenario != "" && m.Scenario != q.Scenario || q.Design != "" && m.Design != q.Design {
			continue
		}
		s, err := check.Find(m.Scenario)
		if err != nil {
			return nil, err
		}
		if o.Broken = m.Break; q.Bound < 0 {
			o.Bound = m.Bound
		}
		for _, o.Model = range models {
			jobs = append(jobs, checkJob{scenario: &s, design: m.Design, o: o, broken: m.Name, redundant: m.Redundant})
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("--mutants: no break belongs to scenario %q, design %q", q.Scenario, q.Design)
	}
	return jobs, nil
}

func (q *CheckRequest) replay(out io.Writer, j *checkJob) error {
	v, err := j.scenario.Replay(j.design, q.Replay, j.o.Broken)
	if err != nil {
		return &InputError{fmt.Errorf("--replay: %w", err)}
	}
	check.WriteViolation(out, q.Scenario, q.Design, q.Break, v)
	return nil
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
