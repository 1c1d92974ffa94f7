package workloads

import (
	"math"
	"testing"

	"mmsim/sim"
)

func draw(t *testing.T, d Distribution, n, milli, draws int) []int {
	t.Helper()
	targets, err := NewTargets(d, n, milli)
	if err != nil {
		t.Fatal(err)
	}
	hits := make([]int, n)
	for op := range draws {
		r := sim.NewRand(1, 3, uint64(op))
		hits[targets.Pick(&r, 3)]++
	}
	return hits
}

func TestOneAndOwn(t *testing.T) {
	if hits := draw(t, OneVMA, 5, 0, 100); hits[0] != 100 {
		t.Errorf("one-vma: %v", hits)
	}
	if hits := draw(t, OwnVMA, 5, 0, 100); hits[3] != 100 {
		t.Errorf("own-vma of thread 3: %v", hits)
	}
}

// Frequencies lie within five standard deviations of their expectation.
func TestDrawsFollowTheDistribution(t *testing.T) {
	const n, draws = 50, 200_000
	for _, c := range []struct {
		dist  Distribution
		milli int
	}{{Uniform, 0}, {Zipf, 0}, {Zipf, 500}, {Zipf, 990}, {Zipf, 2000}} {
		total := 0.0
		for r := 1; r <= n; r++ {
			total += math.Pow(float64(r), -float64(c.milli)/1000)
		}
		for i, got := range draw(t, c.dist, n, c.milli, draws) {
			p := math.Pow(float64(i+1), -float64(c.milli)/1000) / total
			if want := p * draws; math.Abs(float64(got)-want) > 5*math.Sqrt(want*(1-p)) {
				t.Errorf("%v %d: target %d drawn %d times, expected %.0f", c.dist, c.milli, i, got, want)
			}
		}
	}
}

// The integer table agrees with r^-s to the resolution of its units.
func TestZipfWeights(t *testing.T) {
	for _, milli := range []int{0, 1, 500, 1000, 1234, 4000} {
		cum := zipfCumulative(100_000, milli)
		last := uint64(0)
		for i, c := range cum {
			got, want := float64(c-last), math.Pow(float64(i+1), -float64(milli)/1000)*(1<<zipfWeightBits)
			if want = max(want, 1); math.Abs(got-want) > 1+want*1e-7 {
				t.Fatalf("exponent %d: weight of rank %d is %.0f, want %.1f", milli, i+1, got, want)
			}
			last = c
		}
	}
	if cum := zipfCumulative(maxZipfTargets, 0); cum[maxZipfTargets-1] != 1<<63 {
		t.Errorf("largest table sums to %#x, want %#x", cum[maxZipfTargets-1], uint64(1)<<63)
	}
}

// Exact powers of two: 2^-1, 4^-0.5, 4^-1.5.
func TestZipfExactWeights(t *testing.T) {
	one := uint64(1) << zipfWeightBits
	for _, c := range []struct {
		rank, milli int
		want        uint64
	}{{2, 1000, one / 2}, {4, 500, one / 2}, {4, 1500, one / 8}, {1, 3000, one}} {
		cum := zipfCumulative(c.rank, c.milli)
		got := cum[c.rank-1]
		if c.rank > 1 {
			got -= cum[c.rank-2]
		}
		if diff := int64(got - c.want); diff < -1 || diff > 1 {
			t.Errorf("weight of rank %d with exponent %d: %d, want %d", c.rank, c.milli, got, c.want)
		}
	}
}

func TestPickTakesOneDraw(t *testing.T) {
	want := sim.NewRand(7, 1, 2)
	want.Uint64()
	next := want.Uint64()
	for d := OneVMA; d < numDistributions; d++ {
		targets, err := NewTargets(d, 10, 900)
		if err != nil {
			t.Fatal(err)
		}
		r := sim.NewRand(7, 1, 2)
		targets.Pick(&r, 1)
		if got := r.Uint64(); got != next {
			t.Errorf("%v: the draw behind the target differs", d)
		}
	}
}

func TestImpossibleTargets(t *testing.T) {
	for _, c := range []struct {
		d        Distribution
		n, milli int
		want     string
	}{
		{Uniform, 0, 0, "target uniform: there is nothing to choose from"},
		{Zipf, 10, -1, "target zipf: exponent of -1 thousandths is outside 0 to 4000"},
		{Zipf, 10, 4500, "target zipf: exponent of 4500 thousandths is outside 0 to 4000"},
		{Zipf, 1<<20 + 1, 900, "target zipf: 1048577 targets, at most 1048576"},
	} {
		if _, err := NewTargets(c.d, c.n, c.milli); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
