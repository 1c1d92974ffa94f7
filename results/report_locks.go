package results

import (
	"slices"
	"strings"

	"mmsim/sim/lockstat"
)

// benchPaths are the paths whose reports are about locks.
var benchPaths = []string{"lock-bench", "counter-bench", "ref-bench", "ref-update"}

// aboutLocks reports whether the report group runs a bench path.
func aboutLocks(s *Summary) bool {
	g := s.Records[0].ReportGroup()
	return g != nil && slices.Contains(benchPaths, g.Path)
}

// cellOf is a column of a table: what it is called, and the record's column
// behind it.
type cellOf struct{ header, column string }

var threadCells = []cellOf{
	{"p50 ns", "latency_p50_ns"}, {"p90 ns", "latency_p90_ns"}, {"p99 ns", "latency_p99_ns"}, {"max ns", "latency_max_ns"},
	{"Jain", "fairness_jain_ratio"}, {"max/min", "fairness_max_min_ratio"},
	{"spin cyc/op", "spin_cycles_per_op"}, {"sleeps/op", "sleeps_per_op"}, {"wake-ups/op", "wakeups_per_op"},
	{"runnable ns/op", "runnable_ns_per_op"}}

// threadTable has a row per point and design: latencies, fairness, and what
// threads did while they waited.
func threadTable(s *Summary) Table {
	t := Table{Caption: "latency, fairness and waiting of " + s.Records[0].Report}
	for _, p := range s.Records[0].Point {
		t.Header = append(t.Header, shortKey(p.Key))
	}
	t.Header = append(t.Header, "design")
	t.Left = len(t.Header)
	for _, x := range threadCells {
		t.Header = append(t.Header, x.header)
	}
	for _, w := range s.Rows() {
		var row []string
		for _, p := range w.Point {
			row = append(row, p.Value)
		}
		t.Rows = append(t.Rows, append(append(row, w.Design), cells(w, threadCells)...))
	}
	return t.pruned()
}

// lockTable is about the hottest lock of each group and design at the last
// point.
func lockTable(s *Summary) Table {
	last := s.Points[len(s.Points)-1]
	t := Table{Caption: "hottest lock of each group: waits, holds, cycles of a hand-over by distance", Left: 3,
		Header: []string{"group", "design", "lock"}}
	of := lockCells()
	if w := s.Row(last, s.Designs[0]); w != nil && len(w.Point) > 0 {
		t.Caption += " (" + pointLabel(w) + ")"
	}
	for _, x := range of {
		t.Header = append(t.Header, x.header)
	}
	for _, g := range append([]string{s.Records[0].Report}, otherGroups(s)...) {
		for _, d := range s.Designs {
			w := s.Row(last, d)
			if w == nil {
				continue
			}
			other := w.about(g)
			if lock := other.text("hottest_lock"); lock != none {
				t.Rows = append(t.Rows, append([]string{g, d, lock}, cells(other, of)...))
			}
		}
	}
	return t.pruned()
}

func lockCells() []cellOf {
	out := []cellOf{{"contended %", "lock_contended_pct"}, {"wait ns", "lock_wait_mean_ns"}, {"hold ns", "lock_hold_mean_ns"},
		{"longest wait ns, writer", "writer_wait_max_ns"}, {"reader", "reader_wait_max_ns"}}
	for d := range lockstat.NumDistances {
		out = append(out, cellOf{strings.ReplaceAll(d.String(), "_", "-"), "handover_" + d.String() + "_cycles"})
	}
	return out
}

func cells(w *Row, of []cellOf) []string {
	var out []string
	for _, x := range of {
		out = append(out, short(w.Mean(x.column).Mean))
	}
	return out
}

// text is the content of a column of text, none if the records disagree.
func (w *Row) text(column string) string {
	c, found := ColumnNamed(column), none
	for _, r := range w.Records {
		cell := c.Value(r).Format(0)
		if found != none && cell != found {
			return none
		}
		found = cell
	}
	return found
}

// pruned leaves out the columns in which no row has anything: all columns of
// numbers, or only those with the given headers.
func (t *Table) pruned(only ...string) Table {
	out := Table{Caption: t.Caption, Left: t.Left, Rows: make([][]string, len(t.Rows))}
	for i, h := range t.Header {
		candidate := i >= t.Left && (len(only) == 0 || slices.Contains(only, h))
		if candidate && !slices.ContainsFunc(t.Rows, func(row []string) bool { return row[i] != none }) {
			continue
		}
		out.Header = append(out.Header, h)
		for r := range t.Rows {
			out.Rows[r] = append(out.Rows[r], t.Rows[r][i])
		}
	}
	return out
}
