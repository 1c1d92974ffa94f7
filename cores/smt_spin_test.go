package cores

import (
	"testing"

	"mmsim/sim"
)

// TestSiblingWriteEndsSpin: an SMT sibling's store does not take the line away
// from the core, so a spin-wait must notice it even when it falls between the
// spinner's look and its going to sleep. One sibling spins on a word, the
// other writes it at random distances from the answer to the last one, which
// it polls; a lost wake-up stalls the run.
func TestSiblingWriteEndsSpin(t *testing.T) {
	word, answer := sim.At(1<<20).Ref(0, 8), sim.At(1<<20).Ref(64, 8)
	spinner := func(c *sim.CPU) {
		for k := uint64(1); ; k++ {
			c.OpBegin()
			c.SpinUntil(sim.Never, sim.Cond{Ref: word, Test: sim.Eq, Arg: k})
			c.Store(answer, k)
			c.OpEnd()
		}
	}
	writer := func(c *sim.CPU) {
		for k := uint64(1); ; k++ {
			r := sim.NewRand(1, 1, k)
			for range r.Below(12) {
				c.Compute(sim.Cycles(1 + r.Below(3)))
			}
			c.Store(word, k)
			for c.Load(answer) != k {
				c.Compute(1)
			}
		}
	}
	res, err := Run(testMachine(1, 1, 2), onCPUs(sim.NewMemory(), spinner, writer), Options{Seed: 1, Duration: 300 * sim.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	if res.Tasks[0].Ops < 1000 {
		t.Errorf("%d hand-overs, want more than 1000", res.Tasks[0].Ops)
	}
}
