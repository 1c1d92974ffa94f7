package explore

import (
	"strings"
	"testing"
)

// Schedules without a bound show what the graphs show.
func TestSchedulesShowTheSame(t *testing.T) {
	for _, flavour := range []string{"", "rmw", "lock", "rcu"} {
		for seed := range uint64(5) {
			r := rng{seed*104729 + uint64(len(flavour))}
			p := randomProgram(&r, flavour)
			for m := range numModels {
				want, _ := Run(p.program(), Options{Model: m, Bound: Unbounded})
				got := schedules(p.program(), m)
				if a, b := states(want), states(&got.sum); a != b || !got.sum.Exhausted {
					t.Fatalf("%s seed %d under %v:\n%v\ngraphs\n%s\nschedules\n%s", flavour, seed, m, p, a, b)
				}
			}
		}
	}
}

// schedules searches a program by schedules without a bound.
func schedules(p *Program, m Model) *run {
	r := newRun(p, Options{Model: m, Bound: Unbounded})
	defer r.m.close()
	r.m.usesCPU = true
	r.learn()
	r.search()
	return r
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
