package results

import (
	"fmt"
	"slices"
)

// costColumn is the column that designs are compared by.
const costColumn = "cost_ns_per_op"

// Row is one design at one point, over all seeds.
type Row struct {
	Point   []Setting
	Design  string // label
	Base    string
	Records []*Record // in the order given
	// Ratio is this design's cost to the baseline's at the same point, paired
	// by seed; the baseline's own row has 1 and no pairs.
	Ratio Comparison
}

// Mean summarises one column over the row's seeds, leaving out records it
// does not apply to.
func (w *Row) Mean(column string) Interval {
	return MeanInterval(w.samples(ColumnNamed(column)))
}

func (w *Row) samples(c Column) []float64 {
	var x []float64
	for _, r := range w.Records {
		if f, ok := c.Value(r).Float(); ok {
			x = append(x, f)
		}
	}
	return x
}

// PointName is the point as Identity.PointName prints it.
func (w *Row) PointName() string { return w.Records[0].PointName() }

// Summary is a set of records by point and design.
type Summary struct {
	Records []*Record
	Points  []string // names, in order of first appearance
	Designs []string // labels, likewise
	rows    map[[2]string]*Row
}

// Summarise groups records by point and design. The records must be of one
// experiment on one machine with one baseline: rows of different questions are
// no table.
func Summarise(records []*Record) (*Summary, error) {
	s := &Summary{Records: records, rows: map[[2]string]*Row{}}
	for _, r := range records {
		first := records[0]
		if r.Experiment != first.Experiment || r.Machine != first.Machine || r.Baseline != first.Baseline || r.Report != first.Report {
			return nil, fmt.Errorf("records of different experiments: %s on %s (baseline %s, group %s) and %s on %s (baseline %s, group %s)",
				first.Experiment, first.Machine, first.Baseline, first.Report, r.Experiment, r.Machine, r.Baseline, r.Report)
		}
		s.add(r)
	}
	for _, w := range s.Rows() {
		w.Ratio = s.compare(w, s.Row(w.PointName(), w.Records[0].Baseline))
	}
	return s, nil
}

func (s *Summary) add(r *Record) {
	point := r.PointName()
	if !slices.Contains(s.Points, point) {
		s.Points = append(s.Points, point)
	}
	if !slices.Contains(s.Designs, r.Design) {
		s.Designs = append(s.Designs, r.Design)
	}
	key := [2]string{point, r.Design}
	w := s.rows[key]
	if w == nil {
		w = &Row{Point: r.Point, Design: r.Design, Base: r.Base}
		s.rows[key] = w
	}
	w.Records = append(w.Records, r)
}

// Row is the row of a design at a point, nil if there is none.
func (s *Summary) Row(point, design string) *Row { return s.rows[[2]string{point, design}] }

// Rows lists all rows, point by point and in each by design.
func (s *Summary) Rows() []*Row {
	var out []*Row
	for _, p := range s.Points {
		for _, d := range s.Designs {
			if w := s.Row(p, d); w != nil {
				out = append(out, w)
			}
		}
	}
	return out
}

// compare pairs the costs of two rows by seed.
func (s *Summary) compare(a, base *Row) Comparison {
	if base == nil {
		return Compare(nil, nil)
	}
	cost := ColumnNamed(costColumn)
	bySeed := map[uint64]float64{}
	for _, r := range base.Records {
		if f, ok := cost.Value(r).Float(); ok && f > 0 {
			bySeed[r.Seed] = f
		}
	}
	var x, y []float64
	for _, r := range a.Records {
		f, ok := cost.Value(r).Float()
		b, paired := bySeed[r.Seed]
		if ok && paired && f > 0 {
			x, y = append(x, f), append(y, b)
		}
	}
	return Compare(x, y)
}

// seeds lists the distinct seeds in order of first appearance.
func (s *Summary) seeds() []uint64 {
	var out []uint64
	for _, r := range s.Records {
		if !slices.Contains(out, r.Seed) {
			out = append(out, r.Seed)
		}
	}
	return out
}
