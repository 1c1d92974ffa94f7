package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"mmsim/results"
)

// fakeRuns are n runs that differ by seed.
func fakeRuns(n int) []Run {
	runs := make([]Run, n)
	for i := range runs {
		runs[i].Identity = results.Identity{Experiment: "fake", Design: "d", Baseline: "d", Report: "g", Seed: uint64(i + 1)}
	}
	return runs
}

// made is what a fake run measures.
func made(r *Run) *results.Record {
	return &results.Record{Schema: results.SchemaVersion, Model: results.ModelVersion, Hash: results.HashOf(&r.Identity),
		Identity: r.Identity, Groups: []results.Group{{Name: "g"}}}
}

func seedsOf(records []*results.Record) string {
	var s []string
	for _, r := range records {
		s = append(s, fmt.Sprint(r.Seed))
	}
	return strings.Join(s, " ")
}

// Runs are made to finish in the reverse of their order: each waits for the
// next one, as far as there are workers.
func TestRecordsComeInTheOrderOfThePlan(t *testing.T) {
	const n = 8
	for workers := 1; workers <= n; workers++ {
		over := make([]chan struct{}, n+1)
		for i := range over {
			over[i] = make(chan struct{})
		}
		reversed := func(ctx context.Context, r *Run) (*results.Record, error) {
			i := int(r.Identity.Seed) - 1
			if (i+1)%workers != 0 && i+1 < n {
				<-over[i+1]
			}
			close(over[i])
			return made(r), nil
		}
		calls := 0
		got, err := execute(t.Context(), fakeRuns(n), ExecuteOptions{Workers: workers, Done: func(finished, total int) {
			calls++
			if finished != calls || total != n {
				t.Errorf("call %d of Done: %d of %d", calls, finished, total)
			}
		}}, reversed)
		if err != nil || seedsOf(got) != "1 2 3 4 5 6 7 8" || calls != n {
			t.Errorf("%d workers: seeds %s, %d calls, %v", workers, seedsOf(got), calls, err)
		}
	}
}

// Run 5 fails at once, run 3 only after it: the error is run 3's whatever the
// number of workers, and everything before it is kept.
func TestFirstFailureInTheOrderOfThePlanCounts(t *testing.T) {
	for workers := 1; workers <= 6; workers++ {
		failed5 := make(chan struct{})
		run := func(ctx context.Context, r *Run) (*results.Record, error) {
			switch r.Identity.Seed {
			case 3:
				if workers > 2 {
					<-failed5
				}
				return nil, errors.New("deadlock")
			case 5:
				close(failed5)
				return nil, errors.New("livelock")
			}
			return made(r), nil
		}
		got, err := execute(t.Context(), fakeRuns(6), ExecuteOptions{Workers: workers}, run)
		var failure *RunError
		if !errors.As(err, &failure) || failure.Identity.Seed != 3 {
			t.Fatalf("%d workers: error %v, want that of seed 3", workers, err)
		}
		for _, part := range []string{"point -", "design d", "seed 3", "deadlock"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q does not say %q", err, part)
			}
		}
		if !strings.HasPrefix(seedsOf(got), "1 2") {
			t.Errorf("%d workers: kept %s", workers, seedsOf(got))
		}
	}
}

func TestEndOfContextKeepsWhatIsFinished(t *testing.T) {
	cause := errors.New("SIGTERM")
	ctx, cancel := context.WithCancelCause(t.Context())
	run := func(ctx context.Context, r *Run) (*results.Record, error) {
		if r.Identity.Seed == 3 {
			cancel(cause)
			<-ctx.Done()
			return nil, ctx.Err() // as cores.Run stops in the middle
		}
		return made(r), nil
	}
	got, err := execute(ctx, fakeRuns(6), ExecuteOptions{Workers: 1}, run)
	if !errors.Is(err, cause) || seedsOf(got) != "1 2" {
		t.Errorf("kept %s, error %v", seedsOf(got), err)
	}
}

func TestStoreSavesRunsAndSurvivesDamage(t *testing.T) {
	dir := t.TempDir()
	store, err := results.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int32
	run := func(ctx context.Context, r *Run) (*results.Record, error) {
		count.Add(1)
		return made(r), nil
	}
	all := func(n int) (warnings []string) {
		count.Store(0)
		got, err := execute(t.Context(), fakeRuns(n), ExecuteOptions{Workers: 3, Store: store,
			Warn: func(err error) { warnings = append(warnings, err.Error()) }}, run)
		if err != nil || len(got) != n {
			t.Fatalf("%d of %d records: %v", len(got), n, err)
		}
		return warnings
	}
	if all(4); count.Load() != 4 {
		t.Errorf("empty store: %d runs, want 4", count.Load())
	}
	if all(6); count.Load() != 2 {
		t.Errorf("two more seeds: %d runs, want 2", count.Load())
	}
	bad := filepath.Join(dir, results.HashOf(&fakeRuns(6)[4].Identity)+".json")
	if err := os.Truncate(bad, 40); err != nil {
		t.Fatal(err)
	}
	if w := all(6); count.Load() != 1 || len(w) != 1 || !strings.Contains(w[0], bad) {
		t.Errorf("one file cut short: %d runs, warnings %q", count.Load(), w)
	}
	if w := all(6); count.Load() != 0 || len(w) != 0 {
		t.Errorf("repaired store: %d runs, warnings %q", count.Load(), w)
	}
}

func TestStoredRecordsTakeTheNamesOfThePlan(t *testing.T) {
	store, err := results.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run := func(ctx context.Context, r *Run) (*results.Record, error) { return made(r), nil }
	runs := fakeRuns(1)
	for _, label := range []string{"d", "renamed"} {
		runs[0].Identity.Design = label
		got, err := execute(t.Context(), runs, ExecuteOptions{Store: store}, run)
		if err != nil || got[0].Design != label {
			t.Errorf("label %s: record of design %s, %v", label, got[0].Design, err)
		}
	}
}
