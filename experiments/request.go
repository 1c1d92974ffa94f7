package experiments

import (
	"context"
	"fmt"
	"io"

	"mmsim/configs"
	"mmsim/results"
)

// InputError is a fault of what the user gave: configuration, flags, file
// names. Nothing was simulated and nothing written.
type InputError struct{ Err error }

// Error is the fault's text.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap gives the fault.
func (e *InputError) Unwrap() error { return e.Err }

// Request is one call of "mmsim run".
type Request struct {
	Load    configs.Options
	Workers int
	Store   string // directory; "" for none
	Files   results.Files
	// WithCheck adds what exploration says about each design: whether it is safe
	// (docs/check.md). A verdict may take CheckBudget schedules.
	WithCheck   bool
	CheckBudget int
	// Done is ExecuteOptions.Done; verdicts count as runs.
	Done func(finished, total int)
}

// Do carries the request out: it prints the report to out and says on log
// which files it wrote. Errors are an *InputError, or those of Plan.Execute;
// what was finished by then is written to the files and kept in the store all
// the same.
func (q *Request) Do(ctx context.Context, out, log io.Writer) error {
	plan, store, err := q.prepare()
	if err != nil {
		return &InputError{err}
	}
	records, failed := q.execute(ctx, plan, ExecuteOptions{Workers: q.Workers, Store: store,
		Warn: func(err error) { fmt.Fprintf(log, "mmsim: %v\n", err) }})
	if len(records) == 0 {
		return failed
	}
	if failed == nil {
		rep, err := results.NewReport(records)
		if err != nil {
			return err
		}
		if err := rep.WriteText(out); err != nil {
			return err
		}
	}
	written, err := q.Files.Write(records)
	for _, w := range written {
		fmt.Fprintln(log, w)
	}
	if failed != nil {
		return failed
	}
	return err
}

// execute carries out the runs, and then the checks of their designs. The records
// of all finished runs are returned whatever fails.
func (q *Request) execute(ctx context.Context, p *Plan, o ExecuteOptions) ([]*results.Record, error) {
	checks := 0
	if p.safety != nil {
		checks = len(p.safety.jobs)
	}
	o.Done = q.after(0, checks)
	records, err := p.Execute(ctx, o)
	if err != nil {
		return records, fmt.Errorf("%w\n%d of %d runs finished", err, len(records), len(p.Runs))
	}
	if p.safety == nil {
		return records, nil
	}
	o.Done = q.after(len(p.Runs), 0)
	err = p.safety.find(ctx, o)
	p.safety.attach(records)
	if err != nil {
		return records, fmt.Errorf("%w\nall %d runs and %d of %d verdicts finished", err, len(records), len(p.safety.finished), checks)
	}
	return records, nil
}

// after is q.Done for a part of the work: what came before it and what is to
// come count too.
func (q *Request) after(before, then int) func(finished, total int) {
	if q.Done == nil {
		return nil
	}
	return func(finished, total int) { q.Done(before+finished, before+total+then) }
}

func (q *Request) prepare() (*Plan, *results.Store, error) {
	if err := checkWorkers(q.Workers); err != nil {
		return nil, nil, err
	}
	setup, err := configs.Load(q.Load)
	if err != nil {
		return nil, nil, err
	}
	plan, err := NewPlan(setup)
	if err == nil && q.WithCheck {
		plan.safety, err = newSafety(plan.Runs, q.CheckBudget)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := q.Files.Check(); err != nil || q.Store == "" {
		return plan, nil, err
	}
	store, err := results.OpenStore(q.Store)
	return plan, store, err
}

func checkWorkers(n int) error {
	if n < 1 {
		return fmt.Errorf("-j: %d workers; expected at least 1", n)
	}
	return nil
}
