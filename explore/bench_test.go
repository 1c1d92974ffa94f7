package explore

import (
	"testing"

	"mmsim/sim"
)

// ringProgram is a scenario on three CPUs of 30 operations in all: each takes a
// ticket, writes two words of its neighbour under a sequence count, and reads
// its own.
func ringProgram() *Program {
	p := &Program{Mem: sim.NewMemory()}
	at := func(i, f int) sim.Ref { return sim.At(varBase+sim.Addr(i)*256).Ref(uint64(f)*64, 8) }
	for cpu := range 3 {
		next := (cpu + 1) % 3
		p.Threads = append(p.Threads, Thread{CPU: cpu, Body: func(c *sim.CPU) {
			c.FetchAdd(at(3, 0), 1, sim.Full)
			c.Store(at(next, 0), 1)
			c.SmpWMB()
			c.Store(at(next, 1), 1)
			c.Store(at(next, 2), 1)
			c.StoreRelease(at(next, 0), 2)
			s := c.LoadAcquire(at(cpu, 0))
			a, b := c.Load(at(cpu, 1)), c.Load(at(cpu, 2))
			c.SmpRMB()
			if c.Load(at(cpu, 0)) == s && s == 2 && (a == 0 || b == 0) {
				Fail(c, "torn")
			}
		}})
	}
	return p
}

func BenchmarkExecutions(b *testing.B) {
	for _, m := range []Model{SC, X86TSO, ARM64, LKMM} {
		for _, bound := range []int{2, Unbounded} {
			name := m.String() + "/bound2"
			if bound == Unbounded {
				name = m.String() + "/graphs"
			}
			b.Run(name, func(b *testing.B) {
				for n := 0; n < b.N; {
					sum, err := Run(ringProgram(), Options{Model: m, Bound: bound, MaxExecutions: max(b.N-n, 100)})
					if err != nil || sum.Violation != nil {
						b.Fatal(err, sum.Violation)
					}
					n += sum.Executions + sum.Cut
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
			})
		}
	}
}
