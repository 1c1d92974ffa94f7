package results

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s = %.9g, want %.9g", what, got, want)
	}
}

// 1, 2, 6: mean 3; deviations -2, -1, 3, so the sum of squares is 14, the
// variance 14/2 = 7, the standard error sqrt(7/3) = 1.527525. The two-sided
// 95% quantile of t with 2 degrees of freedom is 4.302653 (any printed table
// of t; in closed form 0.95*sqrt(2/(1-0.95^2))). Half width 6.572411.
func TestMeanIntervalOfThree(t *testing.T) {
	i := MeanInterval([]float64{1, 2, 6})
	near(t, "mean", i.Mean, 3, 1e-12)
	near(t, "half", i.Half, 0.95*math.Sqrt(2/(1-0.95*0.95))*math.Sqrt(7.0/3), 1e-6)
	near(t, "half", i.Half, 6.5724, 1e-4)
}

// With 1 degree of freedom t is Cauchy: its 97.5% quantile is tan(0.475 pi) =
// 12.7062. 10 and 12 have mean 11, standard error 1.
func TestMeanIntervalOfTwo(t *testing.T) {
	i := MeanInterval([]float64{10, 12})
	near(t, "mean", i.Mean, 11, 1e-12)
	near(t, "half", i.Half, math.Tan(0.475*math.Pi), 1e-6)
}

func TestOneSampleHasNoInterval(t *testing.T) {
	i := MeanInterval([]float64{5})
	if i.Known() || i.Mean != 5 || i.spread() != "-" {
		t.Errorf("one sample: %+v prints %q", i, i.spread())
	}
	if i := MeanInterval(nil); !math.IsNaN(i.Mean) || short(i.Mean) != "-" {
		t.Errorf("no sample: mean %v prints %q", i.Mean, short(i.Mean))
	}
}

// Ratios 1/2 and 1/8: geometric mean 1/4. Logarithms -ln 2 and -3 ln 2: mean
// -2 ln 2, standard error ln 2, half width 12.7062 ln 2.
func TestCompareIsPaired(t *testing.T) {
	c := Compare([]float64{50, 100}, []float64{100, 800})
	near(t, "ratio", c.Ratio, 0.25, 1e-12)
	half := math.Tan(0.475*math.Pi) * math.Ln2
	near(t, "low end", math.Log(c.Lo), -2*math.Ln2-half, 1e-6)
	near(t, "high end", math.Log(c.Hi), -2*math.Ln2+half, 1e-6)
	if c.Distinct() || c.ratio() != "~" {
		t.Errorf("an interval that includes 1 prints %q", c.ratio())
	}
}

// Pairs that differ by the same factor are distinct however much the pairs
// differ among themselves: that is what common random numbers buy.
func TestCompareSeesThroughCommonNoise(t *testing.T) {
	c := Compare([]float64{98, 980, 9.8}, []float64{100, 1000, 10})
	if !c.Distinct() || c.ratio() != "0.980x" {
		t.Errorf("constant ratio 0.98: %+v prints %q", c, c.ratio())
	}
	if same := Compare([]float64{3, 4}, []float64{3, 4}); same.Distinct() || same.ratio() != "~" {
		t.Errorf("equal pairs are distinct: %+v", same)
	}
	if one := Compare([]float64{3}, []float64{4}); one.Known() || one.ratio() != "0.750x" || one.interval() != "-" {
		t.Errorf("one pair: %+v prints %q %q", one, one.ratio(), one.interval())
	}
}
