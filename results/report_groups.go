package results

import "slices"

// groupTable is about the groups beside the report group, at the last point:
// what a design saves its readers may be paid by its writers.
func groupTable(s *Summary) Table {
	last := s.Points[len(s.Points)-1]
	t := Table{Caption: "other groups, per operation of their own", Left: 2,
		Header: []string{"group", "design", "ops/s", "95%", "ns/op", "95%", "cycles/op", "bounces/op", "fence cyc/op", "lock cyc/op"}}
	for _, g := range otherGroups(s) {
		for _, d := range s.Designs {
			w := s.Row(last, d)
			if w == nil {
				continue
			}
			if at := pointLabel(w); at != "" && len(t.Rows) == 0 {
				t.Caption += " (" + at + ")"
			}
			t.Rows = append(t.Rows, append([]string{g, d}, groupCells(w.about(g))...))
		}
	}
	return t
}

// otherGroups names the groups beside the report group that are given
// operations to do, also those that ended none: helpers of hardware probes have
// no load.
func otherGroups(s *Summary) []string {
	var out []string
	for _, r := range s.Records {
		for i := range r.Groups {
			if g := &r.Groups[i]; g.Name != r.Report && g.Path != "micro" && !slices.Contains(out, g.Name) {
				out = append(out, g.Name)
			}
		}
	}
	return out
}

// about is the same row with another group in the place of the report group.
func (w *Row) about(group string) *Row {
	other := *w
	other.Records = nil
	for _, r := range w.Records {
		c := *r
		c.Report = group
		other.Records = append(other.Records, &c)
	}
	return &other
}

func groupCells(w *Row) []string {
	ops, cost := w.Mean("throughput_ops_per_s"), w.Mean(costColumn)
	cells := []string{rate(ops.Mean), ops.spread(), short(cost.Mean), cost.spread()}
	for _, c := range []string{"busy_cycles_per_op", "bounces_per_op", "fence_stall_cycles_per_op", "lock_wait_cycles_per_op"} {
		cells = append(cells, short(w.Mean(c).Mean))
	}
	return cells
}
