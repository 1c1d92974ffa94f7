package workloads

import (
	"reflect"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// start is one operation as its path saw it.
type start struct {
	k      uint64
	target int
	draw   uint64
	at     sim.Time
}

// starts runs one thread alone for a while; each operation takes as many
// computes (1 ns each) as took says.
func starts(g Group, index, ops int, took func(k uint64) int) []start {
	targets, err := NewTargets(g.Target, 8, g.ZipfMilli)
	if err != nil {
		panic(err)
	}
	var out []start
	th := &thread{group: &g, index: index, stream: streamOf(1, index), seed: 5, targets: targets,
		do: func(c *sim.CPU, k uint64, target int, r *sim.Rand) {
			out = append(out, start{k, target, r.Uint64(), c.Now()})
			for range took(k) {
				c.Compute(1)
			}
		}}
	m := simtest.New(sim.NewMemory(), simtest.Options{Seed: 1, MaxOps: ops})
	m.Go("thread", 0, th.body)
	if m.Run() == nil {
		panic("a thread's body returned")
	}
	return out
}

func quick(uint64) int { return 3 }

// With a rate, operation k starts k intervals behind the first one; the phase
// is below one interval and differs by thread.
func TestRate(t *testing.T) {
	const interval = 100 * sim.Nanosecond
	phases := map[sim.Time]bool{}
	for index := range 8 {
		ss := starts(Group{Interval: interval}, index, 2000, quick)
		if len(ss) < 100 || ss[0].at > interval+5*sim.Nanosecond {
			t.Fatalf("thread %d: %d operations, the first at %v", index, len(ss), ss[0].at)
		}
		for k, s := range ss {
			if drift := s.at - ss[0].at - sim.Time(k)*interval; drift < -2*sim.Nanosecond || drift > 2*sim.Nanosecond {
				t.Fatalf("thread %d: operation %d starts at %v, off by %v", index, k, s.at, drift)
			}
		}
		phases[ss[0].at] = true
	}
	if len(phases) < 6 {
		t.Errorf("%d different phases of 8 threads", len(phases))
	}
}

// Operations that are late start at once and the schedule is caught up: one
// slow operation costs no later one its due time.
func TestLateOperationsCatchUp(t *testing.T) {
	const interval = 100 * sim.Nanosecond
	ss := starts(Group{Interval: interval}, 0, 3000, func(k uint64) int {
		if k == 2 {
			return 450
		}
		return 20
	})
	due := func(k int) sim.Time { return ss[0].at + sim.Time(k)*interval }
	for k := 3; k <= 6; k++ {
		if ss[k].at <= due(k)+5*sim.Nanosecond {
			t.Errorf("operation %d starts at %v although the slow one ended at %v", k, ss[k].at, ss[2].at+450*sim.Nanosecond)
		}
	}
	if gap := ss[4].at - ss[3].at; gap > 30*sim.Nanosecond {
		t.Errorf("a late operation waits %v behind its predecessor", gap)
	}
	if drift := ss[20].at - due(20); drift > 2*sim.Nanosecond {
		t.Errorf("operation 20 is still %v late", drift)
	}
}

// Pauses are uniform in [0, 2*Think): their mean is Think.
func TestThink(t *testing.T) {
	const think = 200 * sim.Nanosecond
	ss := starts(Group{Think: think}, 0, 20_000, quick)
	var sum, longest sim.Time
	for i := 1; i < len(ss); i++ {
		gap := ss[i].at - ss[i-1].at
		sum += gap
		longest = max(longest, gap)
	}
	mean := sum / sim.Time(len(ss)-1)
	if mean < think*95/100 || mean > think*110/100 || longest > 2*think+10*sim.Nanosecond || longest < 2*think*9/10 {
		t.Errorf("mean %v, longest %v with think time %v", mean, longest, think)
	}
}

// Common random numbers: what an operation draws depends on seed, thread and
// its number, not on how long it or others took, nor on rate or think time.
func TestDrawsAreByOperation(t *testing.T) {
	draws := func(g Group, took func(uint64) int) (out []start) {
		for _, s := range starts(g, 2, 4000, took)[:100] {
			s.at = 0
			out = append(out, s)
		}
		return out
	}
	want := draws(Group{Target: Uniform}, quick)
	slow := draws(Group{Target: Uniform, Think: 40 * sim.Nanosecond, Interval: sim.Nanosecond}, func(k uint64) int { return int(k % 30) })
	if !reflect.DeepEqual(want, slow) {
		t.Error("draws differ when operations take longer")
	}
	if other := starts(Group{Target: Uniform}, 3, 4000, quick); other[0].draw == want[0].draw && other[1].draw == want[1].draw {
		t.Error("two threads draw the same")
	}
}
