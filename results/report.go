package results

import (
	"fmt"
	"strings"
)

// Report is what is printed about a set of records: text and tables, not yet
// rendered. It depends on the records only.
type Report struct {
	Title   string
	Shared  []Setting // configuration that all rows have in common
	Verdict []string  // one finding a line
	Tables  []Table
	Notes   []string
}

// Table is a rectangle of cells.
type Table struct {
	Caption string
	Header  []string
	Rows    [][]string
	Left    int // leading columns that hold names; those between hold numbers
	Tail    int // trailing columns that hold text
	Wrap    int // in text, longer cells take several lines; 0 for never
}

// hottest is how many fields a report lists per design.
const hottest = 5

// NewReport makes the report of one experiment's records, which must not be
// empty. The error is that of Summarise.
func NewReport(records []*Record) (*Report, error) {
	s, err := Summarise(records)
	if err != nil {
		return nil, err
	}
	first := records[0]
	rep := &Report{Title: fmt.Sprintf("%s: %s", first.Experiment, first.Title), Shared: shared(s),
		Verdict: verdict(s), Tables: []Table{designTable(s)}, Notes: notes(s)}
	if others := groupTable(s); len(others.Rows) > 0 {
		rep.Tables = append(rep.Tables, others)
	}
	if t := fenceTable(s); len(t.Rows) > 0 {
		rep.Tables = append(rep.Tables, t)
	}
	if aboutLocks(s) {
		rep.Tables = append(rep.Tables, threadTable(s))
		if t := lockTable(s); len(t.Rows) > 0 {
			rep.Tables = append(rep.Tables, t)
		}
	}
	rep.Tables = append(rep.Tables, fieldTable(s))
	return rep, nil
}

func shared(s *Summary) []Setting {
	r := s.Records[0]
	out := []Setting{{"machine", fmt.Sprintf("%s (%s)", r.Machine, r.MachineTitle)}}
	for i := range r.Groups {
		g := &r.Groups[i]
		out = append(out, Setting{"group " + g.Name, strings.Join(groupText(s, g.Name), ", ")})
	}
	seeds := s.seeds()
	out = append(out,
		Setting{"simulated", fmt.Sprintf("%v measured after %v of warm-up, discarded", r.Elapsed, r.Warmup)},
		Setting{"seeds", fmt.Sprintf("%d (%s); intervals are 95%%, Student's t over seeds", len(seeds), joinInts(seeds))},
		Setting{"report", fmt.Sprintf("operations of group %s; baseline %s", r.Report, r.Baseline)})
	return out
}

// groupText describes a group by what is the same in all records.
func groupText(s *Summary, name string) []string {
	var path, load, threads string
	for _, r := range s.Records {
		for i := range r.Groups {
			g := &r.Groups[i]
			if g.Name != name {
				continue
			}
			path, load = agree(path, g.Path), agree(load, g.Load)
			threads = agree(threads, plural(g.Threads, "thread"))
		}
	}
	var out []string
	for _, t := range []string{path, threads, load} {
		if t != "" && t != varies {
			out = append(out, t)
		}
	}
	return out
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// varies stands for a text that differs between records.
const varies = "\x00"

func agree(have, next string) string {
	if have == "" || have == next {
		return next
	}
	return varies
}

func joinInts(seeds []uint64) string {
	var b []string
	for _, s := range seeds {
		b = append(b, fmt.Sprint(s))
	}
	return strings.Join(b, ", ")
}

// designTable has one row per point and design.
func designTable(s *Summary) Table {
	baseline := s.Records[0].Baseline
	t := Table{Caption: "one row per point and design"}
	for _, p := range s.Records[0].Point {
		t.Header = append(t.Header, shortKey(p.Key))
	}
	t.Left = len(t.Header) + 1
	t.Header = append(t.Header, "design", "ops/s", "95%", "ns/op", "95%", "cycles/op", "bounces/op",
		"fence cyc/op", "lock cyc/op", "fallback %", "wasted cyc/op", "vs "+baseline, "95%")
	for _, w := range s.Rows() {
		t.Rows = append(t.Rows, designRow(w, baseline))
	}
	t = t.pruned("fallback %", "wasted cyc/op")
	if checked(s) {
		t.addSafety(s.Rows())
	}
	return t
}

func designRow(w *Row, baseline string) []string {
	var row []string
	for _, p := range w.Point {
		row = append(row, p.Value)
	}
	row = append(append(row, w.Design), groupCells(w)...)
	row = append(row, short(w.Mean("fallback_pct").Mean), short(w.Mean("wasted_cycles_per_op").Mean))
	if w.Design == baseline {
		return append(row, "1", none)
	}
	return append(row, w.Ratio.ratio(), w.Ratio.interval())
}

// addSafety adds the verdicts of exploration as the last column.
func (t *Table) addSafety(rows []*Row) {
	t.Header, t.Tail = append(t.Header, "safe"), 1
	for i, w := range rows {
		t.Rows[i] = append(t.Rows[i], w.text("safe"))
	}
}

// shortKey drops what all keys of an experiment share.
func shortKey(key string) string { return strings.TrimPrefix(key, "group.") }

// pointLabel is a point with short keys.
func pointLabel(w *Row) string {
	var out []string
	for _, p := range w.Point {
		out = append(out, shortKey(p.Key)+"="+p.Value)
	}
	return strings.Join(out, " ")
}
