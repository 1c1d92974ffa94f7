package configs

import (
	"testing"

	"mmsim/configs/schema"
	"mmsim/cores"
	"mmsim/sim"
	"mmsim/workloads/probes"
)

// factTolerance is how far a preset may be from its own two-CPU and single-CPU
// facts, in thousandths.
const factTolerance = 150

func TestPresetsReproduceTheirFacts(t *testing.T) {
	for _, name := range MachineNames() {
		m, err := LoadMachine(name, schema.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		hw, err := m.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.Facts() {
			want := f.Value.At(hw.Clock[0].Clock.Period())
			got := measure(t, hw, f.Probe)
			off := 1000 * (got - want) / want
			t.Logf("%-18s %-18s fact %8.2fns model %8.2fns %+5d/1000", name, f.Probe, want.Nanoseconds(), got.Nanoseconds(), off)
			if off > factTolerance || -off > factTolerance {
				t.Errorf("%s: %s: %s measured, %s published (%s)", name, f.Probe, got, want, f.Source)
			}
		}
	}
}

// measure runs a probe and returns its mean latency per hand-over.
func measure(t *testing.T, hw *cores.Machine, id string) sim.Time {
	t.Helper()
	p, ok := probes.Find(id)
	if !ok {
		t.Fatalf("no probe %s", id)
	}
	prog, err := p.Build(hw, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := cores.Run(hw, prog, cores.Options{Seed: 1, Warmup: 20 * sim.Microsecond, Duration: 60 * sim.Microsecond})
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	mean := r.Latency[probes.MeasuredGroup].Mean() // ps
	return sim.Time(mean) * sim.Picosecond / sim.Time(p.HandOvers)
}
