package experiments

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"sync/atomic"

	"mmsim/litmus"
	"mmsim/results"
)

// inOrder does n pieces of work, some at a time, and yields their numbers in
// order as they are done. It ends early with the context or the loop, and does
// not wait for work in progress then.
func inOrder(ctx context.Context, n, workers int, work func(i int)) iter.Seq[int] {
	return func(yield func(int) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		done := make([]chan struct{}, n)
		for i := range done {
			done[i] = make(chan struct{})
		}
		var next atomic.Int64
		for range workers {
			go func() {
				for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
					work(i)
					close(done[i])
				}
			}()
		}
		for i := range n {
			select {
			case <-done[i]:
			case <-ctx.Done():
				return
			}
			if !yield(i) {
				return
			}
		}
	}
}

// litmusWords are what can come of a test, in the order of the count.
var litmusWords = []string{"Ok", "No", "Unknown", "Deadlock", "Fault", "unsupported", "malformed", "failed"}

// conclude prints the summary of several tests and writes the file. total is the
// number of files; there are fewer tests if the run was interrupted.
func (q *LitmusRequest) conclude(out io.Writer, tests []litmusTest, total int) error {
	if q.CSV != "" {
		if err := writeLitmusCSV(q.CSV, tests); err != nil {
			return fmt.Errorf("--csv: %w", err)
		}
	}
	count := map[string]int{}
	for i := range tests {
		count[tests[i].outcome()]++
	}
	if total > 1 {
		t := litmusTable(tests)
		if err := t.WriteText(out); err != nil {
			return err
		}
		var words []string
		for _, w := range litmusWords {
			if count[w] > 0 {
				words = append(words, fmt.Sprintf("%d %s", count[w], w))
			}
		}
		if _, err := fmt.Fprintf(out, "%d files: %s\n", len(tests), strings.Join(words, ", ")); err != nil {
			return err
		}
	}
	return litmusFailure(tests, count, total)
}

// litmusFailure is the error of a request: files that do not parse, tests that
// could not be run. A file outside of the language is none as long as others
// run.
func litmusFailure(tests []litmusTest, count map[string]int, total int) error {
	bad := count["malformed"] + count["failed"]
	idle := bad + count["unsupported"]
	switch {
	case total == 1 && count["failed"] == 1:
		return tests[0].err
	case total == 1 && idle == 1:
		return &InputError{tests[0].err}
	case idle == total && count["failed"] == 0:
		return &InputError{fmt.Errorf("none of %d files could be run", total)}
	case bad > 0:
		return fmt.Errorf("%d of %d files could not be run", bad, total)
	}
	return nil
}

// litmusColumns are the columns of the file; the table has those with a title.
var litmusColumns = []column[*litmusTest]{
	{"file", "file", func(t *litmusTest) string { return t.path }},
	{"test", "test", func(t *litmusTest) string { return t.name }},
	{"on", "", ran(func(r *litmus.Result) string {
		if r.Machine != nil {
			return r.Machine.Name
		}
		return r.Model.String()
	})},
	{"verdict", "verdict", func(t *litmusTest) string { return t.outcome() }},
	{"observation", "observation", ran((*litmus.Result).Observation)},
	{"positive", "positive", ran(func(r *litmus.Result) string { return first(tally(r)) })},
	{"negative", "negative", ran(func(r *litmus.Result) string { return second(tally(r)) })},
	{"states", "states", ran(func(r *litmus.Result) string { return strconv.Itoa(len(r.States)) })},
	{"executions", "executions", ran(func(r *litmus.Result) string { return strconv.FormatInt(r.Ended, 10) })},
	{"deadlocks", "", ran(func(r *litmus.Result) string { return strconv.FormatInt(r.Deadlocks, 10) })},
	{"exhausted", "", ran(func(r *litmus.Result) string {
		if r.Machine != nil {
			return ""
		}
		return strconv.FormatBool(r.Complete)
	})},
	{"cycles_per_run", "cycles/run", ran((*litmus.Result).CyclesPerRun)},
	{"outcomes", "", ran(outcomes)},
	{"problem", "problem", func(t *litmusTest) string {
		r := t.result
		switch {
		case t.err != nil:
			return t.err.Error()
		case r.Fault != nil:
			return r.Fault.String()
		case r.Blocked != nil:
			return r.Blocked.String()
		}
		return ""
	}},
}

// ran is a column that only tests with a result have.
func ran(value func(*litmus.Result) string) func(*litmusTest) string {
	return func(t *litmusTest) string {
		if t.result == nil {
			return ""
		}
		return value(t.result)
	}
}

// outcomes are the states; those of timed runs behind their counts.
func outcomes(r *litmus.Result) string {
	var texts []string
	for _, s := range r.States {
		text := s.Text
		if r.Machine != nil {
			text = fmt.Sprintf("%d %s", s.Count, text)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " | ")
}

// tally counts states of explored tests, and runs of timed ones.
func tally(r *litmus.Result) (positive, negative int64) {
	if r.Machine != nil {
		return r.Runs()
	}
	pos, neg := r.Tally()
	return int64(pos), int64(neg)
}

func first(a, _ int64) string  { return strconv.FormatInt(a, 10) }
func second(_, b int64) string { return strconv.FormatInt(b, 10) }

// litmusTable is the summary.
func litmusTable(tests []litmusTest) results.Table {
	t := results.Table{Left: 4, Tail: 1}
	addTo(&t, litmusColumns, pointers(tests))
	return t
}

// writeLitmusCSV writes one row per file.
func writeLitmusCSV(name string, tests []litmusTest) error {
	var b bytes.Buffer
	if err := writeColumns(&b, litmusColumns, pointers(tests)); err != nil {
		return err
	}
	return results.WriteFile(name, b.Bytes())
}

func pointers(tests []litmusTest) (out []*litmusTest) {
	for i := range tests {
		out = append(out, &tests[i])
	}
	return out
}
