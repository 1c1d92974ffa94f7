package experiments

import (
	"context"
	"fmt"

	"mmsim/configs"
	"mmsim/cores"
	"mmsim/results"
	"mmsim/sim"
	"mmsim/workloads"
)

// ExplainRequest is one call of "mmsim explain".
type ExplainRequest struct {
	Path   string
	Design string
	// Experiment, a preset or file, gives the kernel's parameters; "" is
	// DefaultExperiment, or the first preset that has the path.
	Experiment string
	Machine    string // preset or file; "" is the experiment's
	// Overrides of the kernel's parameters, of what the path aims at, and
	// behind "machine." of the machine. Others are faults: they do not matter
	// to an execution alone.
	Overrides []configs.Assignment
	// Cold explains the first execution ever instead of one with warm caches.
	Cold bool
}

const (
	// warmOps is how many executions go before the one that is explained:
	// caches are warm then, and per-CPU lists filled.
	warmOps     = 8
	explainSeed = 1
)

// explainIntervals are the times between the starts of two executions, the
// next one tried where executions take longer than half of it, for grace
// periods. An operation belongs to the execution that is due nearest to it.
var explainIntervals = []sim.Time{200 * sim.Microsecond, 20 * sim.Millisecond}

// DefaultExperiment is the question that mmsim answers when asked nothing.
const DefaultExperiment = "uprobe-vma-lookup"

// Explain runs one thread of a path alone on CPU 0 and reports the ordered
// operations of one execution as they were really executed. Errors are an
// *InputError, those of cores.Run, or the cause of the context's end.
func Explain(ctx context.Context, q ExplainRequest) (*results.Report, error) {
	e, err := q.resolve()
	if err != nil {
		return nil, &InputError{err}
	}
	t, err := e.execute(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("explain %s, design %s: %w", q.Path, q.Design, err)
	}
	return e.report(t), nil
}

// explanation is a request with everything found that it names.
type explanation struct {
	*ExplainRequest
	experiment *configs.Experiment
	spec       *workloads.Spec // one group, one thread
	machine    *cores.Machine
}

// execute runs the program and keeps the execution that is asked for.
func (e *explanation) execute(ctx context.Context) (*tracer, error) {
	for _, interval := range explainIntervals {
		t, err := e.executeEvery(ctx, interval)
		switch {
		case err != nil:
			return nil, err
		case len(t.ops) > 0 && t.elapsed() < interval/2:
			return t, nil
		}
	}
	return nil, fmt.Errorf("one execution takes longer than %v", explainIntervals[len(explainIntervals)-1]/2)
}

func (e *explanation) executeEvery(ctx context.Context, interval sim.Time) (*tracer, error) {
	e.spec.Groups[0].Interval = interval
	prog, err := workloads.Build(*e.spec, e.machine, e.Design, explainSeed)
	if err != nil {
		return nil, err
	}
	t := &tracer{wanted: warmOps, interval: interval, first: sim.Never, syms: prog.Syms, lineBytes: sim.Addr(e.machine.Mem.LineBytes),
		period: onePeriod(e.machine)}
	if e.Cold {
		t.wanted = 0
	}
	run := (warmOps + 2) * interval
	_, err = cores.Run(e.machine, prog, cores.Options{Seed: explainSeed, Duration: run, NoProgress: run, TaskStall: run,
		Trace: t.add, Context: ctx})
	if err != nil {
		return nil, err
	}
	t.dropTrailingInterrupts()
	return t, nil
}

// kernel says where the kernel's parameters are from.
func (e *explanation) kernel() string {
	from := "parameters of experiment " + e.experiment.Name()
	if p, err := workloads.LookupPath(e.Path); err == nil && p.HasProcess() {
		return fmt.Sprintf("layout %s, %s", workloads.LayoutOf(e.spec.Params.Layout, e.Design), from)
	}
	return from
}

// title names what was explained, and what was overridden in it.
func (e *explanation) title() string {
	title := fmt.Sprintf("%s, design %s: one uncontended execution, as executed", e.Path, e.Design)
	separator := "; changed: "
	for _, a := range e.Overrides {
		title += separator + a.Key + " = " + a.Text()
		separator = ", "
	}
	return title
}

func (e *explanation) report(t *tracer) *results.Report {
	state := fmt.Sprintf("execution %d, caches warm", t.wanted+1)
	if e.Cold {
		state = "first execution, caches cold"
	}
	return &results.Report{
		Title: e.title(),
		Shared: []results.Setting{
			{Key: "machine", Value: fmt.Sprintf("%s (%s)", e.machine.Name, e.machine.Title)},
			{Key: "kernel", Value: e.kernel()},
			{Key: "thread", Value: "one, on CPU 0; " + state}},
		Tables: []results.Table{t.operations(), t.steps()},
		Notes: []string{
			"line: number of the cache line within the object.",
			"before, after: state of the line in this core, and the level that holds it.",
			"value: what was loaded or stored; what a read-modify-write found; bytes of a copy or clear.",
			"cycles: a store costs what it takes to enter the store buffer; its line is fetched behind the core's back.",
		},
	}
}
