package experiments

import (
	"slices"
	"strings"
	"sync"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/workloads"
)

// resolve finds the kernel's parameters and the machine. The experiment is
// loaded on its own machine, where its threads fit: only its parameters count
// here.
func (q *ExplainRequest) resolve() (*explanation, error) {
	if err := q.checkNames(); err != nil {
		return nil, err
	}
	var ofMachine, ofExperiment []configs.Assignment
	for _, a := range q.Overrides {
		if strings.HasPrefix(a.Key, "machine.") {
			ofMachine = append(ofMachine, a)
		} else {
			ofExperiment = append(ofExperiment, a)
		}
	}
	setup, spec, err := q.load(ofExperiment)
	if err != nil {
		return nil, err
	}
	g := &spec.Groups[0]
	for _, a := range ofExperiment {
		if err := matters(a, g.Name); err != nil {
			return nil, err
		}
	}
	name := q.Machine
	if name == "" {
		name = setup.Experiment.MachineName()
	}
	machine, err := loadMachine(name, ofMachine)
	if err != nil {
		return nil, err
	}
	g.CPUs, g.Think = []int{0}, 0
	hw, err := machine.Resolve()
	return &explanation{q, setup.Experiment, spec, hw}, err
}

// matters refuses settings that make no difference to an execution alone.
func matters(a configs.Assignment, group string) error {
	if strings.HasPrefix(a.Key, "kernel.") {
		return nil
	}
	of := "group." + group + "."
	if key, ok := strings.CutPrefix(a.Key, of); ok && slices.Contains(aloneKeys, key) {
		return nil
	}
	return schema.FaultAt(a.From, a.Key, schema.Problem("a key of kernel, machine, or "+of+"target",
		"has no effect on an execution alone"))
}

// aloneKeys are the keys of a group that matter to an execution alone: what it
// aims at and what it does there.
var aloneKeys = []string{"target", "zipf_exponent", "writes", "read_fraction", "nest", "nest_descending",
	"shared_writes", "shared_reads", "own_lines", "hold"}

// KernelPaths are the paths that can be explained: those of the simulated
// kernel.
func KernelPaths() []string {
	var names []string
	for _, p := range workloads.Paths() {
		if !p.PlacesThreads {
			names = append(names, p.Name)
		}
	}
	return names
}

// DesignNames are the designs of a path; an unknown path has none.
func DesignNames(path string) []string {
	p, err := workloads.LookupPath(path)
	if err != nil {
		return nil
	}
	var names []string
	for _, d := range p.Designs() {
		names = append(names, d.Name)
	}
	return names
}

func (q *ExplainRequest) checkNames() error {
	p, err := workloads.LookupPath(q.Path)
	switch {
	case err != nil:
		return schema.Unknown("path", q.Path, KernelPaths())
	case p.PlacesThreads:
		return schema.Problem(schema.OneOf(KernelPaths()), "path %s is no path of the kernel: mmsim list designs says what its probes do", q.Path)
	case q.Design == "":
		return schema.Problem(schema.OneOf(DesignNames(q.Path)), "--design is missing")
	case !p.HasDesign(q.Design):
		return schema.Unknown("design of path "+q.Path+",", q.Design, DesignNames(q.Path))
	}
	return nil
}

// load loads the experiment and keeps of its workload the first group with the
// path.
func (q *ExplainRequest) load(overrides []configs.Assignment) (*configs.Setup, *workloads.Spec, error) {
	name, err := q.experimentWithPath()
	if err != nil {
		return nil, nil, err
	}
	setup, err := configs.Load(configs.Options{Experiment: name, Overrides: overrides})
	if err != nil {
		return nil, nil, err
	}
	spec, err := q.withPath(setup)
	if spec == nil && err == nil {
		err = q.pathless(name)
	}
	return setup, spec, err
}

// experimentWithPath is the experiment that was asked for, or a preset that has
// the path.
func (q *ExplainRequest) experimentWithPath() (string, error) {
	names := []string{q.Experiment}
	if q.Experiment == "" {
		names = append(slices.Clone(explainFirst), configs.ExperimentNames()...)
	}
	for _, name := range names {
		paths, err := pathsOf(name)
		if err != nil {
			return "", err
		}
		if slices.Contains(paths, q.Path) {
			return name, nil
		}
	}
	return "", q.pathless(strings.Join(names, ", "))
}

// explainFirst are the experiments whose parameters explain prefers where
// several have the path: short sections, no shared CPUs, no part of a design replaced.
var explainFirst = []string{DefaultExperiment, "lock-scaling", "ref-scaling", "uretprobe-scaling"}

// pathsOf lists the paths of an experiment's groups; those of presets are found
// once.
func pathsOf(experiment string) ([]string, error) {
	if !slices.Contains(configs.ExperimentNames(), experiment) {
		return findPaths(experiment)
	}
	found, _ := presetPaths.LoadOrStore(experiment, sync.OnceValues(func() ([]string, error) { return findPaths(experiment) }))
	return found.(func() ([]string, error))()
}

var presetPaths sync.Map // name -> func() ([]string, error)

func findPaths(experiment string) ([]string, error) {
	s, err := configs.Load(configs.Options{Experiment: experiment})
	if err != nil {
		return nil, err
	}
	designs, err := s.Designs()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range s.Points() {
		run, err := s.Run(p, designs[0])
		if err != nil {
			return nil, err
		}
		for i := range run.Spec.Groups {
			out = append(out, run.Spec.Groups[i].Path)
		}
	}
	return out, nil
}

func (q *ExplainRequest) pathless(experiment string) error {
	return schema.Problem("an experiment with such a group", "no group of experiment %s repeats path %s", experiment, q.Path)
}

// firstRun is the first point of an experiment in its first design.
func firstRun(experiment string) (*configs.Run, error) {
	s, err := configs.Load(configs.Options{Experiment: experiment})
	if err != nil {
		return nil, err
	}
	designs, err := s.Designs()
	if err != nil {
		return nil, err
	}
	return s.Run(s.Points()[0], designs[0])
}

// withPath is the workload of the setup's first point that has the path, in the
// design, with only the first group of the path left, or nil if there is none.
// Settings that the experiment's own variants of the design make do not count.
func (q *ExplainRequest) withPath(s *configs.Setup) (*workloads.Spec, error) {
	for _, p := range s.Points() {
		run, err := s.Run(p, configs.Design{Name: q.Design, Label: q.Design})
		if err != nil {
			return nil, err
		}
		for i := range run.Spec.Groups {
			if run.Spec.Groups[i].Path == q.Path {
				return &workloads.Spec{Groups: run.Spec.Groups[i : i+1], Params: run.Spec.Params}, nil
			}
		}
	}
	return nil, nil
}
