package results

import (
	"math"
	"testing"
)

func TestCrossing(t *testing.T) {
	x := []float64{10, 100, 1000}
	for _, k := range []struct {
		y    []float64
		want float64
	}{
		{[]float64{0.5, 0.5, 2}, math.Sqrt(100 * 1000)}, // halfway on both logarithmic axes
		{[]float64{0.5, 1, 2}, 100},
		{[]float64{0.25, 2, 0.5}, 10 * math.Pow(10, 2.0/3)}, // the first time counts
		{[]float64{1.1, 0.5, 2}, 0},
		{[]float64{0.5, 0.6, 0.9}, math.Inf(1)},
	} {
		if got := crossing(x, k.y); got != k.want && math.Abs(got-k.want) > 1e-9*k.want {
			t.Errorf("%v crosses 1 at %v, want %v", k.y, got, k.want)
		}
	}
}

func TestBreakEvenSaysHowSureItIs(t *testing.T) {
	for _, k := range []struct {
		ratios [][3]float64 // ratio and its interval at 10, 100 and 1000 per second
		want   string
	}{
		{[][3]float64{{0.5, 0.5, 0.5}, {2, 2, 2}, {4, 4, 4}}, "31.62/s [31.62, 31.62]"},
		{[][3]float64{{0.5, 0.4, 1.1}, {2, 0.9, 3}, {4, 0.9, 5}}, "31.62/s [<10.00, >1.000k]"},
		{[][3]float64{{0.5, 0.4, 0.6}, {0.5, 0.4, 0.6}, {0.5, 0.4, 0.6}}, "nowhere up to 1.000k/s"},
		{[][3]float64{{2, 1.5, 3}, {2, 1.5, 3}, {2, 1.5, 3}}, "below 10.00/s"},
		{[][3]float64{{1.1, 0.5, 3}, {2, 2, 3}, {2, 1.5, 3}}, "below 10.00/s [<10.00, 31.62]"}, // may win at 10/s
		{[][3]float64{{4, 4, 4}, {0.25, 0.25, 0.25}, {0.25, 0.25, 0.25}}, "below 10.00/s but beats it from 31.62/s [31.62, 31.62]"},
	} {
		s := &Summary{rows: map[[2]string]*Row{}}
		l := &series{rates: []float64{10, 100, 1000}, points: []string{"a", "b", "c"}}
		for i, r := range k.ratios {
			s.rows[[2]string{l.points[i], "new"}] = &Row{Ratio: Comparison{N: 3, Ratio: r[0], Lo: r[1], Hi: r[2]}}
		}
		if got := s.breakEven(l, "new"); got != k.want {
			t.Errorf("ratios %v: %s, want %s", k.ratios, got, k.want)
		}
	}
}

func TestRegained(t *testing.T) {
	x := []float64{10, 100, 1000}
	nan := math.NaN()
	for _, k := range []struct {
		ratio, lo, hi []float64
		want          string
	}{
		{[]float64{4, 0.25, 0.25}, []float64{4, 0.25, 0.25}, []float64{4, 0.25, 0.25}, " but beats it from 31.62/s [31.62, 31.62]"},
		{[]float64{0.5, 2, 0.5}, []float64{0.4, 1.5, 0.4}, []float64{0.6, 3, 0.9}, " but beats it from 316.2/s [202.7, 817.5]"},
		{[]float64{2, 0.9, 0.8}, []float64{2, 0.8, 0.6}, []float64{2, 1.1, 1.2}, ""}, // no point of which that is sure
		{[]float64{2, 3, 4}, []float64{2, 3, 4}, []float64{2, 3, 4}, ""},
		{[]float64{0.5, 2, 4}, []float64{0.5, 2, 4}, []float64{0.5, 2, 4}, ""},
		{[]float64{2, 0.5, 0.5}, []float64{nan, nan, nan}, []float64{nan, nan, nan}, " but beats it from 31.62/s"}, // one seed
	} {
		if got := regained(x, k.ratio, k.lo, k.hi); got != k.want {
			t.Errorf("ratio %v: %q, want %q", k.ratio, got, k.want)
		}
	}
}

func TestRates(t *testing.T) {
	if r, ok := rateOf("20000/s"); !ok || r != 20000 {
		t.Errorf("20000/s is %v, %t", r, ok)
	}
	if _, ok := rateOf("back-to-back"); ok {
		t.Error("back-to-back is no rate")
	}
}
