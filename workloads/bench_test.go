package workloads

import (
	"testing"

	"mmsim/cores"
	"mmsim/sim"
)

// stormMachine has eight sockets of 128 cores, all a hop apart.
func stormMachine() *cores.Machine {
	m := testMachine()
	t := &m.Mem.Topology
	t.Sockets, t.CoresPerCluster = 8, 128
	t.Hops = nil
	for a := range t.Sockets {
		row := make([]int, t.Sockets)
		for b := range row {
			if a != b {
				row[b] = 1
			}
		}
		t.Hops = append(t.Hops, row)
	}
	m.Clock = []cores.ClockStep{{Cores: t.CoresPerCluster, Clock: 3_000_000_000}}
	return m
}

// storm is 1,000 threads on CPUs of their own that take one rwsem for reading
// all the time.
func storm() Spec {
	g := Group{Name: "readers", Path: "lock-bench", ReadPermille: 1000}
	g.Section.SharedReads, g.Section.Hold = 1, 100
	for cpu := range 1000 {
		g.CPUs = append(g.CPUs, cpu)
	}
	p := testParams()
	p.Objects = 1
	return Spec{Groups: []Group{g}, Params: p}
}

// A storm of 1,000 readers of one rwsem for one simulated millisecond should
// end in less than 20 s on one host core.
func BenchmarkReaderStorm(b *testing.B) {
	for b.Loop() {
		p, err := Build(storm(), stormMachine(), "rwsem", 1)
		if err != nil {
			b.Fatal(err)
		}
		r, err := cores.Run(stormMachine(), p, cores.Options{Seed: 1, Duration: sim.Millisecond})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Latency[0].TotalCount()), "ops/run")
		b.ReportMetric(float64(r.HostEvents), "events/run")
	}
}
