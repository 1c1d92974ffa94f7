package experiments

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mmsim/configs"
	"mmsim/results"
)

// Which scenarios a design is checked in, and under which models.
func TestWhatIsCheckedOfADesign(t *testing.T) {
	for _, k := range []struct {
		experiment string
		set        []string
		want       string // first run: memory model, scenario/design...
	}{
		{"uprobe-vma-lookup", nil, "x86-tso" + lookupScenarios("mmap-lock")},
		{"uprobe-vma-lookup", []string{`designs=["6.12"]`, `baseline="6.12"`, "kernel.uprobe.lookup=vma-refcnt"}, "x86-tso" + lookupScenarios("vma-refcnt")},
		{"uretprobe-scaling", []string{`designs=["6.12"]`, `baseline="6.12"`}, "x86-tso" + lookupScenarios("mmap-lock")},
		{"uretprobe-scaling", []string{`designs=["6.12"]`, `baseline="6.12"`, "kernel.uprobe.retprobe=srcu-lease-pool"},
			"x86-tso" + lookupScenarios("mmap-lock") + " ri-pool-vs-timer/mmap-lock"},
		{"lock-scaling", []string{`designs=["mcs"]`, "baseline=mcs"}, "x86-tso lock-exclusion/mcs"},
		{"lock-scaling", []string{`designs=["mcs"]`, "baseline=mcs", "machine.ordering.class=arm64-lse"}, "arm64 lock-exclusion/mcs"},
		{"lock-scaling", []string{`designs=["mcs"]`, "baseline=mcs", "machine.ordering.class=riscv"}, " no memory model of the machine's ordering class is explored"},
		{"lock-scaling", []string{`designs=["rwsem"]`, "baseline=rwsem"}, "x86-tso lock-exclusion/rwsem lock-readers/rwsem"},
		{"counter-scaling", nil, " no scenario of mmsim check is about that"},
		{"machine-micro", nil, " no scenario of mmsim check is about that"},
	} {
		p := planned(t, k.experiment, true, k.set...)
		s, err := newSafety(p.Runs, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := s.of[0].Memory
		for i, c := range s.of[0].Checks {
			got += " " + c.Scenario + "/" + c.Design
			if l := s.of[0].Promised[i]; c.Memory != s.of[0].Memory || l.Memory != "lkmm" || l.Scenario != c.Scenario || l.Design != c.Design {
				t.Errorf("%s %v: %+v goes with %+v", k.experiment, k.set, c, l)
			}
		}
		if s.of[0].Reason != "" {
			got += " " + s.of[0].Reason
		}
		if got != k.want {
			t.Errorf("%s %v:\n%s, want\n%s", k.experiment, k.set, got, k.want)
		}
	}
}

// lookupScenarios are the scenarios about the way to look a VMA up.
func lookupScenarios(design string) (text string) {
	for _, s := range strings.Fields("spec-vs-munmap spec-vs-split spec-vs-merge spec-vs-reuse spec-vs-second-write file-reuse unregister-during-hit") {
		text += " " + s + "/" + design
	}
	return text
}

// Every design of every embedded experiment is checked, or there is a reason.
func TestEmbeddedExperimentsCanBeChecked(t *testing.T) {
	checked := map[string]bool{}
	for _, name := range configs.ExperimentNames() {
		s, err := newSafety(planned(t, name, true).Runs, 10)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, of := range s.of {
			if (len(of.Checks) == 0) != (of.Reason != "") || len(of.Checks) != len(of.Promised) {
				t.Errorf("%s, run %d: %+v", name, i, of)
			}
		}
		for _, c := range s.checks {
			checked[c.Scenario] = true
		}
	}
	for _, name := range []string{"spec-vs-munmap", "spec-vs-split", "spec-vs-merge", "spec-vs-reuse", "file-reuse", "ri-pool-vs-timer", "lock-exclusion"} {
		if !checked[name] {
			t.Errorf("no experiment is checked by %s", name)
		}
	}
}

// checkRequest prices two locks at one point, and checks them.
func checkRequest(workers int, dir string) *Request {
	return &Request{WithCheck: true, CheckBudget: 200, Workers: workers, Store: filepath.Join(dir, "store"),
		Files: results.Files{CSV: filepath.Join(dir, "out.csv"), JSON: filepath.Join(dir, "out.json")},
		Load: configs.Options{Experiment: "lock-scaling", Quick: true, Overrides: overrides(
			`designs=["ticket", "rwsem"]`, "baseline=ticket", "duration=10us", "warmup=1us", "seeds=2", "sweep.group.lockers.count=[2, 3]")}}
}

func overrides(set ...string) (out []configs.Assignment) {
	for _, s := range set {
		a, err := configs.ParseSet(s)
		if err != nil {
			panic(err)
		}
		out = append(out, a)
	}
	return out
}

// Each design is checked once per model whatever the number of rows; verdicts are
// the same for any number of workers and with a store, which keeps them.
func TestVerdictsOfARun(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for _, workers := range []int{1, 4} {
		dir := t.TempDir()
		for _, again := range []string{"first", "from the store"} {
			q, total := checkRequest(workers, dir), 0
			q.Done = func(_, n int) { total = n }
			var out, log bytes.Buffer
			if err := q.Do(t.Context(), &out, &log); err != nil {
				t.Fatal(err)
			}
			if runs, checks := 2*2*2, 3*2; total != runs+checks {
				t.Errorf("%d pieces of work, want %d runs and %d checks", total, runs, checks)
			}
			for name, text := range map[string]string{"report": out.String(), "CSV": read(t, q.Files.CSV), "JSON": read(t, q.Files.JSON)} {
				if files[name] == "" {
					files[name] = text
				}
				if files[name] != text {
					t.Errorf("%d workers, %s: another %s", workers, again, name)
				}
			}
		}
	}
	for _, want := range []string{"yes (bound 2)\n", "UNKNOWN (bound 1: yes)\n",
		"UNKNOWN: rwsem, x86-tso: 200 schedules are too few for lock-exclusion", "UNKNOWN (bound 1: yes): rwsem."} {
		if !strings.Contains(files["report"], want) {
			t.Errorf("no %q in the report:\n%s", want, files["report"])
		}
	}
	if n := strings.Count(files["CSV"], ",yes (bound 2),yes (bound 2),"); n != 4 {
		t.Errorf("%d rows of the file are safe under both models, want 4", n)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// When the context ends among the checks, the runs are written, with the verdicts
// that are complete, and the next call goes on from there.
func TestChecksCanBeInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	q := checkRequest(1, dir)
	q.Done = func(finished, _ int) {
		if finished == 2*2*2+2 { // all runs, and both models of the first design
			cancel(stopped)
		}
	}
	var out, log bytes.Buffer
	err := q.Do(ctx, &out, &log)
	if !errors.Is(err, stopped) || !strings.HasSuffix(err.Error(), "all 8 runs and 2 of 6 verdicts finished") {
		t.Errorf("interrupted: %v", err)
	}
	rows := strings.Split(read(t, q.Files.CSV), "\n")
	if strings.Contains(strings.Join(rows, ""), "UNKNOWN") {
		t.Error("a check that was not begun has a verdict")
	}
	if safe := slices.DeleteFunc(rows, func(r string) bool { return !strings.Contains(r, ",yes (bound 2),") }); len(safe) != 4 || out.Len() > 0 {
		t.Errorf("%d rows with a verdict, want those of ticket; report %q", len(safe), &out)
	}
	again, ran := checkRequest(1, dir), 0
	again.Done = func(int, int) { ran++ }
	if err := again.Do(t.Context(), &out, &log); err != nil || ran != 14 {
		t.Errorf("the second call: %v, %d pieces of work", err, ran)
	}
}

// A kept verdict is taken as it is; a check that was stopped is not kept.
func TestStoredVerdictsAreNotWorkedOutAgain(t *testing.T) {
	t.Parallel()
	q := checkRequest(1, t.TempDir())
	plan, store, err := q.prepare()
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	rwsem := slices.IndexFunc(plan.safety.jobs, func(j checkJob) bool { return j.design == "rwsem" })
	j := &plan.safety.jobs[rwsem]
	asked := j.scenario.Ask(j.design, j.o)
	if c, err := plan.safety.one(ended, j, &ExecuteOptions{Store: store}); c != nil || err != nil {
		t.Errorf("a stopped check gives %+v, %v", c, err)
	}
	if c, err := store.GetCheck(asked.Hash); c != nil || err != nil {
		t.Errorf("a stopped check is kept: %+v, %v", c, err)
	}
	made, err := plan.safety.one(t.Context(), j, &ExecuteOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := store.GetCheck(asked.Hash); err != nil || c == nil || c.Schedules != made.Schedules {
		t.Fatalf("kept: %+v, %v", c, err)
	}
	asked.Violation = &results.Violation{Invariant: "made up"}
	if err := store.PutCheck(&asked); err != nil {
		t.Fatal(err)
	}
	if c, err := plan.safety.one(t.Context(), j, &ExecuteOptions{Store: store}); err != nil || !c.Violated() {
		t.Errorf("the kept verdict is not taken: %+v, %v", c, err)
	}
}

func TestCheckBudgetIsANumberOfSchedules(t *testing.T) {
	q := checkRequest(1, t.TempDir())
	q.CheckBudget = 0
	var input *InputError
	if err := q.Do(t.Context(), nil, nil); !errors.As(err, &input) || !strings.Contains(err.Error(), "--check-budget: 0 schedules") {
		t.Errorf("a budget of nothing: %v", err)
	}
}
