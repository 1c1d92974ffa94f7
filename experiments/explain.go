package experiments

import (
	"context"
	"fmt"
	"strings"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/cores"
	"mmsim/results"
	"mmsim/sim"
	"mmsim/workloads"
)

// ExplainRequest is one call of "mmsim explain".
type ExplainRequest struct {
	Path   string
	Design string
	// Experiment, a preset or file, gives the kernel's parameters; "" is the
	// first preset that has the path.
	Experiment string
	Machine    string // preset or file; "" is the experiment's
	Overrides  []configs.Assignment
	// Cold explains the first execution ever instead of one with warm caches.
	Cold bool
}

const (
	// warmOps is how many executions go before the one that is explained:
	// caches are warm then, and per-CPU lists filled.
	warmOps = 8
	// explainInterval is the time between the starts of two executions. It is
	// far longer than any execution alone, cold ones included, so an operation
	// belongs to the execution in whose interval it starts.
	explainInterval = 200 * sim.Microsecond
)

// Explain runs one thread of a path alone on CPU 0 and reports the ordered
// operations of one execution as they were really executed. Errors are an
// *InputError or those of cores.Run.
func Explain(ctx context.Context, q ExplainRequest) (*results.Report, error) {
	spec, m, err := q.resolve()
	if err != nil {
		return nil, &InputError{err}
	}
	prog, err := workloads.Build(*spec, m, q.Design, 1)
	if err != nil {
		return nil, &InputError{err}
	}
	t := &tracer{wanted: warmOps, first: sim.Never, syms: prog.Syms, lineBytes: sim.Addr(m.Mem.LineBytes)}
	if q.Cold {
		t.wanted = 0
	}
	_, err = cores.Run(m, prog, cores.Options{Seed: 1, Duration: (warmOps + 2) * explainInterval, Trace: t.add, Context: ctx})
	if err != nil {
		return nil, fmt.Errorf("explain %s, design %s: %w", q.Path, q.Design, err)
	}
	if len(t.ops) == 0 {
		return nil, fmt.Errorf("explain %s, design %s: no operation was executed", q.Path, q.Design)
	}
	return t.report(&q, m), nil
}

// resolve finds the kernel's parameters and the machine. The experiment is
// loaded on its own machine, where its threads fit: only its parameters count
// here.
func (q *ExplainRequest) resolve() (*workloads.Spec, *cores.Machine, error) {
	if err := q.checkNames(); err != nil {
		return nil, nil, err
	}
	var ofMachine, ofExperiment []configs.Assignment
	for _, a := range q.Overrides {
		if key, ok := strings.CutPrefix(a.Key, "machine."); ok {
			a.Key = key
			ofMachine = append(ofMachine, a)
		} else {
			ofExperiment = append(ofExperiment, a)
		}
	}
	setup, group, err := q.experiment(ofExperiment)
	if err != nil {
		return nil, nil, err
	}
	machine := setup.Machine
	if q.Machine != "" {
		if machine, err = configs.LoadMachine(q.Machine, schema.Origin{Flag: "--machine"}); err != nil {
			return nil, nil, err
		}
	}
	for _, a := range ofMachine {
		if err := machine.Set(a.Key, a.Value, a.From); err != nil {
			return nil, nil, err
		}
	}
	hw, err := machine.Resolve()
	if err != nil {
		return nil, nil, err
	}
	group.Groups[0].CPUs, group.Groups[0].Interval, group.Groups[0].Think = []int{0}, explainInterval, 0
	return group, hw, nil
}

func (q *ExplainRequest) checkNames() error {
	var paths, designs []string
	for _, p := range workloads.Paths() {
		if !p.PlacesThreads {
			paths = append(paths, p.Name)
		}
	}
	p, err := workloads.LookupPath(q.Path)
	if err != nil || p.PlacesThreads {
		return schema.Unknown("kernel path", q.Path, paths)
	}
	for _, d := range p.Designs() {
		designs = append(designs, d.Name)
	}
	if !p.HasDesign(q.Design) {
		return schema.Unknown("design of path "+q.Path+",", q.Design, designs)
	}
	return nil
}

// experiment loads the experiment and keeps of its workload the first group
// with the path.
func (q *ExplainRequest) experiment(overrides []configs.Assignment) (*configs.Setup, *workloads.Spec, error) {
	names := []string{q.Experiment}
	if q.Experiment == "" {
		names = configs.ExperimentNames()
	}
	for _, name := range names {
		base, err := configs.Load(configs.Options{Experiment: name})
		if err != nil {
			return nil, nil, err
		}
		if spec, err := withPath(base, q.Path); spec == nil || err != nil {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		setup, err := configs.Load(configs.Options{Experiment: name, Overrides: overrides})
		if err != nil {
			return nil, nil, err
		}
		spec, err := withPath(setup, q.Path)
		return setup, spec, err
	}
	return nil, nil, schema.Problem("an experiment with a group of this path", "no group of experiment %s repeats path %s", strings.Join(names, ", "), q.Path)
}

// withPath is the workload of the setup's first run with only the first group
// of the path left, or nil if there is none.
func withPath(s *configs.Setup, path string) (*workloads.Spec, error) {
	designs, err := s.Designs()
	if err != nil || len(designs) == 0 {
		return nil, err
	}
	run, err := s.Run(s.Points()[0], designs[0])
	if err != nil {
		return nil, err
	}
	for i := range run.Spec.Groups {
		if run.Spec.Groups[i].Path == path {
			return &workloads.Spec{Groups: run.Spec.Groups[i : i+1], Params: run.Spec.Params}, nil
		}
	}
	return nil, nil
}
