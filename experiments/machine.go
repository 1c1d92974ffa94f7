package experiments

import (
	"context"
	"fmt"
	"strings"

	"mmsim/coherence"
	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/cores"
	"mmsim/results"
)

// MachineRequest is one call of "mmsim machine show".
type MachineRequest struct {
	Machine   string               // preset or file
	Overrides []configs.Assignment // of the machine's keys, behind "machine." or not
	Micro     bool                 // measure the hardware probes too
	Quick     bool                 // probes at the quick scale
	Workers   int
	Done      func(finished, total int)
}

// ShowMachine reports the topology and every key of a machine, and the
// published figures that it is held against; with Micro, beside what its
// probes measure. Errors are an *InputError or those of Plan.Execute.
func ShowMachine(ctx context.Context, q MachineRequest) (*results.Report, error) {
	setup, err := q.load()
	if err == nil && q.Micro {
		err = checkWorkers(q.Workers)
	}
	if err != nil {
		return nil, &InputError{err}
	}
	m := setup.Machine
	hw, err := m.Resolve()
	if err != nil {
		return nil, &InputError{err}
	}
	rep := &results.Report{Title: heading(m), Shared: summary(hw),
		Tables: []results.Table{socketTable(&hw.Mem.Topology), keyTable(m), absentTable(m)}}
	switch {
	case q.Micro:
		return rep, q.measure(ctx, setup, rep)
	case len(m.Facts()) > 0:
		rep.Tables = append(rep.Tables, publishedTable(m, hw))
		rep.Notes = []string{confidenceNote}
	}
	return rep, nil
}

// load reads the machine together with the experiment that runs its probes.
func (q *MachineRequest) load() (*configs.Setup, error) {
	if _, err := configs.LoadMachine(q.Machine, schema.Origin{}); err != nil {
		return nil, err
	}
	return microSetup(q.Machine, q.Quick, q.Overrides)
}

// loadMachine reads a machine, changes keys of it, and checks that each change
// has an effect.
func loadMachine(name string, overrides []configs.Assignment) (*configs.Machine, error) {
	s, err := microSetup(name, false, overrides)
	if err != nil {
		return nil, err
	}
	return s.Machine, nil
}

// microExperiment is the preset that runs every hardware probe, on any
// machine.
const microExperiment = "machine-micro"

// microSetup is the experiment of all probes on a machine.
func microSetup(machine string, quick bool, overrides []configs.Assignment) (*configs.Setup, error) {
	o := configs.Options{Experiment: microExperiment, Machine: machine, Quick: quick}
	for _, a := range overrides {
		a.Key = "machine." + strings.TrimPrefix(a.Key, "machine.")
		o.Overrides = append(o.Overrides, a)
	}
	return configs.Load(o)
}

func heading(m *configs.Machine) string {
	if m.Title() == "" {
		return m.Name()
	}
	return m.Name() + ": " + m.Title()
}

// summary says in a few lines what the keys add up to.
func summary(hw *cores.Machine) []results.Setting {
	t, p := &hw.Mem.Topology, &hw.Mem
	out := []results.Setting{
		{Key: "CPUs", Value: fmt.Sprintf("%d = %d x %d x %d x %d (sockets, clusters, cores, threads)", t.CPUs(), t.Sockets, t.ClustersPerSocket, t.CoresPerCluster, t.ThreadsPerCore)},
		{Key: "clock", Value: clocks(hw.Clock)},
		{Key: "L1D", Value: geometry(p.L1D, p.LineBytes) + " per core"},
		{Key: "L2", Value: geometry(p.L2, p.LineBytes) + " per core"}}
	if p.LLC.Bytes > 0 {
		out = append(out, results.Setting{Key: "LLC", Value: geometry(p.LLC, p.LineBytes) + " per " + [...]string{"socket", "cluster"}[p.Domain]})
	}
	return out
}

func clocks(steps []cores.ClockStep) string {
	first, last := units.FormatClock(steps[0].Clock), units.FormatClock(steps[len(steps)-1].Clock)
	if len(steps) == 1 {
		return first
	}
	return fmt.Sprintf("%s with up to %d active cores of a socket, %s with all", first, steps[0].Cores, last)
}

func geometry(g coherence.CacheGeometry, line int) string {
	return fmt.Sprintf("%s, %d ways of %d sets", units.FormatSize(g.Bytes), g.Ways, g.Bytes/(g.Ways*line))
}

// socketTable says which CPUs are where, and how far sockets are apart.
func socketTable(t *coherence.Topology) results.Table {
	table := results.Table{Caption: "sockets", Left: 4, Header: []string{"socket", "clusters", "cores", "CPUs"}}
	if t.Sockets > 1 {
		table.Header = append(table.Header, "hops to sockets")
		table.Left++
	}
	cores := t.ClustersPerSocket * t.CoresPerCluster
	for s := range t.Sockets {
		var cpus []string
		for thread := range t.ThreadsPerCore {
			cpus = append(cpus, span(thread*t.Cores()+s*cores, cores))
		}
		row := []string{fmt.Sprint(s), span(s*t.ClustersPerSocket, t.ClustersPerSocket), span(s*cores, cores), strings.Join(cpus, ", ")}
		if t.Sockets > 1 {
			row = append(row, strings.Trim(fmt.Sprint(t.Hops[s]), "[]"))
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// span writes n numbers from first on.
func span(first, n int) string {
	if n == 1 {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, first+n-1)
}

// keyTable lists every key that has a value and an effect.
func keyTable(m *configs.Machine) results.Table {
	t := results.Table{Caption: "keys", Left: 4, Wrap: 70, Header: []string{"key", "value", "kind", "meaning"}}
	for _, s := range m.Settings() {
		t.Rows = append(t.Rows, []string{s.Path, plainValue(s.Value), s.Kind, s.Doc})
	}
	return t
}

// plainValue drops the quotes that a value has in TOML, and breaks a list of
// tables into one line for each.
func plainValue(v string) string {
	if list, ok := strings.CutPrefix(v, "[{"); ok {
		list = strings.TrimSuffix(list, "}]")
		return strings.ReplaceAll(strings.ReplaceAll(list, "}, {", "\n"), `"`, "")
	}
	return strings.ReplaceAll(v, `"`, "")
}

// absentTable lists the keys that keyTable leaves out, and when they matter.
func absentTable(m *configs.Machine) results.Table {
	t := results.Table{Caption: "keys without a value or without an effect on this machine", Left: 3, Wrap: 70,
		Header: []string{"key", "has an effect with", "meaning"}}
	shown := map[string]bool{}
	for _, s := range m.Settings() {
		shown[s.Path] = true
	}
	for _, k := range configs.MachineKeys() {
		if shown[k.Path] || strings.HasPrefix(k.Path, "fact[].") {
			continue
		}
		needs := k.Needs
		if needs == "" {
			needs = "a value"
		}
		t.Rows = append(t.Rows, []string{k.Path, needs, k.Doc})
	}
	return t
}
