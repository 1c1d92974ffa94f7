package experiments

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mmsim/results"
)

// ExecuteOptions say how a plan is carried out; none changes any record.
type ExecuteOptions struct {
	Workers int            // runs at a time; at least 1
	Store   *results.Store // finished runs are taken from here and kept here; nil for none
	// Done is called after each finished run, one call at a time.
	Done func(finished, total int)
	// Warn takes what went wrong without stopping the plan: damaged files of
	// the store. One call at a time.
	Warn func(err error)
}

// RunError is the failure of one run: a deadlock or a livelock, a fault of
// simulated code, accounts that do not add up.
type RunError struct {
	Identity results.Identity
	Err      error
}

// Error names the run.
func (e *RunError) Error() string { return fmt.Sprintf("%v: %v", &e.Identity, e.Err) }

// Unwrap gives the cause.
func (e *RunError) Unwrap() error { return e.Err }

// Execute carries the plan out and returns the records of all finished runs in
// the order of the plan, whatever the number of workers.
//
// The error is a *RunError for the first run in the order of the plan that
// failed, after which no further run was begun, or the cause of the context's
// end, which stops runs in the middle. The finished records are returned then
// too.
func (p *Plan) Execute(ctx context.Context, o ExecuteOptions) ([]*results.Record, error) {
	return execute(ctx, p.Runs, o, simulate)
}

// runner makes the record of a run.
type runner func(context.Context, *Run) (*results.Record, error)

func execute(ctx context.Context, runs []Run, o ExecuteOptions, run runner) ([]*results.Record, error) {
	e := &execution{runs: runs, o: o, run: run, records: make([]*results.Record, len(runs)), failed: len(runs)}
	var workers sync.WaitGroup
	for range max(1, o.Workers) {
		workers.Go(func() { e.work(ctx) })
	}
	workers.Wait()
	var out []*results.Record
	for _, r := range e.records {
		if r != nil {
			out = append(out, r)
		}
	}
	switch {
	case e.err != nil:
		return out, e.err
	case len(out) < len(runs):
		return out, context.Cause(ctx)
	}
	return out, nil
}

// execution is a plan being carried out.
type execution struct {
	runs []Run
	o    ExecuteOptions
	run  runner

	mu       sync.Mutex // guards what follows
	next     int        // first run not begun
	finished int
	records  []*results.Record // by run, nil if not finished
	failed   int               // first run that failed, len(runs) if none
	err      error             // its error
}

// work begins runs in the order of the plan, so that the first failure in that
// order is found whatever the number of workers.
func (e *execution) work(ctx context.Context) {
	for ctx.Err() == nil {
		i := e.begin()
		if i < 0 {
			return
		}
		r, err := e.one(ctx, &e.runs[i])
		e.end(ctx, i, r, err)
	}
}

func (e *execution) begin() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next == len(e.runs) || e.err != nil {
		return -1
	}
	e.next++
	return e.next - 1
}

func (e *execution) end(ctx context.Context, i int, r *results.Record, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		// stopped in the middle: neither finished nor failed
	case err != nil && i < e.failed:
		e.failed, e.err = i, &RunError{e.runs[i].Identity, err}
	case err == nil:
		e.records[i] = r
		e.finished++
		if e.o.Done != nil {
			e.o.Done(e.finished, len(e.runs))
		}
	}
}

// one takes a run's record from the store, or makes it and keeps it there.
func (e *execution) one(ctx context.Context, r *Run) (*results.Record, error) {
	if e.o.Store == nil {
		return e.run(ctx, r)
	}
	record, err := e.o.Store.Get(results.HashOf(&r.Identity))
	var damaged *results.DamagedError
	switch {
	case errors.As(err, &damaged):
		e.warn(fmt.Errorf("%w; its run is repeated", err))
	case err != nil:
		return nil, err
	case record != nil:
		record.Identity = r.Identity // names may have changed
		return record, nil
	}
	record, err = e.run(ctx, r)
	if err != nil {
		return nil, err
	}
	return record, e.o.Store.Put(record)
}

func (e *execution) warn(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.o.Warn != nil {
		e.o.Warn(err)
	}
}
