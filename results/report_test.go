package results

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
)

func TestReportText(t *testing.T) {
	rep, err := NewReport(fakeRecords(t))
	if err != nil {
		t.Fatal(err)
	}
	var text, md bytes.Buffer
	if err := rep.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := rep.WriteMarkdown(&md); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.txt", text.Bytes())
	golden(t, "testdata/report.md", md.Bytes())
	if len(rep.Verdict) > 6 {
		t.Errorf("the verdict has %d lines", len(rep.Verdict))
	}
}

func TestReportOfOneSeedClaimsNothing(t *testing.T) {
	all := fakeRecords(t)
	rep, err := NewReport([]*Record{all[0], all[2]})
	if err != nil {
		t.Fatal(err)
	}
	row := rep.Tables[0].Rows[1]
	if got := row[len(row)-1]; got != "-" {
		t.Errorf("interval of one pair is %q", got)
	}
	if strings.ContainsAny(rep.Verdict[0], "<~") {
		t.Errorf("one seed, but the verdict orders: %s", rep.Verdict[0])
	}
}

func TestRecordsOfDifferentExperimentsAreNoTable(t *testing.T) {
	all := fakeRecords(t)
	all[1].Machine = "other"
	if _, err := NewReport(all); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("mixed machines: %v", err)
	}
}

func TestWordsAreNamedByAllTheirFields(t *testing.T) {
	syms := &sim.Symbols{}
	syms.AddObject(0x1000, fakeStruct, "")
	for word, want := range map[sim.Addr]string{
		0x1040: "mm_struct.count", 0x1048: "mm_struct.seq", 0x1068: "mm_struct.slot", 0x1000: "mm_struct.+0x0", 0x9000: "0x9000",
	} {
		if got := fieldName(syms, word); got != want {
			t.Errorf("word %#x is %s, want %s", uint64(word), got, want)
		}
	}
}

func TestBounceTableAggregatesElements(t *testing.T) {
	r := fakeRun{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1}.record(t)
	i := slices.IndexFunc(r.Bounces, func(b Bounce) bool { return b.Field == "mm_struct.slot" })
	if i < 0 || r.Bounces[i].Count != 5 || r.Bounces[i].Line != "0x1040" {
		t.Errorf("slots 1 and 2 with 2 and 3 bounces: %+v", r.Bounces)
	}
	hot := HottestFields(r.Bounces, 2)
	if len(hot) != 2 || hot[0].Field != "mm_struct.count" || hot[0].Count != 125 || hot[0].Step != "vma-lookup" || hot[0].StepCount != 100 {
		t.Errorf("hottest fields: %+v", hot)
	}
	if n := hot[0].ByDistance["other_socket"]; n != 25 {
		t.Errorf("%d of the hottest field's bounces came from the other socket, want 25", n)
	}
}

func TestBounceTableDoesNotDependOnOrder(t *testing.T) {
	s := fakeRun{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1}.source(t)
	a := bounceTable(s.Result, 64)
	slices.Reverse(s.Result.Bounces)
	if b := bounceTable(s.Result, 64); !slices.Equal(a, b) {
		t.Errorf("tables differ:\n%v\n%v", a, b)
	}
}

func TestDistancesFollowTheTopology(t *testing.T) {
	ccx := coherence.Params{Domain: coherence.ScopeCluster,
		Topology: coherence.Topology{Sockets: 1, ClustersPerSocket: 4, CoresPerCluster: 2, ThreadsPerCore: 2}}
	want := []bool{false, true, true, false} // nothing moves between siblings
	for d := range coherence.NumDistances {
		if got := distanceApplies(&ccx, d); got != want[d] {
			t.Errorf("one socket of four clusters: %v applies: %v", d, got)
		}
	}
	if !metricApplies(&cores.Machine{Mem: ccx, Atomics: cores.FarUnlessHeld}, cores.FarAtomics) {
		t.Error("far atomics do not apply to a machine with far atomics")
	}
}

// Memory of closed files that speculation read as its next life is worth a line; files
// that were merely opened are not.
func TestGarbageReadsStandInTheVerdict(t *testing.T) {
	rs := fakeRecords(t)
	for _, r := range rs {
		r.Groups[1].Events = map[string]int64{eventFileReuses: 10}
	}
	if s, err := Summarise(rs); err != nil {
		t.Fatal(err)
	} else if got := garbage(s); got != "" {
		t.Errorf("%q without a garbage read", got)
	}
	rs[5].Groups[1].Events[eventGarbage] = 2
	rs[7].Groups[1].Events[eventGarbage] = 3
	s, err := Summarise(rs)
	if err != nil {
		t.Fatal(err)
	}
	if got := garbage(s); !strings.HasSuffix(got, ": mmap-lock 2 of 40, vma-seqcount 3 of 40") {
		t.Errorf("%q", got)
	}
}
