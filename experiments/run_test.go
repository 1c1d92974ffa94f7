package experiments

import (
	"bytes"
	"slices"
	"testing"

	"mmsim/results"
	"mmsim/sim"
)

// quick plans an embedded experiment at its quick scale.
func quick(t *testing.T, experiment string, overrides ...string) *Plan {
	t.Helper()
	return planned(t, experiment, true, overrides...)
}

func records(t *testing.T, p *Plan, workers int) []*results.Record {
	t.Helper()
	out, err := p.Execute(t.Context(), ExecuteOptions{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func csvOf(t *testing.T, records []*results.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := results.WriteCSV(&b, records); err != nil {
		t.Fatal(err)
	}
	if err := results.WriteBounces(&b, records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFilesDoNotDependOnWorkers(t *testing.T) {
	p := quick(t, "uprobe-vma-lookup")
	one := csvOf(t, records(t, p, 1))
	for _, workers := range []int{2, 5, 1} {
		if csvOf(t, records(t, p, workers)) != one {
			t.Errorf("%d workers write other bytes than one", workers)
		}
	}
}

func TestOneMoreSeedChangesNoOtherRecord(t *testing.T) {
	two := records(t, quick(t, "uprobe-vma-lookup", "seeds=2"), 2)
	three := slices.DeleteFunc(records(t, quick(t, "uprobe-vma-lookup", "seeds=3"), 2), func(r *results.Record) bool { return r.Seed == 3 })
	if csvOf(t, two) != csvOf(t, three) {
		t.Error("records of seeds 1 and 2 change with a third seed")
	}
	first := records(t, quick(t, "uprobe-vma-lookup", "seeds=1"), 2)[0]
	if second := two[1]; first.Seed == second.Seed || first.Groups[0].Ops == second.Groups[0].Ops && slices.Equal(first.Bounces, second.Bounces) {
		t.Error("two seeds measure exactly the same")
	}
}

// Every counter that kernel code declares has a column.
func TestKernelCountersHaveColumns(t *testing.T) {
	columns := map[string]bool{}
	for _, c := range results.Columns() {
		columns[c.Name] = true
	}
	for _, name := range sim.Counters() {
		if !columns[name+"_count"] || !columns["run_"+name+"_count"] {
			t.Errorf("counter %s has no column", name)
		}
	}
}

func TestNamesDoNotChangeHashes(t *testing.T) {
	a, b := quick(t, "uprobe-vma-lookup"), quick(t, "uprobe-vma-lookup", "title=other words", "baseline=mm-seqcount")
	for i := range a.Runs {
		if results.HashOf(&a.Runs[i].Identity) != results.HashOf(&b.Runs[i].Identity) {
			t.Fatalf("%v: the hash changes with title and baseline", &a.Runs[i].Identity)
		}
	}
	c := quick(t, "uprobe-vma-lookup", "machine.memory.latency=77ns")
	if results.HashOf(&a.Runs[0].Identity) == results.HashOf(&c.Runs[0].Identity) {
		t.Error("the hash does not change with a cost of the machine")
	}
}
