package explore

import (
	"strings"
	"testing"
)

// Schedules without a bound show what the graphs show.
func TestSchedulesShowTheSame(t *testing.T) {
	for _, flavour := range []string{"", "rmw", "lock", "rcu"} {
		for seed := range uint64(10) {
			r := rng{seed*104729 + uint64(len(flavour))}
			p := randomProgram(&r, flavour)
			for m := range numModels {
				want, _ := Run(p.program(), Options{Model: m, Bound: Unbounded})
				got, err := Run(p.program(), Options{Model: m, Bound: 50})
				if err != nil || !got.Exhausted {
					t.Fatal(err, got)
				}
				if a, b := states(want), states(got); a != b {
					t.Fatalf("%s seed %d under %v:\n%v\ngraphs\n%s\nschedules\n%s", flavour, seed, m, p, a, b)
				}
			}
		}
	}
}

func states(s *Summary) string {
	var b strings.Builder
	for _, o := range s.Outcomes {
		b.WriteString(o.State + "\n")
	}
	if s.Deadlocks > 0 {
		b.WriteString("deadlocks\n")
	}
	return b.String()
}
