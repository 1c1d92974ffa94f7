package configs

import (
	"errors"
	"fmt"
	"slices"

	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/workloads"
)

func valuePath(sweep, value int) string { return fmt.Sprintf("sweep[%d].values[%d]", sweep, value) }

// Designs lists the designs to compare, "all" replaced by every design that
// all paths of the experiment offer on the machine.
func (s *Setup) Designs() ([]Design, error) {
	var out []Design
	for i, d := range s.Experiment.designs {
		if d.Name != "all" {
			for j := range d.Set {
				d.Set[j].From = s.Experiment.src.Origin(fmt.Sprintf("designs[%d].set.%s", i, schema.Quote(d.Set[j].Key)))
			}
			out = append(out, d)
			continue
		}
		names, err := s.allDesigns()
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			out = append(out, Design{Name: n, Label: n})
		}
	}
	return out, nil
}

func (s *Setup) allDesigns() ([]string, error) {
	hw, err := s.Machine.Resolve()
	if err != nil || len(s.Experiment.groups) == 0 {
		return nil, err
	}
	var names []string
	for i := range s.Experiment.groups {
		p, err := workloads.LookupPath(s.Experiment.groups[i].path)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			for _, d := range p.DesignsOn(hw) {
				names = append(names, d.Name)
			}
		}
		names = slices.DeleteFunc(names, func(n string) bool { return !p.HasDesign(n) })
	}
	return names, nil
}

// Baseline is the label of the design that ratios refer to.
func (s *Setup) Baseline() (string, error) {
	ds, err := s.Designs()
	if err != nil || len(ds) == 0 {
		return "", err
	}
	if s.Experiment.baseline == "" {
		return ds[0].Label, nil
	}
	var labels []string
	for _, d := range ds {
		if d.Label == s.Experiment.baseline {
			return d.Label, nil
		}
		labels = append(labels, d.Label)
	}
	return "", s.Experiment.src.Fault("baseline", schema.Unknown("design", s.Experiment.baseline, labels))
}

// Check finds the first fault of the whole plan: every point is resolved in
// every design before anything runs.
func (s *Setup) Check() error {
	if err := s.checkPlan(); err != nil {
		return err
	}
	ds, err := s.Designs()
	if err != nil {
		return err
	}
	idle := idleKeys{}
	for _, p := range s.Points() {
		for i, d := range ds {
			c, err := s.at(p, d)
			if err != nil {
				return err
			}
			if _, err := c.run(d); err != nil {
				return s.blameDesign(i, len(ds), err)
			}
			idle.merge(c)
		}
	}
	return idle.fault()
}

// blameDesign places a fault that has no place yet at the design.
func (s *Setup) blameDesign(i, n int, err error) error {
	var placed *schema.Error
	if errors.As(err, &placed) {
		return err
	}
	path := "designs"
	if n == len(s.Experiment.designs) {
		path = fmt.Sprintf("designs[%d]", i)
	}
	return s.Experiment.src.Fault(path, err)
}

func (s *Setup) checkPlan() error {
	e := s.Experiment
	if len(e.groups) == 0 {
		return e.src.Fault("group", schema.Problem("at least one [[group]]", "no threads"))
	}
	for i := range e.groups {
		if e.groups[i].placesThreads() && len(e.groups) > 1 {
			return e.src.Fault(fmt.Sprintf("group[%d].path", i), schema.Problem("no other group", "path %s places its own threads", e.groups[i].path))
		}
	}
	var names []string
	for i := range e.groups {
		names = append(names, e.groups[i].name)
	}
	if !slices.Contains(names, e.Report()) {
		return e.src.Fault("report", schema.Unknown("group", e.report, names))
	}
	if _, err := s.Baseline(); err != nil {
		return err
	}
	return s.checkSweeps()
}

// maxPoints bounds the product of the sweeps, so that a slip of the pen is no
// plan of a million runs.
const maxPoints = 10000

// checkSweeps: a swept key exists, determines runs, and is swept by nothing
// else.
func (s *Setup) checkSweeps() error {
	e := s.Experiment
	points := 1
	for i, sw := range e.sweeps {
		if points *= len(sw.Values); points > maxPoints {
			return e.src.Fault(fmt.Sprintf("sweep[%d].values", i), schema.Problem(fmt.Sprintf("at most %d", maxPoints), "%d points", points))
		}
		path := fmt.Sprintf("sweep[%d].key", i)
		role, err := s.role(sw.Key)
		if err != nil {
			return e.src.Fault(path, prefixed(sw.Key, err))
		}
		if role != schema.Model {
			return e.src.Fault(path, schema.Problem("a key that determines what a run computes", "%s cannot be swept", sw.Key))
		}
	}
	for i, d := range e.designs {
		if err := s.checkVariant(fmt.Sprintf("designs[%d].set.", i), d); err != nil {
			return err
		}
	}
	return nil
}

// checkVariant: what a design sets determines runs, and is swept by nothing.
func (s *Setup) checkVariant(path string, d Design) error {
	for _, a := range d.Set {
		role, err := s.role(a.Key)
		at := path + schema.Quote(a.Key)
		switch {
		case err != nil:
			return s.Experiment.src.Fault(at, err)
		case role != schema.Model:
			return s.Experiment.src.Fault(at, schema.Problem("a key that determines what a run computes", "a design cannot set this"))
		}
		for _, sw := range s.Experiment.sweeps {
			if a.Key == sw.Key {
				return s.Experiment.src.Fault(at, schema.Problem("", "this is swept as well"))
			}
		}
	}
	return nil
}

// idleKeys are the given keys that have had no effect in any run so far.
type idleKeys map[string]error

const machinePrefix = "machine."

// merge strikes off what has an effect in this run.
func (k *idleKeys) merge(c *Setup) {
	now := map[string]error{}
	for _, p := range experimentTable.Idle(c.Experiment, c.Experiment.src) {
		now[p] = c.Experiment.src.Fault(p, noEffect(experimentTable.Needs(p)))
	}
	for _, p := range machineTable.Idle(c.Machine, c.Machine.src) {
		// A machine file describes all of a machine; what it says beyond need
		// does no harm. What is changed for this experiment should matter.
		if c.Machine.src.Changed(p) {
			now[machinePrefix+p] = rename(c.Machine.src.Fault(p, noEffect(machineTable.Needs(p))), machinePrefix+p)
		}
	}
	if len(*k) == 0 {
		*k = idleKeys(now)
		(*k)[""] = nil // seen one run
		return
	}
	for p := range *k {
		if p != "" && now[p] == nil {
			delete(*k, p)
		}
	}
}

// fault reports a given key that has no effect in any run of the experiment.
func (k idleKeys) fault() error {
	paths := make([]string, 0, len(k))
	for p := range k {
		if p != "" {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	if len(paths) == 0 {
		return nil
	}
	return k[paths[0]]
}

func noEffect(needs string) error { return schema.Problem(needs, "has no effect here") }

// prefixed names the key that an address problem is about.
func prefixed(key string, err error) error {
	if u, ok := err.(*units.Error); ok {
		u.Problem = key + ": " + u.Problem
	}
	return err
}
