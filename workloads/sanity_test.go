package workloads

import (
	"testing"

	"mmsim/cores"
	"mmsim/sim"
)

// bouncesOf runs two CPUs of one socket that each increment a field of their
// own of one struct.
func bouncesOf(t *testing.T, l *sim.Layout) (bounces int, ops int64) {
	t.Helper()
	base := sim.At(1 << 20)
	syms := &sim.Symbols{}
	syms.AddObject(base.A, l, "")
	count := func(field string) func(c *sim.CPU) {
		r := base.F(l.Field(field))
		return func(c *sim.CPU) {
			for {
				c.OpBegin()
				c.FetchAdd(r, 1, sim.Relaxed)
				c.OpEnd()
			}
		}
	}
	p := &cores.Program{Mem: sim.NewMemory(), Syms: syms, Threads: []cores.Thread{
		{Name: "a", Path: "count", CPU: 0, Body: count("a")},
		{Name: "b", Path: "count", CPU: 1, Body: count("b")},
	}}
	r, err := cores.Run(testMachine(), p, cores.Options{Seed: 1, Warmup: sim.Microsecond, Duration: 20 * sim.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range r.Bounces {
		bounces += int(b.Count)
	}
	return bounces, r.Latency[0].TotalCount()
}

// Two fields that share a line bounce it although no word is shared; a layout
// override that moves them apart ends that.
func TestFalseSharing(t *testing.T) {
	near := sim.NewLayout("pair", 64, 64, sim.F("a", 0, 8), sim.F("b", 8, 8))
	apart, err := near.Move("b", 64)
	if err != nil {
		t.Fatal(err)
	}
	bounces, slow := bouncesOf(t, near)
	if bounces < 100 {
		t.Errorf("one line: %d bounces in %d operations", bounces, slow)
	}
	bounces, fast := bouncesOf(t, apart)
	if bounces != 0 || fast < 2*slow {
		t.Errorf("a line each: %d bounces, %d operations against %d on one line", bounces, fast, slow)
	}
}
