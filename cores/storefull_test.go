package cores

import (
	"testing"

	"mmsim/sim"
)

// TestStoreBehindAFullBuffer: a store that waited for room may find the buffer
// empty and own its line. Then no miss is on its way that would drain it later:
// it must become visible at once, or a fence behind it waits for ever.
func TestStoreBehindAFullBuffer(t *testing.T) {
	m := testMachine(1, 1, 1)
	own := sim.At(1 << 20)
	body := func(c *sim.CPU) {
		for k := uint64(1); ; k++ {
			c.OpBegin()
			c.Store(own.Ref(0, 8), k)
			c.SmpMB() // the core owns the line from here on
			c.Store(sim.At(1<<21).Ref(64*k, 8), k)
			for range m.StoreBuffer {
				c.Store(own.Ref(0, 8), k)
			}
			c.SmpMB()
			c.OpEnd()
		}
	}
	res, err := Run(m, onCPUs(sim.NewMemory(), body), Options{Seed: 1, Duration: 30 * sim.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	if res.Tasks[0].Ops < 100 {
		t.Errorf("%d operations, want more than 100", res.Tasks[0].Ops)
	}
}
