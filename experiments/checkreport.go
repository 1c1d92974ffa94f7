package experiments

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"mmsim/check"
	"mmsim/explore"
	"mmsim/results"
)

// report prints and writes what was decided, and says what is missing.
func (q *CheckRequest) report(ctx context.Context, out, log io.Writer, jobs []checkJob) error {
	rs, missing := begun(jobs)
	rep, columns := q.page(rs, missing), q.violations(rs)
	for _, text := range columns {
		fmt.Fprintln(out, text)
	}
	if err := rep.WriteText(out); err != nil {
		return err
	}
	if err := q.write(log, rs, rep, columns); err != nil {
		return err
	}
	if ctx.Err() != nil && len(missing) > 0 {
		decided := 0
		for i := range jobs {
			if jobs[i].decided() {
				decided++
			}
		}
		return fmt.Errorf("%w\n%d of %d verdicts finished", context.Cause(ctx), decided, len(jobs))
	}
	return failure(rs)
}

// failure is the error of the verdicts that should not be.
func failure(rs []*checkJob) error {
	violated := false
	for _, j := range rs {
		if err := j.result.Err; err != nil {
			return fmt.Errorf("%s, %s, %s: %w", j.result.Scenario, j.design, j.result.Memory, err)
		}
		violated = violated || j.result.Violated() && j.broken == "" && j.design != check.LockBusted
	}
	if violated {
		return errViolated
	}
	return nil
}

// violations are the columns of the first violation of each scenario, and the
// commands that show the others, one for each design. Mutants are too many to
// show.
func (q *CheckRequest) violations(rs []*checkJob) (texts []string) {
	if q.Mutants {
		return nil
	}
	shown := map[string]bool{}
	for _, j := range rs {
		r := &j.result
		if !r.Violated() || shown[r.Scenario+" "+j.design] {
			continue
		}
		var b strings.Builder
		if shown[r.Scenario] {
			fmt.Fprintf(&b, "%s, %s: %s\n", r.Scenario, j.design, r.Sum.Violation.Invariant)
			check.WriteReplay(&b, r.Scenario, j.design, j.broken, r.Sum.Violation)
		} else {
			check.WriteViolation(&b, r.Scenario, j.design, j.broken, r.Sum.Violation)
		}
		shown[r.Scenario], shown[r.Scenario+" "+j.design] = true, true
		texts = append(texts, b.String())
	}
	return texts
}

// begun are the jobs that have a result, and the names of those whose result does
// not stand.
func begun(jobs []checkJob) (rs []*checkJob, missing []string) {
	for i := range jobs {
		j := &jobs[i]
		if j.begun {
			rs = append(rs, j)
		}
		if j.decided() {
			continue
		}
		name := j.scenario.Name + ", " + j.design
		if j.broken != "" {
			name += ", " + j.broken
		}
		missing = appendNew(missing, name)
	}
	return rs, missing
}

// page is the report without the columns of the violations.
func (q *CheckRequest) page(rs []*checkJob, missing []string) *results.Report {
	rep := &results.Report{Title: "check: " + q.title(), Notes: []string{check.Scope(q.Search != "" && q.Search != explore.Exhaustive.String())}}
	if len(rs) > 0 {
		rep.Shared = []results.Setting{{Key: "search", Value: rs[0].result.Search},
			{Key: "budget", Value: budget(rs[0].o) + " for each verdict"}}
	}
	if q.Break != "" {
		rep.Shared = append(rep.Shared, results.Setting{Key: "taken out", Value: q.Break})
	}
	if q.Mutants {
		rep.Tables = []results.Table{mutantTable(rs)}
		rep.Notes = append(mutantNotes(rs), rep.Notes...)
	} else {
		rep.Tables = []results.Table{checkTable(rs)}
		var all []check.Result
		for _, r := range rs {
			all = append(all, r.result)
		}
		rep.Notes = append(append(check.Differences(all), q.breakNotes(rs)...), rep.Notes...)
	}
	if len(missing) > 0 {
		rep.Notes = append(rep.Notes, "Interrupted; not decided: "+strings.Join(missing, "; ")+".")
	}
	return rep
}

// budget is what a verdict may take.
func budget(o check.Options) string {
	if o.Schedules == 0 {
		return o.Budget.String()
	}
	return fmt.Sprintf("%v and %d schedules", o.Budget, o.Schedules)
}

// breakNotes says where the break is known to matter, if something else was
// checked and not violated: the break may not be on the path there.
func (q *CheckRequest) breakNotes(rs []*checkJob) []string {
	if q.Break == "" {
		return nil
	}
	at := slices.IndexFunc(check.Mutants(), func(m check.Mutant) bool { return m.Name == q.Break })
	m := check.Mutants()[at]
	for _, j := range rs {
		r := &j.result
		if !r.Violated() && (r.Scenario != m.Scenario || r.Design != m.Design) {
			return []string{fmt.Sprintf("%s: what --mutants tries is %s, %s; elsewhere it may not be on the path, and then nothing was taken out.",
				q.Break, m.Scenario, m.Design)}
		}
	}
	return nil
}

func (q *CheckRequest) title() string {
	what := "all scenarios"
	if q.Scenario != "" {
		what = q.Scenario
	}
	if q.Mutants {
		what += ", mutants"
	}
	return what
}

// checkColumns are the columns of the file; the table has those with a title.
var checkColumns = []column[*check.Result]{
	{"scenario", "scenario", func(r *check.Result) string { return r.Scenario }},
	{"design", "design", func(r *check.Result) string { return r.Design }},
	{"memory_model", "model", func(r *check.Result) string { return r.Memory }},
	{"verdict", "verdict", (*check.Result).Verdict},
	{"cpus_count", "CPUs", func(r *check.Result) string { return strconv.Itoa(r.CPUs) }},
	{"schedules_count", "schedules", func(r *check.Result) string { return strconv.Itoa(r.Schedules) }},
	{"depth_count", "depth", depth},
	{"host_s", "seconds", func(r *check.Result) string { return fmt.Sprintf("%.1f", r.Took.Seconds()) }},
	{"break", "", func(r *check.Result) string { return dash(r.Break) }},
	{"search", "", func(r *check.Result) string { return r.Search }},
	{"bound", "", func(r *check.Result) string { return strconv.Itoa(r.Bound) }},
	{"invariant", "", violation(func(v *results.Violation) string { return v.Invariant })},
	{"preemptions_count", "", violation(func(v *results.Violation) string { return strconv.Itoa(v.Preemptions) })},
	{"stale_reads_count", "", violation(func(v *results.Violation) string { return strconv.Itoa(v.StaleReads) })},
	{"delayed_stores_count", "", violation(func(v *results.Violation) string { return strconv.Itoa(v.DelayedStores) })},
	{"token", "", violation(func(v *results.Violation) string { return v.Token })},
}

// depth is the most operations on shared memory in one execution.
func depth(r *check.Result) string {
	if r.Sum == nil {
		return dash("")
	}
	return strconv.Itoa(r.Sum.Depth)
}

func violation(f func(v *results.Violation) string) func(*check.Result) string {
	return func(r *check.Result) string {
		if !r.Violated() {
			return dash("")
		}
		return f(r.Violation)
	}
}

func checkTable(rs []*checkJob) results.Table {
	t := results.Table{Caption: "verdicts", Left: 4}
	addTo(&t, checkColumns, resultsOf(rs))
	return t
}

func resultsOf(rs []*checkJob) (out []*check.Result) {
	for _, j := range rs {
		out = append(out, &j.result)
	}
	return out
}

// mutantTable has one row per break, and a column per model.
func mutantTable(rs []*checkJob) results.Table {
	t := results.Table{Caption: "breaks, and the schedules that it took to find them", Header: []string{"break", "scenario", "design"}}
	for _, j := range rs {
		t.Header = appendNew(t.Header, j.result.Memory)
	}
	t.Left = len(t.Header)
	var row []string
	for _, j := range rs {
		r := &j.result
		if row == nil || row[0] != j.broken {
			row = []string{j.broken, r.Scenario, r.Design}
			for range t.Header[3:] {
				row = append(row, dash(""))
			}
			t.Rows = append(t.Rows, row)
		}
		for i, h := range t.Header[3:] {
			if h == r.Memory {
				row[3+i] = found(r)
			}
		}
	}
	return t
}

// mutantNotes says which breaks are not expected to be found, and why.
func mutantNotes(rs []*checkJob) (notes []string) {
	for _, j := range rs {
		if j.redundant != "" {
			notes = appendNew(notes, "Not expected to be found: "+j.broken+"; "+j.redundant+".")
		}
	}
	return append(notes, "A model that orders what a fence orders does not need the fence: such a break is found under weaker models alone.")
}

func found(r *check.Result) string {
	switch {
	case r.Err != nil:
		return r.Verdict()
	case r.Violated():
		return fmt.Sprintf("found in %d", r.Schedules)
	case r.Safe():
		return fmt.Sprintf("not found, bound %d", r.Bound)
	}
	return "not found, " + r.Verdict()
}

// write writes the files and says so on log.
func (q *CheckRequest) write(log io.Writer, rs []*checkJob, rep *results.Report, columns []string) error {
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{q.Files.CSV, func(w io.Writer) error { return writeColumns(w, checkColumns, resultsOf(rs)) }},
		{q.Files.Markdown, func(w io.Writer) error { return writeCheckMarkdown(w, rep, columns) }},
	} {
		if f.name == "" {
			continue
		}
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return err
		}
		if err := results.WriteFile(f.name, b.Bytes()); err != nil {
			return err
		}
		fmt.Fprintf(log, "wrote %s (%d verdicts)\n", f.name, len(rs))
	}
	return nil
}

func writeCheckMarkdown(w io.Writer, rep *results.Report, columns []string) error {
	err := rep.WriteMarkdown(w)
	for _, text := range columns {
		if err == nil {
			_, err = fmt.Fprintf(w, "\n```\n%s```\n", text)
		}
	}
	return err
}
