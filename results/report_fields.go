package results

import (
	"fmt"
	"strings"
)

// fieldTable lists the hottest fields of each design at the last point.
func fieldTable(s *Summary) Table {
	last := s.Points[len(s.Points)-1]
	t := Table{Header: []string{"design", "field", "step", "distance", "bounces/op", "share %"}, Left: 4}
	t.Caption = "hottest fields by bounces, all threads, per operation of " + s.Records[0].Report
	for _, d := range s.Designs {
		w := s.Row(last, d)
		if w == nil {
			continue
		}
		if at := pointLabel(w); at != "" && len(t.Rows) == 0 {
			t.Caption += " (" + at + ")"
		}
		t.Rows = append(t.Rows, fieldRows(w)...)
	}
	return t
}

func fieldRows(w *Row) [][]string {
	fields, ops, total := w.hottestFields(hottest)
	var rows [][]string
	for _, f := range fields {
		rows = append(rows, []string{w.Design, f.Field, stepShare(&f), distanceShares(&f),
			short(ratioOf(f.Count, ops)), fmt.Sprintf("%.1f", 100*ratioOf(f.Count, total))})
	}
	if len(rows) == 0 {
		rows = append(rows, []string{w.Design, none, none, none, "0", none})
	}
	return rows
}

// hottestFields adds the bounces of all seeds; ops are the report group's and
// total all bounces.
func (w *Row) hottestFields(n int) (fields []FieldBounces, ops, total int64) {
	var all []Bounce
	for _, r := range w.Records {
		all = append(all, r.Bounces...)
		if g := r.ReportGroup(); g != nil {
			ops += g.Ops
		}
	}
	for i := range all {
		total += all[i].Count
	}
	return HottestFields(all, n), ops, total
}

func ratioOf(a, b int64) float64 {
	f, ok := Frac(a, b).Float()
	if !ok {
		return MeanInterval(nil).Mean
	}
	return f
}

// stepShare names the step that took the line most often, with its share
// unless it was the only one.
func stepShare(f *FieldBounces) string {
	if f.StepCount == f.Count {
		return f.Step
	}
	return fmt.Sprintf("%s %.0f%%", f.Step, 100*ratioOf(f.StepCount, f.Count))
}

func distanceShares(f *FieldBounces) string {
	var out []string
	for _, d := range distances() {
		if n := f.ByDistance[d]; n > 0 {
			out = append(out, fmt.Sprintf("%s %.0f%%", strings.ReplaceAll(d, "_", "-"), 100*ratioOf(n, f.Count)))
		}
	}
	return strings.Join(out, ", ")
}
