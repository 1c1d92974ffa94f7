package experiments

import (
	"mmsim/configs"
	"mmsim/results"
)

// Plan is every run that an experiment takes, in the order of its records:
// points in the order of the sweeps, in each the designs, in each the seeds.
type Plan struct {
	Runs   []Run
	safety *safety // the checks of the designs; nil for none
}

// Run is one design at one point under one seed.
type Run struct {
	Identity results.Identity
	// Config is shared by the seeds of a point and design, and only read.
	Config *configs.Run
}

// NewPlan lists the runs of an experiment. Errors are about its configuration;
// a Setup that configs.Load returned gives none.
func NewPlan(s *configs.Setup) (*Plan, error) {
	designs, err := s.Designs()
	if err != nil {
		return nil, err
	}
	baseline, err := s.Baseline()
	if err != nil {
		return nil, err
	}
	p := &Plan{}
	for _, point := range s.Points() {
		for _, d := range designs {
			c, err := s.Run(point, d)
			if err != nil {
				return nil, err
			}
			id := identity(s, point, c)
			id.Baseline = baseline
			for _, seed := range s.Experiment.Seeds() {
				id.Seed = seed
				p.Runs = append(p.Runs, Run{Identity: id, Config: c})
			}
		}
	}
	return p, nil
}

func identity(s *configs.Setup, point configs.Point, c *configs.Run) results.Identity {
	id := results.Identity{
		Experiment: s.Experiment.Name(), Title: s.Experiment.Title(),
		Machine: s.Machine.Name(), MachineTitle: s.Machine.Title(), LineBytes: c.Machine.Mem.LineBytes,
		Design: c.Label, Base: c.Design, Report: c.Spec.Groups[c.Report].Name,
		Warmup: c.Warmup, Configuration: c.Configuration}
	for _, a := range point {
		id.Point = append(id.Point, results.Setting{Key: a.Key, Value: a.Text()})
	}
	return id
}
