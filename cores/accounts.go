package cores

import (
	"fmt"

	"mmsim/sim"
)

func checkAccounts(r *Result) error {
	for i := range r.CPUs {
		var sum sim.Time
		for s := range r.CPUs[i].Time {
			for _, t := range r.CPUs[i].Time[s] {
				sum += t
			}
		}
		if sum != r.Elapsed {
			return fmt.Errorf("CPU %d accounts for %v of %v elapsed", r.CPUs[i].CPU, sum, r.Elapsed)
		}
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		sum := t.Running + t.IRQ
		for _, s := range t.Sleeping {
			sum += s
		}
		if sum != r.Elapsed {
			return fmt.Errorf("thread %d accounts for %v of %v elapsed", t.Thread, sum, r.Elapsed)
		}
	}
	return nil
}
