package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// verdict says what a reader would look for in the table first: the order of
// the designs at the first and the last point, how each scales, where the
// lines go, what speculation gave up, and how far the other groups got.
func verdict(s *Summary) []string {
	first, last := s.Points[0], s.Points[len(s.Points)-1]
	out := []string{ranking(s, first)}
	if first != last {
		out = append(out, ranking(s, last), scaling(s, first, last))
	}
	out = append(out, hotSpot(s, last))
	if f := fallbacks(s, last); f != "" {
		out = append(out, f)
	}
	if g := garbage(s); g != "" {
		out = append(out, g)
	}
	out = append(out, storms(s)...)
	out = append(out, breakEvens(s)...)
	out = append(out, fences(s)...)
	for _, g := range otherGroups(s) {
		out = append(out, reached(s, last, g))
	}
	return out
}

// reached says how fast another group got in each design: designs are compared
// at the load that the others managed, not at the one that was asked for.
func reached(s *Summary, point, group string) string {
	var parts []string
	load := ""
	for _, d := range s.Designs {
		w := s.Row(point, d)
		if w == nil || len(parts) == most {
			continue
		}
		load = w.about(group).load()
		parts = append(parts, d+" "+rate(w.about(group).Mean("throughput_ops_per_s").Mean))
	}
	return fmt.Sprintf("%s (%s) reached, in ops/s%s: %s", group, load, atPoint(s, point), strings.Join(parts, ", "))
}

// load is the pace and target of the row's report group.
func (w *Row) load() string {
	for _, r := range w.Records {
		for i := range r.Groups {
			if r.Groups[i].Name == r.Report {
				return fmt.Sprintf("%d x %s", r.Groups[i].Threads, r.Groups[i].Load)
			}
		}
	}
	return ""
}

// most is how many designs a line of the verdict names.
const most = 6

// ranking orders the designs of a point by cost: "<" between two that differ,
// "~" between two that cannot be told apart.
func ranking(s *Summary, point string) string {
	rows := s.byCost(point)
	var b strings.Builder
	b.WriteString("ns/op" + atPoint(s, point) + ": ")
	for i, w := range rows {
		if i == most {
			fmt.Fprintf(&b, ", %d more", len(rows)-most)
			break
		}
		if i > 0 {
			b.WriteString(relation(s.compare(w, rows[i-1])))
		}
		fmt.Fprintf(&b, "%s %s", w.Design, short(w.Mean(costColumn).Mean))
	}
	if len(rows) == 0 {
		b.WriteString("no operation ended in the measured interval")
	}
	return b.String()
}

// byCost lists the rows of a point that have a cost, cheapest first.
func (s *Summary) byCost(point string) []*Row {
	var rows []*Row
	for _, d := range s.Designs {
		if w := s.Row(point, d); w != nil && !math.IsNaN(w.Mean(costColumn).Mean) {
			rows = append(rows, w)
		}
	}
	slices.SortStableFunc(rows, func(a, b *Row) int { return cmp.Compare(a.Mean(costColumn).Mean, b.Mean(costColumn).Mean) })
	return rows
}

func relation(c Comparison) string {
	switch {
	case !c.Known():
		return ", " // one seed: no claim
	case c.Distinct():
		return " < "
	}
	return " ~ "
}

func atPoint(s *Summary, point string) string {
	for _, d := range s.Designs {
		if w := s.Row(point, d); w != nil && len(w.Point) > 0 {
			return " at " + pointLabel(w)
		}
	}
	return ""
}

// scaling is each design's cost at the last point over that at the first.
func scaling(s *Summary, first, last string) string {
	var out []string
	for _, d := range s.Designs {
		a, b := s.Row(first, d), s.Row(last, d)
		if a == nil || b == nil || len(out) == most {
			continue
		}
		if f := b.Mean(costColumn).Mean / a.Mean(costColumn).Mean; !math.IsNaN(f) {
			out = append(out, fmt.Sprintf("%s x%s", d, ratioDigits(f)))
		}
	}
	return "ns/op from first to last point: " + strings.Join(out, ", ")
}

// hotSpot names the hottest field of the baseline and of the cheapest design.
func hotSpot(s *Summary, point string) string {
	var out []string
	for _, w := range s.byCost(point) {
		f, ops, _ := w.hottestFields(1)
		baseline := w.Design == w.Records[0].Baseline
		if len(f) > 0 && ops > 0 && (baseline || len(out) == 0) {
			out = append(out, fmt.Sprintf("%s %s %s", w.Design, f[0].Field, short(ratioOf(f[0].Count, ops))))
		}
	}
	if len(out) == 0 {
		return "bounces/op" + atPoint(s, point) + ": none"
	}
	return "hottest field, bounces/op" + atPoint(s, point) + ": " + strings.Join(out, ", ")
}

// fallbacks says how often speculation gave up, or "" if no design speculates.
func fallbacks(s *Summary, point string) string {
	var out []string
	for _, d := range s.Designs {
		w := s.Row(point, d)
		if w == nil || len(out) == most {
			continue
		}
		if f := w.Mean("fallback_pct"); f.N > 0 {
			out = append(out, fmt.Sprintf("%s %s%%", d, short(f.Mean)))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "fell back to the lock" + atPoint(s, point) + ": " + strings.Join(out, ", ")
}

// garbage says how often speculation looked into memory that had become another
// file, in all runs of each design; "" if it never did.
func garbage(s *Summary) string {
	var out []string
	found := int64(0)
	for _, d := range s.Designs {
		reads, reuses := int64(0), int64(0)
		for _, r := range s.Records {
			if r.Design == d {
				for i := range r.Groups {
					reads += r.Groups[i].Events[eventGarbage]
					reuses += r.Groups[i].Events[eventFileReuses]
				}
			}
		}
		if found += reads; reuses > 0 && len(out) < most {
			out = append(out, fmt.Sprintf("%s %d of %d", d, reads, reuses))
		}
	}
	if found == 0 {
		return ""
	}
	return "inodes read from reused file memory, all discarded, of files opened there: " + strings.Join(out, ", ")
}
