package check

import (
	"slices"
	"strings"
	"testing"

	"mmsim/explore"
	"mmsim/sim"
)

// schedules is far more than any search here needs.
const schedules = 1_000_000

func verdict(t *testing.T, scenario, design string, m explore.Model, b sim.Break, bound int) Result {
	t.Helper()
	s, err := Find(scenario)
	if err != nil {
		t.Fatal(err)
	}
	r := s.Run(design, Options{Model: m, Bound: bound, Broken: b, Schedules: schedules})
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
		{"spec-vs-munmap", "mm-seqcount", ""},
		{"spec-vs-split", "mm-seqcount", ""},
		{"spec-vs-split", "vma-seqcount", ""},
		{"spec-vs-split", "vma-seqcount-own", ""},
		{"spec-vs-merge", "mm-seqcount", ""},
		{"spec-vs-merge", "vma-seqcount", ""},
		{"spec-vs-merge", "vma-seqcount-own", ""},
		{"spec-vs-second-write", "mm-seqcount", ""},
		{"spec-vs-second-write", "vma-seqcount", "lkmm"},
		{"spec-vs-reuse", "mmap-lock", ""},
		{"spec-vs-reuse", "vma-rwsem", ""},
		{"spec-vs-reuse", "vma-refcnt", ""},
		{"spec-vs-reuse", "mm-seqcount", ""},
		{"spec-vs-reuse", "vma-seqcount", ""},
		{"spec-vs-reuse", "vma-seqcount-own", ""},
		{"file-reuse", "mmap-lock", ""},
		{"file-reuse", "vma-rwsem", ""},
		{"file-reuse", "vma-refcnt", ""},
		{"file-reuse", "mm-seqcount", ""},
		{"file-reuse", "vma-seqcount", ""},
		{"file-reuse-elsewhere", "mm-seqcount", ""},
		{"unregister-during-hit", "mmap-lock", ""},
		{"unregister-during-hit", "vma-refcnt", ""},
		{"unregister-during-hit", "mm-seqcount", ""},
		{"register-during-hit", "vma-refcnt", ""},
		{"seq-wrap", "mm-seqcount", "sc x86-tso arm64 lkmm"},
		{"seq-wrap", "mm-seqcount64", ""},
		{"seq-wrap", "vma-rwsem", "sc x86-tso arm64 lkmm"},
		{"seq-wrap", "vma-refcnt", ""},
		{"ri-pool-vs-timer", "mmap-lock", "x86-tso arm64 lkmm"},
		{"lock-exclusion", "tas", ""},
		{"lock-exclusion", "qspinlock", ""},
		{"lock-exclusion", "mutex", ""},
		{"lock-exclusion", "percpu-rwsem", ""},
		{"lock-exclusion", LockBusted, "sc x86-tso arm64 lkmm"},
		{"lock-readers", "rwsem", ""},
		{"lock-readers", "percpu-rwsem", ""},
		{"lock-readers", "seqlock", ""},
	} {
		t.Run(k.scenario+"/"+k.design, func(t *testing.T) {
			t.Parallel()
			var rs []Result
			for m := explore.SC; m <= explore.LKMM; m++ {
				r := verdict(t, k.scenario, k.design, m, 0, -1)
				rs = append(rs, r)
				want := slices.Contains(strings.Fields(k.violated), m.String())
				if r.Violated() != want || !want && !r.Safe() {
					t.Errorf("%v: %s, expected violated to be %v", m, r.Verdict(), want)
				}
			}
			if differs := k.violated != "" && len(strings.Fields(k.violated)) < 4; differs != (len(Differences(rs)) == 1) {
				t.Errorf("differences %q", Differences(rs))
			}
		})
	}
}

// The kernel model shows what every break is good for, but for those that say why
// not. Armv8 does without some of them.
func TestMutants(t *testing.T) {
	notOnARM64 := strings.Fields("mm-seqcount.end-wmb vma-seqcount-own.end-wmb file.put-full")
	for _, m := range Mutants() {
		if _, err := Find(m.Scenario); err != nil {
			t.Errorf("%s: no scenario", m.Name)
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			for _, model := range []explore.Model{explore.ARM64, explore.LKMM} {
				want := m.Redundant == "" && (model == explore.LKMM || !slices.Contains(notOnARM64, m.Name))
				r := verdict(t, m.Scenario, m.Design, model, m.Break, m.Bound)
				if r.Violated() != want || !want && !r.Safe() {
					t.Errorf("%v: %s after %d schedules, expected found to be %v", model, r.Verdict(), r.Schedules, want)
				}
				t.Log(model, r.Schedules, r.Took)
			}
		})
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
