package locking_test

import (
	"testing"

	"mmsim/sim"
)

// The sum is exact when nobody adds, also over interrupts that add, and the
// quick read is off by less than a batch per CPU at any time.
func TestPerCPUCounter(t *testing.T) {
	for _, tasks := range []int{2, 5} {
		batch := int64(32)
		spills := false
		for seed := range uint64(seeds) {
			z := newZoo(tasks)
			total := int64(0)
			z.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for k := range uint64(3 * rounds) {
					r := sim.NewRand(seed, uint64(i), k)
					n := int64(r.Below(uint64(batch))) - batch/4
					total += n
					if k%3 == 0 {
						c.SendIPI(i, func(c *sim.CPU) { z.counter.Add(c, n) })
					} else {
						z.counter.Add(c, n)
					}
					spills = spills || z.counter.Read(c) != 0
				}
			})
			c := sim.NewDirect(z.mem)
			if got := z.counter.Sum(c); got != total {
				t.Errorf("%d tasks, seed %d: sum %d, want %d", tasks, seed, got, total)
			}
			if d := z.counter.Read(c) - total; d >= batch*int64(tasks) || d <= -batch*int64(tasks) {
				t.Errorf("%d tasks, seed %d: read is off by %d", tasks, seed, d)
			}
		}
		if !spills {
			t.Error("no CPU ever spilled its batch")
		}
	}
}

// Adds that stay within a batch touch no shared line.
func TestPerCPUCounterStaysLocal(t *testing.T) {
	z := newZoo(1)
	for _, op := range z.record(t, func(c *sim.CPU) {
		for range 31 {
			z.counter.Add(c, 1)
		}
	}) {
		if op != "load n" && op != "cmpxchg.this_cpu n" {
			t.Errorf("an add within the batch did %s", op)
		}
	}
}
