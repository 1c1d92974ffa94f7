package check

import (
	"testing"
	"time"

	"mmsim/explore"
)

func TestX(t *testing.T) {
	for _, m := range Mutants() {
		s, err := Find(m.Scenario)
		if err != nil {
			t.Error(m.Name, err)
			continue
		}
		for _, model := range []explore.Model{explore.SC, explore.X86TSO, explore.ARM64, explore.LKMM} {
			r := s.Run(m.Design, Options{Model: model, Bound: -1, Broken: m.Break, Budget: 3 * time.Second})
			what := ""
			if r.Violated() {
				what = r.Sum.Violation.Invariant
			}
			t.Log(m.Name, model, r.Verdict(), r.Schedules(), r.Took, what)
		}
	}
	s, _ := Find("lock-exclusion")
	for _, d := range s.Designs {
		r := s.Run(d, Options{Model: explore.LKMM, Bound: -1, Budget: 2 * time.Second})
		t.Log(d, r.Verdict(), r.Schedules(), r.Took)
	}
}
