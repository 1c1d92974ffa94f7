package results

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"mmsim/sim"
)

// checkOf makes a check: "safe", "violated" or "open", the last with bound 1 done.
func checkOf(scenario, design, memory, word string) *Check {
	c := &Check{Scenario: scenario, Design: design, Memory: memory, CPUs: 2, Search: "exhaustive", Bound: 2, Budget: 500,
		Schedules: 400, BoundDone: 1}
	switch word {
	case "safe":
		c.Exhausted, c.BoundDone = true, 2
	case "violated":
		c.Violation = &Violation{Invariant: "U2: wrong", Token: "t"}
	}
	c.Sign()
	return c
}

func TestDifferencesBetweenModelsAreSaidInWords(t *testing.T) {
	for _, k := range []struct{ sc, tso, arm, lkmm, want string }{
		{"safe", "safe", "safe", "safe", ""},
		{"violated", "violated", "violated", "violated", ""},
		{"safe", "safe", "safe", "violated", "s, d: safe on sc, x86-tso and arm64, not promised by lkmm."},
		{"safe", "open", "safe", "violated", "s, d: safe on sc and arm64, not promised by lkmm; unknown under x86-tso."},
		{"safe", "violated", "violated", "violated", "s, d: safe under sc; violated under x86-tso, arm64 and lkmm."},
		{"safe", "open", "violated", "violated", "s, d: safe under sc; violated under arm64 and lkmm; unknown under x86-tso."},
		{"open", "open", "open", "violated", ""},
	} {
		got := Differences([]*Check{checkOf("s", "d", "sc", k.sc), checkOf("s", "e", "sc", "safe"), checkOf("s", "d", "x86-tso", k.tso),
			checkOf("s", "d", "arm64", k.arm), checkOf("s", "d", "lkmm", k.lkmm)})
		if strings.Join(got, "|") != k.want {
			t.Errorf("%+v: %q", k, got)
		}
	}
}

func TestColumnSafeIsTheWorstScenario(t *testing.T) {
	none := checkOf("c", "d", "arm64", "open")
	none.BoundDone = 0
	deep := checkOf("b", "d", "arm64", "safe")
	deep.Bound, deep.BoundDone = 4, 4
	safe, open, bad := checkOf("a", "d", "arm64", "safe"), checkOf("a", "d", "arm64", "open"), checkOf("a", "d", "arm64", "violated")
	for _, k := range []struct {
		checks []*Check
		want   string
	}{
		{nil, ""},
		{[]*Check{safe}, "yes (bound 2)"},
		{[]*Check{deep, safe}, "yes (bound 2)"},
		{[]*Check{safe, open}, "UNKNOWN (bound 1: yes)"},
		{[]*Check{open, none}, "UNKNOWN"},
		{[]*Check{none, bad, safe}, "VIOLATED"},
	} {
		if got := combined(k.checks); got != k.want {
			t.Errorf("%q, want %q", got, k.want)
		}
	}
}

func TestVerdictsInWords(t *testing.T) {
	sampled := checkOf("s", "d", "sc", "open")
	sampled.Search = "pct"
	cut := checkOf("s", "d", "sc", "open")
	cut.Livelocks = 3
	for want, c := range map[string]*Check{
		"safe (exhausted, bound 2)": checkOf("s", "d", "sc", "safe"),
		"VIOLATED":                  checkOf("s", "d", "sc", "violated"),
		"UNKNOWN (budget ran out; safe at bound 1)": checkOf("s", "d", "sc", "open"),
		"not found in 400 sampled schedules":        sampled,
		"UNKNOWN (3 executions were cut)":           cut,
		"UNKNOWN (budget ran out)":                  {Search: "exhaustive", BoundDone: -1},
	} {
		if got := c.Verdict(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The report shows verdicts as a column with footnotes, and without them neither.
func TestReportWithVerdicts(t *testing.T) {
	all := fakeRecords(t)
	if rep := reportText(t, all); strings.Contains(rep, "safe") {
		t.Errorf("verdicts that nobody asked for:\n%s", rep)
	}
	for _, r := range all {
		word := "safe"
		if r.Design != r.Baseline {
			word = "violated"
		}
		r.Safety = &Safety{Memory: "x86-tso", Checks: []*Check{checkOf("file-reuse", r.Design, "x86-tso", "safe")},
			Promised: []*Check{checkOf("file-reuse", r.Design, "lkmm", word)}}
	}
	rep := reportText(t, all)
	for _, want := range []string{"95%  safe\n", "  yes (bound 2)\n", "safe: explored under x86-tso, by file-reuse: 2 CPUs; ", "no load buffering",
		"safe under lkmm, on whatever machine: yes (bound 2): " + all[0].Baseline, "safe on x86-tso, not promised by lkmm.\n"} {
		if !strings.Contains(rep, want) {
			t.Errorf("no %q in the report:\n%s", want, rep)
		}
	}
	all[0].Safety = &Safety{Reason: "there is no model"}
	if rep := reportText(t, all[:1]); !strings.Contains(rep, `safe: "-" for `+all[0].Design+": there is no model.") {
		t.Errorf("the reason of \"-\" is missing:\n%s", rep)
	}
}

func reportText(t *testing.T, records []*Record) string {
	t.Helper()
	rep, err := NewReport(records)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := rep.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestStoreKeepsChecks(t *testing.T) {
	s, err := OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := checkOf("s", "d", "sc", "violated")
	if got, err := s.GetCheck(c.Hash); got != nil || err != nil {
		t.Fatalf("an empty store has %v, %v", got, err)
	}
	if err := s.PutCheck(c); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GetCheck(c.Hash); err != nil || *got.Violation != *c.Violation || got.Schedules != c.Schedules {
		t.Errorf("got %+v, %v", got, err)
	}
	var damaged *DamagedError
	if _, err := s.Get(c.Hash); !errors.As(err, &damaged) {
		t.Errorf("a check passes for a record: %v", err)
	}
	text, err := os.ReadFile(s.file(c.Hash))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(c.Hash), bytes.Replace(text, []byte("U2"), []byte("U3"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetCheck(c.Hash); !errors.As(err, &damaged) {
		t.Errorf("a changed file is taken: %v", err)
	}
}

// Everything that decides a verdict is in the hash; what came out is not.
func TestHashesOfChecks(t *testing.T) {
	hashes := []string{checkOf("s", "d", "sc", "safe").Hash}
	if checkOf("s", "d", "sc", "violated").Hash != hashes[0] {
		t.Error("the hash depends on the verdict")
	}
	for _, change := range []func(*Check){
		func(c *Check) { c.Scenario = "t" }, func(c *Check) { c.Design = "e" }, func(c *Check) { c.Memory = "lkmm" },
		func(c *Check) { c.Break = "b" }, func(c *Check) { c.Search = "pct" }, func(c *Check) { c.Bound++ }, func(c *Check) { c.Budget++ },
	} {
		c := checkOf("s", "d", "sc", "safe")
		change(c)
		if c.Sign(); slices.Contains(hashes, c.Hash) {
			t.Errorf("%+v has the hash of another check", c)
		}
		hashes = append(hashes, c.Hash)
	}
}

// Verdicts are no part of the measurement: a record has the same hash with them.
func TestVerdictsLeaveTheHashAlone(t *testing.T) {
	r := fakeRun{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1}.record(t)
	r.Safety = &Safety{Memory: "x86-tso", Checks: []*Check{checkOf("s", "d", "sc", "safe")}}
	if HashOf(&r.Identity) != r.Hash {
		t.Error("the hash changes with a verdict")
	}
	if got := ColumnNamed("safe").Value(r).Format(0); got != "yes (bound 2)" {
		t.Errorf("column safe is %q", got)
	}
	if got := ColumnNamed("safe_lkmm").Value(r).Format(0); got != "-" {
		t.Errorf("column safe_lkmm is %q", got)
	}
}
