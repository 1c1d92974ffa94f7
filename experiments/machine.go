package experiments

import (
	"context"
	"fmt"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/results"
	"mmsim/workloads/probes"
)

// MachineRequest is one call of "mmsim machine show".
type MachineRequest struct {
	Machine   string // preset or file
	Overrides []configs.Assignment
	Micro     bool // measure the hardware probes too
	Quick     bool // probes at the quick scale
	Workers   int
	Done      func(finished, total int)
}

// microExperiment is the preset that runs every hardware probe.
const microExperiment = "machine-micro"

// ShowMachine reports the topology and every cost of a machine, and with Micro
// what its probes measure beside the published figures that the machine was
// made from. Errors are an *InputError or those of Plan.Execute.
func ShowMachine(ctx context.Context, q MachineRequest) (*results.Report, error) {
	m, err := configs.LoadMachine(q.Machine, schema.Origin{})
	if err != nil {
		return nil, &InputError{err}
	}
	for _, a := range q.Overrides {
		if err := m.Set(a.Key, a.Value, a.From); err != nil {
			return nil, &InputError{err}
		}
	}
	hw, err := m.Resolve()
	if err != nil {
		return nil, &InputError{err}
	}
	t := &hw.Mem.Topology
	rep := &results.Report{Title: fmt.Sprintf("%s: %s", m.Name(), m.Title()),
		Shared: []results.Setting{{Key: "topology", Value: fmt.Sprintf("sockets %d, clusters %d, cores %d, CPUs %d", t.Sockets, t.Sockets*t.ClustersPerSocket, t.Cores(), t.CPUs())}},
		Tables: []results.Table{keyTable(m)}}
	if !q.Micro {
		return rep, nil
	}
	micro, err := q.micro(ctx, m)
	if err != nil {
		return nil, err
	}
	rep.Tables = append(rep.Tables, *micro)
	rep.Notes = []string{
		"measured: mean latency of an operation; of a ping-pong (cas-*), half a round trip, as published figures are.",
		"deviation: of the measured figure from the published one. Confidence: A data set, B article, C recalled or derived.",
	}
	return rep, nil
}

func keyTable(m *configs.Machine) results.Table {
	t := results.Table{Caption: "keys", Left: 3, Header: []string{"key", "value", "meaning"}}
	for _, s := range m.Settings() {
		t.Rows = append(t.Rows, []string{s.Path, s.Value, s.Doc})
	}
	return t
}

// micro runs the probes through the same plan, runs and records as any
// experiment.
func (q *MachineRequest) micro(ctx context.Context, m *configs.Machine) (*results.Table, error) {
	over := []configs.Assignment{}
	for _, a := range q.Overrides {
		a.Key = "machine." + a.Key
		over = append(over, a)
	}
	setup, err := configs.Load(configs.Options{Experiment: microExperiment, Machine: q.Machine, Quick: q.Quick, Overrides: over})
	if err != nil {
		return nil, &InputError{err}
	}
	plan, err := NewPlan(setup)
	if err != nil {
		return nil, &InputError{err}
	}
	records, err := plan.Execute(ctx, ExecuteOptions{Workers: q.Workers, Done: q.Done})
	if err != nil {
		return nil, err
	}
	return factTable(m, plan, records)
}

func factTable(m *configs.Machine, plan *Plan, records []*results.Record) (*results.Table, error) {
	sum, err := results.Summarise(records)
	if err != nil {
		return nil, err
	}
	facts := map[string]configs.Fact{}
	for _, f := range m.Facts() {
		facts[f.Probe] = f
	}
	period := plan.Runs[0].Config.Machine.Clock[0].Clock.Period()
	t := &results.Table{Caption: "probes, measured and published", Left: 1,
		Header: []string{"probe", "measured ns", "cycles", "published", "in ns", "deviation %", "conf.", "source"}}
	for _, w := range sum.Rows() {
		p, ok := probes.Find(w.Base)
		if !ok {
			return nil, fmt.Errorf("no probe %s", w.Base)
		}
		ns := w.Mean("latency_mean_ns").Mean / float64(p.HandOvers)
		row := []string{w.Design, fmt.Sprintf("%.2f", ns), fmt.Sprintf("%.1f", ns/period.Nanoseconds()), "-", "-", "-", "-", "-"}
		if f, ok := facts[w.Base]; ok {
			published := f.Value.At(period).Nanoseconds()
			row = append(row[:3], f.Value.String(), fmt.Sprintf("%.2f", published),
				fmt.Sprintf("%+.1f", 100*(ns/published-1)), f.Confidence, f.Source)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}
