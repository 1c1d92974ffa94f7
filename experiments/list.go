package experiments

import (
	"fmt"
	"strings"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/results"
	"mmsim/workloads"
)

// Kinds lists what List knows.
func Kinds() []string {
	return []string{"machines", "experiments", "paths", "designs", "layouts", "workloads"}
}

// List gives the tables of "mmsim list": presets and registered names, one
// line each, the name in the first column of the first table. An unknown kind
// is an *InputError.
func List(kind string) ([]results.Table, error) {
	switch kind {
	case "machines":
		return listMachines()
	case "experiments":
		return listExperiments()
	case "paths":
		return listPaths(), nil
	case "designs":
		return listDesigns(), nil
	case "layouts":
		return listLayouts(), nil
	case "workloads":
		return listWorkloads()
	}
	return nil, &InputError{schema.Unknown("list", kind, Kinds())}
}

// Names are the names that List has for a kind.
func Names(kind string) ([]string, error) {
	tables, err := List(kind)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, row := range tables[0].Rows {
		names = append(names, row[0])
	}
	return names, nil
}

func listMachines() ([]results.Table, error) {
	t := results.Table{Left: 2, Header: []string{"machine", "title", "sockets", "cores", "CPUs"}}
	for _, name := range configs.MachineNames() {
		m, err := configs.LoadMachine(name, schema.Origin{})
		if err != nil {
			return nil, err
		}
		hw, err := m.Resolve()
		if err != nil {
			return nil, err
		}
		top := &hw.Mem.Topology
		t.Rows = append(t.Rows, []string{name, m.Title(), fmt.Sprint(top.Sockets), fmt.Sprint(top.Cores()), fmt.Sprint(top.CPUs())})
	}
	return []results.Table{t}, nil
}

func listExperiments() ([]results.Table, error) {
	t := results.Table{Left: 3, Header: []string{"experiment", "title", "machine", "points", "designs", "seeds"}}
	err := eachExperiment(func(s *configs.Setup) error {
		designs, err := s.Designs()
		if err != nil {
			return err
		}
		e := s.Experiment
		t.Rows = append(t.Rows, []string{e.Name(), e.Title(), e.MachineName(), fmt.Sprint(len(s.Points())), fmt.Sprint(len(designs)), fmt.Sprint(len(e.Seeds()))})
		return nil
	})
	return []results.Table{t}, err
}

func eachExperiment(f func(s *configs.Setup) error) error {
	for _, name := range configs.ExperimentNames() {
		s, err := configs.Load(configs.Options{Experiment: name})
		if err == nil {
			err = f(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func listPaths() []results.Table {
	t := results.Table{Left: 4, Wrap: 50, Header: []string{"path", "what it does", "targets", "designs"}}
	for _, p := range workloads.Paths() {
		var names []string
		for _, d := range p.Designs() {
			names = append(names, d.Name)
		}
		designs := strings.Join(names, ", ")
		if p.PlacesThreads {
			designs = fmt.Sprintf("%d probes: mmsim list designs", len(names))
		}
		t.Rows = append(t.Rows, []string{p.Name, p.Doc, dash(p.Targets), designs})
	}
	return []results.Table{t}
}

// listDesigns names each design once, with the paths that have it.
func listDesigns() []results.Table {
	t := results.Table{Left: 3, Wrap: 90, Header: []string{"design", "what it does", "paths"}}
	row := map[string]int{}
	for _, p := range workloads.Paths() {
		for _, d := range p.Designs() {
			i, known := row[d.Name]
			if !known {
				row[d.Name] = len(t.Rows)
				t.Rows = append(t.Rows, []string{d.Name, d.Doc, p.Name})
				continue
			}
			t.Rows[i][2] += ", " + p.Name
		}
	}
	return []results.Table{t}
}

func listLayouts() []results.Table {
	t := results.Table{Left: 2, Header: []string{"layout", "where fields lie (|: in the next line)"}}
	for _, l := range workloads.Layouts() {
		t.Rows = append(t.Rows, []string{l.Name, l.Title})
	}
	return []results.Table{t}
}

// listWorkloads shows the thread groups of the embedded experiments, as they
// are at the first point, and what a group can be made of.
func listWorkloads() ([]results.Table, error) {
	t := results.Table{Caption: "thread groups of the experiments, at their first point", Left: 3,
		Header: []string{"workload", "path", "load", "threads"}}
	err := eachExperiment(func(s *configs.Setup) error {
		run, err := firstRun(s.Experiment.Name())
		if err != nil {
			return err
		}
		for i, g := range run.Spec.Groups {
			threads := fmt.Sprint(len(g.CPUs))
			if len(g.CPUs) == 0 {
				threads = "-"
			}
			t.Rows = append(t.Rows, []string{s.Experiment.Name() + "." + g.Name, g.Path, run.Loads[i], threads})
		}
		return nil
	})
	return []results.Table{t, groupKeys()}, err
}

// groupKeys lists the keys of a thread group: pinnings, arrivals,
// distributions.
func groupKeys() results.Table {
	t := results.Table{Caption: "keys of a group: --set group.NAME.key=value", Left: 3, Wrap: 70, Header: []string{"key", "values", "what it says"}}
	for _, k := range configs.ExperimentKeys() {
		if name, ok := strings.CutPrefix(k.Path, "group[]."); ok {
			t.Rows = append(t.Rows, []string{name, k.Expected, k.Doc})
		}
	}
	return t
}
