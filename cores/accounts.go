package cores

import (
	"fmt"

	"mmsim/sim"
)

func checkAccounts(r *Result) error {
	for i := 0; i < len(r.CPUs); {
		cpu := r.CPUs[i].CPU
		var sum sim.Time
		for ; i < len(r.CPUs) && r.CPUs[i].CPU == cpu; i++ {
			sum += r.CPUs[i].total()
		}
		if sum != r.Elapsed {
			return fmt.Errorf("CPU %d accounts for %v of %v elapsed", cpu, sum, r.Elapsed)
		}
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		sum := t.Running + t.IRQ + t.Exited
		for _, s := range t.Sleeping {
			sum += s
		}
		if sum != r.Elapsed {
			return fmt.Errorf("thread %d accounts for %v of %v elapsed", t.Thread, sum, r.Elapsed)
		}
	}
	return nil
}

// total is all time in the account.
func (r *CPUResult) total() (sum sim.Time) {
	for s := range r.Time {
		for _, t := range r.Time[s] {
			sum += t
		}
	}
	return sum
}
