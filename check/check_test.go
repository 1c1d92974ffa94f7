package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mmsim/explore"
	"mmsim/sim"
)

const budget = 20 * time.Second

func verdict(t *testing.T, scenario, design string, m explore.Model, b sim.Break, bound int) Result {
	t.Helper()
	s, err := Find(scenario)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Run(design, Options{Model: m, Bound: bound, Broken: b, Budget: budget})
	if r.Err != nil {
		t.Fatalf("%s %s %v: %v", scenario, design, m, r.Err)
	}
	return r
}

// The cheap designs are safe where the fact sheets say so, and violated where
// they predict it.
func TestVerdicts(t *testing.T) {
	for _, k := range []struct {
		scenario, design string
		violated         string // models
	}{
		{"spec-vs-split", "mm-seqcount", ""},
		{"spec-vs-split", "vma-seqcount", ""},
		{"spec-vs-split", "vma-seqcount-own", ""},
		{"spec-vs-merge", "mm-seqcount", ""},
		{"spec-vs-merge", "vma-seqcount", ""},
		{"spec-vs-merge", "vma-seqcount-own", ""},
		{"spec-vs-reuse", "mm-seqcount", ""},
		{"spec-vs-reuse", "vma-seqcount", ""},
		{"spec-vs-reuse", "vma-seqcount-own", ""},
		{"seq-wrap", "mm-seqcount", "sc x86-tso arm64 lkmm"},
		{"seq-wrap", "mm-seqcount64", ""},
		{"seq-wrap", "vma-rwsem", "sc x86-tso arm64 lkmm"},
		{"ri-pool-vs-timer", "mmap-lock", "x86-tso arm64 lkmm"},
		{"lock-exclusion", "tas", ""},
		{"lock-exclusion", "qspinlock", ""},
		{"lock-exclusion", "mutex", ""},
		{"lock-exclusion", LockBusted, "sc x86-tso arm64 lkmm"},
	} {
		var rs []Result
		for m := explore.SC; m <= explore.LKMM; m++ {
			r := verdict(t, k.scenario, k.design, m, 0, -1)
			rs = append(rs, r)
			want := slices.Contains(strings.Fields(k.violated), m.String())
			if r.Violated() != want || !want && !r.Safe() {
				t.Errorf("%s %s %v: %s, expected violated to be %v", k.scenario, k.design, m, r.Verdict(), want)
			}
		}
		if differs := k.violated != "" && len(strings.Fields(k.violated)) < 4; differs != (len(Differences(rs)) == 1) {
			t.Errorf("%s %s: differences %q", k.scenario, k.design, Differences(rs))
		}
	}
}

// What the searches find of the mutants, under the weakest model that is quick.
func TestMutants(t *testing.T) {
	found := strings.Fields(`mm-seqcount.reader-rmb mm-seqcount.recheck mm-seqcount.begin-odd mm-seqcount.begin-wmb
		vma-seqcount.stamp-wmb vma-seqcount.reader-rmb vma-seqcount.recheck vma-seqcount-own.begin-wmb vma.mm-check
		vma.free-rcu ri-pool.seqcount tas.acquire tas.release ticket.release`)
	for _, m := range Mutants() {
		if _, err := Find(m.Scenario); err != nil {
			t.Errorf("%s: no scenario", m.Name)
			continue
		}
		if !slices.Contains(found, m.Name) {
			continue
		}
		r := verdict(t, m.Scenario, m.Design, explore.ARM64, m.Break, m.Bound)
		if !r.Violated() {
			t.Errorf("%s: %s after %d schedules", m.Name, r.Verdict(), r.Schedules)
		}
		t.Log(m.Name, r.Schedules, r.Took)
	}
}

// A token gives the columns of the execution that it was made from.
func TestReplay(t *testing.T) {
	s, _ := Find("ri-pool-vs-timer")
	r := verdict(t, s.Name, s.Designs[0], explore.X86TSO, 0, -1)
	if !r.Violated() {
		t.Fatal(r.Verdict())
	}
	want := r.Sum.Violation
	for range 2 {
		v, err := s.Replay(s.Designs[0], want.Token, 0)
		if err != nil {
			t.Fatal(err)
		}
		if v.Invariant != want.Invariant || v.Trace.String() != want.Trace.String() {
			t.Errorf("replay gave %q\n%s", v.Invariant, v.Trace)
		}
	}
	if _, err := s.Replay(s.Designs[0], "x86-tso:g:nonsense:", 0); err == nil {
		t.Error("a malformed token was taken")
	}
}
