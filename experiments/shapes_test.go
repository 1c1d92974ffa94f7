package experiments

import (
	"fmt"
	"testing"

	"mmsim/results"
)

// The shapes that whoever measures locks knows by heart, as orderings: each
// comes out of the model, and none is fitted.

// curve runs designs of an experiment at some values of its sweep and returns a
// column by design, in the order of the values.
func curve(t *testing.T, experiment, key string, values []int, column string, designs []string, set ...string) map[string][]float64 {
	t.Helper()
	all := []string{"seeds=1", fmt.Sprintf("designs=[%s]", quoted(designs)), "baseline=" + designs[0],
		fmt.Sprintf("sweep.%s=[%s]", key, numbers(values))}
	c, out := results.ColumnNamed(column), map[string][]float64{}
	for _, r := range records(t, planned(t, experiment, true, append(all, set...)...), 2) {
		f, ok := c.Value(r).Float()
		if !ok {
			t.Fatalf("%s at %s has no %s", r.Design, r.PointName(), column)
		}
		out[r.Design] = append(out[r.Design], f)
	}
	return out
}

func quoted(names []string) (s string) {
	for i, n := range names {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%q", n)
	}
	return s
}

func numbers(values []int) (s string) {
	for i, n := range values {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(n)
	}
	return s
}

// growth is the last value over the first.
func growth(x []float64) float64 { return x[len(x)-1] / x[0] }

func TestTestAndSetCollapsesFasterThanMCS(t *testing.T) {
	t.Parallel()
	x := curve(t, "lock-scaling", "group.lockers.count", []int{4, 10, 20}, "throughput_ops_per_s", []string{"mcs", "tas", "ticket"})
	if growth(x["tas"]) > 0.7*growth(x["mcs"]) || growth(x["ticket"]) > 0.9*growth(x["mcs"]) {
		t.Errorf("throughput by threads: %v", x)
	}
	if growth(x["mcs"]) < 0.8 {
		t.Errorf("mcs loses throughput: %v", x["mcs"])
	}
}

func TestReaderCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, none with goroutines of its own")
	}
	t.Parallel()
	designs := []string{"rcu", "refcount", "percpu-rwsem", "rwsem", "qrwlock", "hazard-pointer", "srcu", "seqlock"}
	ops := curve(t, "ref-scaling", "group.readers.count", []int{1, 8, 16}, "throughput_ops_per_s", designs, "group.readers.think=0ns")
	ns := curve(t, "ref-scaling", "group.readers.count", []int{1, 8, 16}, "cost_ns_per_op", designs)
	for _, d := range []string{"rcu", "hazard-pointer", "srcu", "seqlock"} {
		if growth(ns[d]) > 1.4 {
			t.Errorf("%s: readers are not flat: %v ns", d, ns[d])
		}
	}
	if growth(ops["percpu-rwsem"]) < 8 {
		t.Errorf("percpu-rwsem: readers do not scale: %v ops/s", ops["percpu-rwsem"])
	}
	// All readers together do not even reach what one does alone, and more of
	// them add nothing: the line is the limit.
	for _, d := range []string{"refcount", "rwsem", "qrwlock"} {
		if x := ops[d]; x[1] > 0.8*x[0] || x[2] > 1.2*x[1] {
			t.Errorf("%s: readers outrun the line of their count: %v ops/s", d, x)
		}
	}
}

func TestPerCPURWSemWritersAreDear(t *testing.T) {
	t.Parallel()
	x := curve(t, "ref-scaling", "group.readers.count", []int{8}, "latency_mean_ns", []string{"qrwlock", "percpu-rwsem", "rcu"}, "report=updater")
	if p := x["percpu-rwsem"][0]; p < 5*x["qrwlock"][0] || p < 10*x["rcu"][0] {
		t.Errorf("latency of an update: %v", x)
	}
}

// Free-running atomics are batched by the owner of the line; a loop that reads
// first moves the line twice where nobody batches (threads that think), and
// loses far more where all run freely.
func TestAtomicsAgainstReadThenWrite(t *testing.T) {
	t.Parallel()
	designs := []string{"atomic", "cmpxchg-loop"}
	xeon := []string{"machine=xeon-6138-2s", "group.counting.read_fraction=0%"}
	free := curve(t, "counter-scaling", "group.counting.count", []int{1, 16}, "throughput_ops_per_s", designs, xeon...)
	if free["atomic"][1] < 2*free["cmpxchg-loop"][1] {
		t.Errorf("16 free-running threads: %v ops/s", free)
	}
	alternating := curve(t, "counter-scaling", "group.counting.count", []int{2}, "latency_mean_ns", designs, append(xeon, "group.counting.think=1us", "duration=100us")...)
	if ratio := alternating["cmpxchg-loop"][0] / alternating["atomic"][0]; ratio < 1.5 || ratio > 2.6 {
		t.Errorf("two threads that think: a read-then-write costs %.2f of a blind atomic: %v ns", ratio, alternating)
	}
	handover := alternating["cmpxchg-loop"][0]
	if perOp := 1e9 / free["atomic"][1]; perOp > handover/2 {
		t.Errorf("a free-running contended atomic costs %.0f ns, a read-then-write hand-over %.0f", perOp, handover)
	}
}

func TestFarAtomicsStayFlat(t *testing.T) {
	t.Parallel()
	near := curve(t, "counter-scaling", "group.counting.count", []int{1, 4}, "cost_ns_per_op", []string{"atomic"}, "machine.atomics.placement=near")["atomic"]
	far := curve(t, "counter-scaling", "group.counting.count", []int{1, 4}, "cost_ns_per_op", []string{"atomic"}, "machine.atomics.placement=far")["atomic"]
	if growth(far) > 1.2 || growth(near) < 4 || near[0] > far[0] {
		t.Errorf("ns per atomic of 1 and 4 threads: near %v, far %v", near, far)
	}
}

// With a CPU for each thread spinning is cheaper than sleeping. With more
// threads than CPUs a spinning queue loses to a sleeping lock: whose turn it is
// has no CPU.
func TestSleepingBeatsSpinningBeyondTheCPUs(t *testing.T) {
	t.Parallel()
	x := curve(t, "lock-overcommit", "group.lockers.count", []int{8, 24}, "throughput_ops_per_s", []string{"mutex", "tas", "ticket", "mcs"})
	for _, d := range []string{"tas", "ticket", "mcs"} {
		if x[d][0] < x["mutex"][0] || x[d][1] > 0.95*x["mutex"][1] {
			t.Errorf("%s against mutex on 8 CPUs: %v and %v ops/s with 8 and 24 threads", d, x[d], x["mutex"])
		}
	}
	if x["mcs"][1] > x["tas"][1] {
		t.Errorf("a queue should suffer most from a lost CPU: mcs %v, tas %v", x["mcs"], x["tas"])
	}
}

// A starved writer of an rwsem waits for the handoff, and a shorter time-out
// ends the wait sooner.
func TestHandoffEndsStarvation(t *testing.T) {
	t.Parallel()
	longest := func(timeout string) float64 {
		return curve(t, "lock-slow-events", "group.readers.count", []int{12}, "writer_wait_max_ns", []string{"rwsem"}, "kernel.rwsem.handoff_timeout="+timeout)["rwsem"][0]
	}
	if slow, fast := longest("4ms"), longest("1ms"); slow < 4e6 || fast > 0.8*slow {
		t.Errorf("longest wait of a writer: %.0f ns with a time-out of 4 ms, %.0f with 1 ms", slow, fast)
	}
}
