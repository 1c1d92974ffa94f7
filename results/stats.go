package results

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Confidence of all intervals.
const confidence = 0.95

// Interval is a mean over seeds with its 95% Student-t interval.
type Interval struct {
	N    int
	Mean float64
	Half float64 // half the interval's width; NaN with fewer than two samples
}

// Known reports whether there were enough samples for an interval.
func (i Interval) Known() bool { return !math.IsNaN(i.Half) }

// MeanInterval summarises independent samples. Without samples the mean is NaN.
func MeanInterval(x []float64) Interval {
	switch len(x) {
	case 0:
		return Interval{Mean: math.NaN(), Half: math.NaN()}
	case 1:
		return Interval{N: 1, Mean: x[0], Half: math.NaN()}
	}
	mean, sd := stat.MeanStdDev(x, nil)
	return Interval{N: len(x), Mean: mean, Half: studentT(len(x)-1) * sd / math.Sqrt(float64(len(x)))}
}

// studentT is the two-sided 95% quantile for the given degrees of freedom.
func studentT(df int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(df)}.Quantile(1 - (1-confidence)/2)
}

// Comparison is the ratio of one design's cost to another's over pairs of runs
// with the same seed: the geometric mean of the ratios, with an interval from
// Student's t over their logarithms.
type Comparison struct {
	N      int
	Ratio  float64 // NaN without pairs
	Lo, Hi float64 // NaN with fewer than two pairs
}

// Known reports whether there were enough pairs for an interval.
func (c Comparison) Known() bool { return !math.IsNaN(c.Lo) }

// Distinct reports whether the interval excludes equality. Pairs that are all
// equal are not distinct.
func (c Comparison) Distinct() bool { return c.Known() && (c.Lo > 1 || c.Hi < 1) }

// Compare pairs a[i] with base[i] (same seed); both must be positive. Common
// random numbers make the pairs differ by design alone, which is why the
// interval is that of the ratios and not of two independent means.
func Compare(a, base []float64) Comparison {
	if len(a) != len(base) {
		panic("results: comparison of unpaired samples")
	}
	logs := make([]float64, len(a))
	for i := range a {
		logs[i] = math.Log(a[i] / base[i])
	}
	m := MeanInterval(logs)
	return Comparison{N: m.N, Ratio: math.Exp(m.Mean), Lo: math.Exp(m.Mean - m.Half), Hi: math.Exp(m.Mean + m.Half)}
}
