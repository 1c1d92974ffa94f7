package experiments

import (
	"slices"
	"testing"

	"mmsim/configs"
	"mmsim/results"
)

// mixed is an experiment with several points, designs and seeds whose runs end
// out of order: the numbers of threads differ widely.
var mixed = []string{"duration=15us", "warmup=5us", "seeds=2", "sweep.group.hitters.count=[12, 1, 4]"}

func TestResultsDependNeitherOnWorkersNorOnRepetition(t *testing.T) {
	t.Parallel()
	p := planned(t, "uprobe-arm64", true, mixed...)
	first := csvOf(t, records(t, p, 1))
	if csvOf(t, records(t, p, 2)) != first {
		t.Error("the plan, carried out again by two workers, writes other bytes")
	}
	for _, workers := range []int{1, 8} {
		if again := planned(t, "uprobe-arm64", true, mixed...); csvOf(t, records(t, again, workers)) != first {
			t.Errorf("the plan, made again and carried out by %d workers, writes other bytes", workers)
		}
	}
}

// Interrupts, timers, RCU and allocators take part here.
func TestChurnIsDeterministic(t *testing.T) {
	t.Parallel()
	p := planned(t, "vma-churn", true, "duration=60us", "seeds=2")
	if csvOf(t, records(t, p, 1)) != csvOf(t, records(t, p, 8)) {
		t.Error("8 workers write other bytes than one")
	}
}

func TestOtherSeedsDoNotChangeARecord(t *testing.T) {
	t.Parallel()
	notShort(t)
	run := func(seeds string) []*results.Record {
		return records(t, planned(t, "vma-churn", true, "duration=100us", seeds), 2)
	}
	seedIs := func(n uint64) func(*results.Record) bool {
		return func(r *results.Record) bool { return r.Seed == n }
	}
	two, three := run("seeds=2"), run("seeds=3")
	if csvOf(t, two) != csvOf(t, slices.DeleteFunc(slices.Clone(three), seedIs(3))) {
		t.Error("a third seed changes the records of the first two")
	}
	if csvOf(t, slices.DeleteFunc(slices.Clone(three), func(r *results.Record) bool { return r.Seed != 3 })) !=
		csvOf(t, records(t, planned(t, "vma-churn", true, "duration=100us", "seed=3", "seeds=1"), 2)) {
		t.Error("seed 3 alone measures other than as the third of three")
	}
	if measuredCells(two[0]) == measuredCells(two[1]) {
		t.Error("two seeds measure exactly the same")
	}
}

// Another point of the sweep, with more threads, leaves the others alone.
func TestOtherPointsDoNotChangeARecord(t *testing.T) {
	t.Parallel()
	run := func(counts string) []*results.Record {
		return records(t, planned(t, "uprobe-vma-lookup", true, "duration=15us", "seeds=1", "sweep.group.hitters.count="+counts), 2)
	}
	few, more := run("[1, 4]"), run("[9, 1, 4]")
	designs := len(more) - len(few)
	if csvOf(t, few) != csvOf(t, more[designs:]) {
		t.Error("a further point changes the records of the others")
	}
}

// Draws are by group and thread: more threads of another group, which do not
// act in the measured interval, leave what this one chooses alone. (Their
// task_structs move addresses, so single misses may differ; other think times
// would move the number of operations by several.)
func TestOtherThreadsDoNotChangeTheDrawsOfOne(t *testing.T) {
	t.Parallel()
	hitters := func(writers string) *results.Group {
		r := records(t, planned(t, "uprobe-vma-lookup", true, `designs=["vma-seqcount"]`, "baseline=vma-seqcount", "seeds=1",
			"warmup=100us", "duration=200us", "sweep.group.hitters.count=[1]", "group.hitters.target=zipf", "group.hitters.think=300ns",
			"kernel.uprobe.probes=4", "kernel.tick=1s", "group.writer.first_cpu=60", "group.writer.arrival=1/s",
			"group.writer.count="+writers), 1)[0]
		return r.ReportGroup()
	}
	one, three := hitters("1"), hitters("3")
	if one.Ops == 0 {
		t.Fatal("the hitter did nothing")
	}
	if d := three.Ops - one.Ops; d < -1 || d > 1 || three.Latency.P50 != one.Latency.P50 {
		t.Errorf("two idle threads more change what others do: %d and %d operations, median %d and %d ps",
			one.Ops, three.Ops, one.Latency.P50, three.Latency.P50)
	}
}

// Presets are embedded and files of an experiment name their machine by preset,
// so the working directory has no part in any result.
func TestWorkingDirectoryDoesNotMatter(t *testing.T) {
	set := []string{"duration=10us", "seeds=1", "sweep.group.hitters.count=[3]"}
	here := csvOf(t, records(t, planned(t, "uprobe-vma-lookup", true, set...), 1))
	t.Chdir(t.TempDir())
	if csvOf(t, records(t, planned(t, "uprobe-vma-lookup", true, set...), 1)) != here {
		t.Error("another working directory, other bytes")
	}
	if _, err := configs.Load(configs.Options{Experiment: "uprobe-vma-lookup"}); err != nil {
		t.Error(err)
	}
}
