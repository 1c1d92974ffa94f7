package experiments

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"mmsim/configs"
	"mmsim/results"
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

func embeddedRecords(t *testing.T) []*results.Record {
	t.Helper()
	if testing.Short() {
		t.Skip("runs every embedded experiment")
	}
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
		if !lives(c, records) {
			t.Errorf("column %s is zero or - in all %d records of the embedded experiments", c.Name, len(records))
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
