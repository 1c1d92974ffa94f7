package results

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// series is the points of an experiment along one swept rate, everything else
// that is swept being equal.
type series struct {
	key    string // of the rate
	others string // what is equal, for readers
	rates  []float64
	points []string
}

// rateOf is the number of a rate such as "20000/s".
func rateOf(value string) (float64, bool) {
	number, ok := strings.CutSuffix(value, "/s")
	f, err := strconv.ParseFloat(number, 64)
	return f, ok && err == nil && f > 0
}

// rateSeries finds the series of the first swept arrival of a group other than
// the report's, rates ascending.
func rateSeries(s *Summary) []*series {
	var out []*series
	by := map[string]*series{}
	for _, w := range s.Rows() {
		at := slices.IndexFunc(w.Point, func(p Setting) bool {
			return strings.HasSuffix(p.Key, ".arrival") && p.Key != "group."+w.Records[0].Report+".arrival"
		})
		if at < 0 {
			return nil
		}
		rate, ok := rateOf(w.Point[at].Value)
		if !ok {
			continue
		}
		others := pointLabel(&Row{Point: slices.Delete(slices.Clone(w.Point), at, at+1)})
		l := by[others]
		if l == nil {
			l = &series{key: shortKey(w.Point[at].Key), others: others}
			by[others] = l
			out = append(out, l)
		}
		if i, known := slices.BinarySearch(l.rates, rate); !known {
			l.rates = slices.Insert(l.rates, i, rate)
			l.points = slices.Insert(l.points, i, w.PointName())
		}
	}
	return out
}

// breakEvens says for each series where along the rate the designs stop beating
// the baseline.
func breakEvens(s *Summary) []string {
	var out []string
	baseline := s.Records[0].Baseline
	for _, l := range rateSeries(s) {
		var parts []string
		for _, d := range s.Designs {
			if d != baseline && len(l.rates) > 1 {
				parts = append(parts, d+" "+s.breakEven(l, d))
			}
		}
		if len(parts) == 0 {
			continue
		}
		line := fmt.Sprintf("stops beating %s at %s of", baseline, l.key)
		if l.others != "" {
			line = l.others + ": " + line
		}
		out = append(out, line+": "+strings.Join(parts, ", "))
	}
	return out
}

// breakEven is where the ratio of a design's cost to the baseline's first
// crosses 1 along a series, interpolated between swept points on logarithmic
// axes, and where it comes back below. The interval is where the ends of the
// ratio's 95% interval cross it.
func (s *Summary) breakEven(l *series, design string) string {
	var ratio, lo, hi []float64
	for _, p := range l.points {
		w := s.Row(p, design)
		if w == nil || math.IsNaN(w.Ratio.Ratio) {
			return "-"
		}
		ratio, lo, hi = append(ratio, w.Ratio.Ratio), append(lo, w.Ratio.Lo), append(hi, w.Ratio.Hi)
	}
	first, last := l.rates[0], l.rates[len(l.rates)-1]
	at := crossing(l.rates, ratio)
	switch {
	case at < first:
		text := fmt.Sprintf("below %s/s", rate(first))
		if sure := crossing(l.rates, lo); sure >= first {
			text += fmt.Sprintf(" [<%s, %s]", rate(first), bound(sure, first, last))
		}
		return text + regained(l.rates, ratio, lo, hi)
	case math.IsInf(at, 1):
		return fmt.Sprintf("nowhere up to %s/s", rate(last))
	}
	return rateWithin(at, crossing(l.rates, hi), crossing(l.rates, lo), first, last) + regained(l.rates, ratio, lo, hi)
}

// regained says from which rate on a design that costs more than the baseline
// at a lower rate costs less: nothing, unless it surely does at a swept point.
func regained(rates, ratio, lo, hi []float64) string {
	lost := slices.IndexFunc(ratio, func(y float64) bool { return y >= 1 })
	sure := lost + slices.IndexFunc(ratio[lost:], func(y float64) bool { return y < 1 })
	for sure > lost && sure < len(hi) && hi[sure] >= 1 {
		sure++
	}
	if sure <= lost || sure == len(hi) {
		return ""
	}
	falling := func(y []float64) float64 {
		inverse := make([]float64, 0, len(y))
		for _, v := range y[lost:] {
			inverse = append(inverse, 1/v)
		}
		return crossing(rates[lost:], inverse)
	}
	return " but beats it from " + rateWithin(falling(ratio), falling(lo), falling(hi), rates[0], rates[len(rates)-1])
}

// rateWithin is a rate with its interval, which is missing where a single seed
// gives none.
func rateWithin(at, low, high, first, last float64) string {
	if math.IsNaN(low) || math.IsNaN(high) {
		return rate(at) + "/s"
	}
	return fmt.Sprintf("%s/s [%s, %s]", rate(at), bound(low, first, last), bound(high, first, last))
}

// bound is an end of an interval of rates, which may lie outside of what was
// swept.
func bound(x, first, last float64) string {
	switch {
	case x < first:
		return "<" + rate(first)
	case x > last:
		return ">" + rate(last)
	}
	return rate(x)
}

// crossing is the x at which y first comes to 1 from below: 0 if y begins
// there or above, infinity if it stays below, NaN if y is not known.
func crossing(x, y []float64) float64 {
	if math.IsNaN(y[0]) {
		return y[0]
	}
	if y[0] >= 1 {
		return 0
	}
	for i := 1; i < len(x); i++ {
		if y[i] >= 1 {
			part := -math.Log(y[i-1]) / (math.Log(y[i]) - math.Log(y[i-1]))
			return x[i-1] * math.Pow(x[i]/x[i-1], part)
		}
	}
	return math.Inf(1)
}

// stormPct is the share of operations that fall back, in percent, from which on
// a loss to the baseline is put down to failed attempts.
const stormPct = 1

// storms names, for each design that speculates, the point where it loses most
// to the baseline, if it does while many attempts fail: what these cost there.
func storms(s *Summary) []string {
	var out []string
	for _, d := range s.Designs {
		var worst *Row
		for _, p := range s.Points {
			w := s.Row(p, d)
			if w == nil || w.Ratio.Known() && !w.Ratio.Distinct() || !(w.Ratio.Ratio > 1) || !(w.Mean("fallback_pct").Mean >= stormPct) {
				continue
			}
			if worst == nil || w.Ratio.Ratio > worst.Ratio.Ratio {
				worst = w
			}
		}
		if worst != nil {
			out = append(out, fmt.Sprintf("speculation costs more than it saves%s: %s %s of %s; %s%% fall back, and waste %s cycles/op on failed attempts",
				atRow(worst), d, worst.Ratio.ratio(), worst.Records[0].Baseline,
				short(worst.Mean("fallback_pct").Mean), short(worst.Mean("wasted_cycles_per_op").Mean)))
		}
	}
	return out
}

func atRow(w *Row) string {
	if len(w.Point) == 0 {
		return ""
	}
	return " at " + pointLabel(w)
}
