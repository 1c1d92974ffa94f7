package workloads

import (
	"fmt"
	"math/bits"
	"sort"

	"mmsim/sim"
)

// Targets draws the target of an operation: a number in [0, n).
type Targets struct {
	dist Distribution
	n    int
	cum  []uint64 // Zipf: cumulative weights by rank
}

// NewTargets prepares draws among n targets. exponentMilli is the Zipf
// exponent in thousandths and matters to Zipf only.
func NewTargets(d Distribution, n, exponentMilli int) (*Targets, error) {
	t := &Targets{dist: d, n: n}
	switch {
	case d >= numDistributions:
		return nil, fmt.Errorf("unknown distribution %d", d)
	case n < 1:
		return nil, fmt.Errorf("target %s: there is nothing to choose from", d)
	case d == Zipf && (exponentMilli < 0 || exponentMilli > maxZipfMilli):
		return nil, fmt.Errorf("target zipf: exponent of %d thousandths is outside 0 to %d", exponentMilli, maxZipfMilli)
	case d == Zipf && n > maxZipfTargets:
		return nil, fmt.Errorf("target zipf: %d targets, at most %d", n, maxZipfTargets)
	case d == Zipf:
		t.cum = zipfCumulative(n, exponentMilli)
	}
	return t, nil
}

// Pick draws the target of an operation of the group's given thread. It takes
// exactly one draw whatever the distribution, so that the draws behind it are
// the same under each.
func (t *Targets) Pick(r *sim.Rand, thread int) int {
	u := r.Uint64()
	switch t.dist {
	case OwnVMA:
		return thread % t.n
	case Uniform:
		i, _ := bits.Mul64(u, uint64(t.n))
		return int(i)
	case Zipf:
		w, _ := bits.Mul64(u, t.cum[t.n-1])
		return sort.Search(t.n, func(i int) bool { return t.cum[i] > w })
	}
	return 0
}
