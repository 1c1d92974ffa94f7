package experiments

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"mmsim/configs"
	"mmsim/results"
	"mmsim/sim"
)

// embedded runs every embedded experiment at its quick scale, once for all
// tests, and returns the records by experiment.
var embedded = sync.OnceValues(func() (map[string][]*results.Record, error) {
	all := map[string][]*results.Record{}
	for _, name := range configs.ExperimentNames() {
		setup, err := configs.Load(configs.Options{Experiment: name, Quick: true})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		plan, err := NewPlan(setup)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name], err = plan.Execute(context.Background(), ExecuteOptions{Workers: runtime.GOMAXPROCS(0)})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
})

// notShort leaves out of -short what takes many runs and shares nothing between
// goroutines: with the race detector it would take minutes.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("many runs")
	}
}

func embeddedRecords(t *testing.T) []*results.Record {
	t.Helper()
	notShort(t)
	byName, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	var all []*results.Record
	for _, name := range configs.ExperimentNames() {
		all = append(all, byName[name]...)
	}
	return all
}

// A metric that is zero in every embedded experiment measures nothing: either
// the model never does what it counts, or no experiment shows it.
func TestNoMetricIsDead(t *testing.T) {
	t.Parallel()
	records := embeddedRecords(t)
	for _, c := range results.Columns() {
		if c.Name == faultColumn || strings.HasPrefix(c.Name, safeColumns) {
			continue
		}
		if !lives(c, records) {
			t.Errorf("column %s is zero or - in all %d records of the embedded experiments", c.Name, len(records))
		}
	}
}

// faultColumn counts faults of the simulated kernel: no experiment has any.
const faultColumn = "lock_order_findings_count"

// safeColumns begins those that need --with-check (TestVerdictsOfARun).
const safeColumns = "safe"

func TestExperimentsKeepTheLockOrder(t *testing.T) {
	t.Parallel()
	for _, r := range embeddedRecords(t) {
		for _, o := range r.LockOrder {
			t.Errorf("%v: %s", &r.Identity, o)
		}
	}
}

// lives: some record has text, or a number other than 0, in the column.
func lives(c results.Column, records []*results.Record) bool {
	for _, r := range records {
		v := c.Value(r)
		if n, isNumber := v.Float(); isNumber && n != 0 || !isNumber && v.Applies() {
			return true
		}
	}
	return false
}

// Every step and every reason to sleep that kernel code declares takes some
// time in some embedded experiment.
func TestNoStepIsDead(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, none with goroutines of its own")
	}
	t.Parallel()
	steps, reasons := map[string]int64{}, map[string]int64{}
	for _, r := range embeddedRecords(t) {
		for i := range r.Groups {
			for name, fs := range r.Groups[i].StepTime {
				steps[name] += fs
			}
			for name, fs := range r.Groups[i].Sleeping {
				reasons[name] += fs
			}
		}
	}
	for _, name := range sim.Steps() {
		if steps[name] == 0 {
			t.Errorf("step %s takes no time in any embedded experiment", name)
		}
	}
	for _, name := range sim.WaitReasons() {
		if reasons[name] == 0 {
			t.Errorf("no thread sleeps for reason %q in any embedded experiment", name)
		}
	}
}

// What cannot happen on a machine, in a design or on a path is "-" and no zero
// that looks measured.
func TestWhatDoesNotApplyIsADash(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, none with goroutines of its own")
	}
	t.Parallel()
	embeddedRecords(t)
	byName, _ := embedded()
	for _, x := range []struct {
		experiment, design, column string
		applies                    bool
	}{
		{"uprobe-vma-lookup", "mmap-lock", "remote_fills_count", true},
		{"uprobe-vma-lookup", "mmap-lock", "socket_fills_count", false},
		{"uprobe-vma-lookup", "mmap-lock", "far_atomics_count", false},
		{"uprobe-vma-lookup", "mmap-lock", "fallback_pct", false},
		{"uprobe-vma-lookup", "mm-seqcount", "fallback_pct", true},
		{"uprobe-vma-lookup", "mm-seqcount", "lock_waits_count", true},
		{"uprobe-clusters", "mmap-lock", "socket_fills_count", true},
		{"uprobe-arm64", "mmap-lock", "remote_fills_count", false},
		{"uprobe-arm64", "mmap-lock", "far_atomics_count", true},
		{"machine-micro", "l1-load", "lock_waits_count", false},
		{"machine-micro", "l1-load", "rcu_callbacks_count", false},
	} {
		column, seen := results.ColumnNamed(x.column), false
		for _, r := range byName[x.experiment] {
			if r.Design != x.design {
				continue
			}
			seen = true
			if cell := column.Value(r).Format(0); (cell != "-") != x.applies {
				t.Errorf("%s, design %s: %s is %s; it should apply: %t", x.experiment, x.design, x.column, cell, x.applies)
			}
		}
		if !seen {
			t.Errorf("%s has no design %s", x.experiment, x.design)
		}
	}
}
