package experiments

import (
	"math"
	"testing"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/results"
	"mmsim/workloads/probes"
)

// factTolerance is how far a preset may be from its own facts.
const factTolerance = 0.15

// Every preset reproduces the two-CPU and single-CPU figures it was made from
// (section 1 of machines.md), measured as "machine show --micro" does.
func TestPresetsReproduceTheirFacts(t *testing.T) {
	notShort(t)
	for _, name := range configs.MachineNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := configs.LoadMachine(name, schema.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Facts()) < 5 {
				t.Fatalf("%d facts: too few to hold a preset against", len(m.Facts()))
			}
			var designs []any
			for _, f := range m.Facts() {
				designs = append(designs, f.Probe)
			}
			setup, err := configs.Load(configs.Options{Experiment: microExperiment, Machine: name, Overrides: []configs.Assignment{
				{Key: "designs", Value: designs, From: schema.Origin{Flag: "--set"}},
				{Key: "baseline", Value: designs[0], From: schema.Origin{Flag: "--set"}}}})
			if err != nil {
				t.Fatal(err)
			}
			plan, err := NewPlan(setup)
			if err != nil {
				t.Fatal(err)
			}
			sum, err := results.Summarise(records(t, plan, 1))
			if err != nil {
				t.Fatal(err)
			}
			measured := map[string]float64{}
			for _, w := range sum.Rows() {
				p, _ := probes.Find(w.Base)
				measured[w.Base] = w.Mean("latency_mean_ns").Mean / float64(p.HandOvers)
			}
			period := plan.Runs[0].Config.Machine.Clock[0].Clock.Period()
			for _, f := range m.Facts() {
				published := f.Value.At(period).Nanoseconds()
				if d := measured[f.Probe]/published - 1; math.IsNaN(d) || math.Abs(d) > factTolerance {
					t.Errorf("%s: measured %.2f ns, published %.2f (%+.1f%%): %s", f.Probe, measured[f.Probe], published, 100*d, f.Source)
				}
			}
		})
	}
}
