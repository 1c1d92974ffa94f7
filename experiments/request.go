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
	// Done is ExecuteOptions.Done.
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
	records, failed := plan.Execute(ctx, ExecuteOptions{Workers: q.Workers, Store: store, Done: q.Done,
		Warn: func(err error) { fmt.Fprintf(log, "mmsim: %v\n", err) }})
	if failed != nil {
		failed = fmt.Errorf("%w\n%d of %d runs finished", failed, len(records), len(plan.Runs))
	}
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

func (q *Request) prepare() (*Plan, *results.Store, error) {
	if err := checkWorkers(q.Workers); err != nil {
		return nil, nil, err
	}
	setup, err := configs.Load(q.Load)
	if err != nil {
		return nil, nil, err
	}
	plan, err := NewPlan(setup)
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
