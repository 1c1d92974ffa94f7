package experiments

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mmsim/configs"
	"mmsim/results"
	"mmsim/sim"
	"mmsim/workloads"
)

// cell is the content of a table by row and header.
func cell(t *testing.T, table *results.Table, row int, header string) string {
	t.Helper()
	i := slices.Index(table.Header, header)
	if i < 0 {
		t.Fatalf("table %q has no column %q: %v", table.Caption, header, table.Header)
	}
	return table.Rows[row][i]
}

// traced executes a path as Explain does.
func traced(t *testing.T, q ExplainRequest) *tracer {
	t.Helper()
	e, err := q.resolve()
	if err != nil {
		t.Fatal(err)
	}
	tr, err := e.execute(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func eachKernelDesign(f func(path, design string)) {
	for _, path := range KernelPaths() {
		for _, design := range DesignNames(path) {
			f(path, design)
		}
	}
}

func TestExplainShowsTheDesignsOwnSteps(t *testing.T) {
	for design, field := range map[string]string{"mmap-lock": "mm_struct.mmap_lock.count", "mm-seqcount": "mm_struct.mm_lock_seq"} {
		rep, err := Explain(t.Context(), ExplainRequest{Path: "uprobe-hit", Design: design, Machine: "neoverse-n1-64"})
		if err != nil {
			t.Fatal(err)
		}
		ops := &rep.Tables[0]
		found := false
		for i := range ops.Rows {
			found = found || cell(t, ops, i, "step") == "vma-lookup" && cell(t, ops, i, "object.field") == field
			if cell(t, ops, i, "operation") == "load" && cell(t, ops, i, "before") == "I" {
				t.Errorf("%s: a warm execution misses: %v", design, ops.Rows[i])
			}
		}
		if !found {
			t.Errorf("%s: no operation of the lookup touches %s", design, field)
		}
		sum := &rep.Tables[1]
		if last := len(sum.Rows) - 1; cell(t, sum, last, "step") != "all" || cell(t, sum, last, "cycles") == "0" {
			t.Errorf("%s: sum %v", design, sum.Rows[last])
		}
	}
}

// The trace holds one whole execution without interrupts, and leaves out only
// what is no memory operation, a few cycles: on every machine.
func TestOperationsMakeUpTheExecution(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, none with goroutines of its own")
	}
	check := func(q ExplainRequest) {
		tr := traced(t, q)
		path, err := workloads.LookupPath(q.Path)
		if err != nil {
			t.Fatal(err)
		}
		interrupted := slices.ContainsFunc(tr.ops, func(o tracedOp) bool { return o.IRQ })
		if interrupted && (!path.HasProcess() || q.Path == "uprobe-register") {
			return // it waits for a grace period
		}
		var took sim.Time
		for i := range tr.ops {
			took += tr.ops[i].Took
			if tr.ops[i].IRQ {
				t.Errorf("%v: an interrupt in the execution", q)
			}
		}
		if rest := tr.elapsed() - took; rest < 0 || rest > tr.elapsed()/50 {
			t.Errorf("%v: operations take %v, the execution %v", q, took, tr.elapsed())
		}
		if !path.HasProcess() || slices.Contains([]string{"uretprobe", "uprobe-register", "dlopen", "fault-lock"}, q.Path) {
			return // called in the kernel, or partly so, or partly in user mode
		}
		if first, last := tr.ops[0].Op, tr.ops[len(tr.ops)-1].Op; first != "compute" || last != "compute" {
			t.Errorf("%v: begins with %s and ends with %s, not with entry and exit of the kernel", q, first, last)
		}
	}
	eachKernelDesign(func(path, design string) {
		check(ExplainRequest{Path: path, Design: design})
		check(ExplainRequest{Path: path, Design: design, Cold: true})
	})
	for _, m := range configs.MachineNames() {
		check(ExplainRequest{Path: "mmap-munmap", Design: "vma-seqcount", Machine: m})
	}
}

// The first execution misses where later ones hit.
func TestColdExecutionsMiss(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, none with goroutines of its own")
	}
	eachKernelDesign(func(path, design string) {
		cold := traced(t, ExplainRequest{Path: path, Design: design, Cold: true})
		warm := traced(t, ExplainRequest{Path: path, Design: design})
		absent := func(o tracedOp) bool { return o.Addr != 0 && o.Before == "I" }
		if !slices.ContainsFunc(cold.ops, absent) {
			t.Errorf("%s, %s: nothing that the first execution accesses is absent", path, design)
		}
		if warm.interval == explainIntervals[0] && cold.elapsed() < 2*warm.elapsed() {
			t.Errorf("%s, %s: %v cold, %v warm", path, design, cold.elapsed(), warm.elapsed())
		}
		if path == "uprobe-register" {
			return // it waits, and begins where the one before let it
		}
		if first := cold.ops[0]; first.Step != warm.ops[0].Step || first.Op != warm.ops[0].Op {
			t.Errorf("%s, %s: cold begins with %s, warm with %s", path, design, first.Op, warm.ops[0].Op)
		}
	})
}

// A run without contention prices an operation as its explanation does.
func TestExplainAgreesWithRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alone.toml")
	text := `
name = "alone"
machine = "skylake-client-8c"
designs = ["all"]
warmup = "400us"
duration = "500us"
[[group]]
name = "hitters"
path = "uprobe-hit"
count = 1
arrival = "10000/s"
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	setup, err := configs.Load(configs.Options{Experiment: file})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(setup)
	if err != nil {
		t.Fatal(err)
	}
	records, err := plan.Execute(t.Context(), ExecuteOptions{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != len(DesignNames("uprobe-hit")) {
		t.Fatalf("%d records", len(records))
	}
	for _, r := range records {
		alone := traced(t, ExplainRequest{Path: "uprobe-hit", Design: r.Design, Experiment: file})
		// Latencies have three significant digits.
		run, explained := sim.Time(r.ReportGroup().Latency.P50)*sim.Picosecond, alone.elapsed()
		if diff := run - explained; max(diff, -diff) > explained/500 {
			t.Errorf("%s: %v in a run, %v explained", r.Design, run, explained)
		}
	}
}

// A lookup under the mm-wide seqcount writes nothing that other CPUs' lookups
// use: it writes the task, the CPU's own words and nothing else.
func TestSpeculationWritesNothingShared(t *testing.T) {
	for _, design := range []string{"mm-seqcount", "vma-seqcount"} {
		for _, op := range traced(t, ExplainRequest{Path: "uprobe-hit", Design: design}).ops {
			object, _, _ := strings.Cut(op.name, ".")
			private := strings.HasPrefix(object, "task_struct") || object == "uprobe_task" || strings.Contains(object, "(cpu0)")
			if op.Addr != 0 && !strings.HasPrefix(op.Op, "load") && !private {
				t.Errorf("%s: %s of %s", design, op.Op, op.name)
			}
		}
	}
}

func TestExplainFollowsLayoutOverrides(t *testing.T) {
	lines := func(set ...string) string {
		q := ExplainRequest{Path: "uprobe-hit", Design: "mm-seqcount"}
		for _, s := range set {
			a, err := configs.ParseSet(s)
			if err != nil {
				t.Fatal(err)
			}
			q.Overrides = append(q.Overrides, a)
		}
		for _, op := range traced(t, q).ops {
			if op.name == "mm_struct.mm_lock_seq" {
				return op.line
			}
		}
		return "none"
	}
	const moved = "kernel.layout_override.mm_struct.mm_lock_seq=1536"
	if before, after := lines(), lines(moved); before == "#24" || after != "#24" {
		t.Errorf("mm_lock_seq in line %s, moved to offset 1536 in line %s", before, after)
	}
	if got := lines(moved, "machine.cache.line=128B"); got != "#12" {
		t.Errorf("with lines of 128 bytes in line %s", got)
	}
}

func TestExplainNamesWhatWasChanged(t *testing.T) {
	q := ExplainRequest{Path: "uprobe-hit", Design: "6.13"}
	for _, s := range []string{"kernel.uprobe.tree=rwlock", "machine.ordering.class=power"} {
		a, err := configs.ParseSet(s)
		if err != nil {
			t.Fatal(err)
		}
		q.Overrides = append(q.Overrides, a)
	}
	rep, err := Explain(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if want := "; changed: kernel.uprobe.tree = rwlock, machine.ordering.class = power"; !strings.HasSuffix(rep.Title, want) {
		t.Errorf("title %q, want %q at its end", rep.Title, want)
	}
}

func TestExplainRefuses(t *testing.T) {
	set := func(s string) ExplainRequest {
		a, err := configs.ParseSet(s)
		if err != nil {
			t.Fatal(err)
		}
		return ExplainRequest{Path: "uprobe-hit", Design: "mmap-lock", Overrides: []configs.Assignment{a}}
	}
	for want, q := range map[string]ExplainRequest{
		`unknown path "uprobe-hti"; expected one of uprobe-hit, uretprobe, uprobe-register, mmap-munmap, mprotect, vma-split-merge, brk, dlopen, fault-lock, lock-bench, counter-bench, ref-bench, ref-update; did you mean "uprobe-hit"?`: {Path: "uprobe-hti", Design: "mmap-lock"},
		`path micro is no path of the kernel`:                          {Path: "micro", Design: "mb"},
		`--design is missing; expected one of mmap-lock, `:             {Path: "uprobe-hit"},
		`did you mean "mm-seqcount"?`:                                  {Path: "uprobe-hit", Design: "mm-seqcont"},
		`no group of experiment machine-micro repeats path uprobe-hit`: {Path: "uprobe-hit", Design: "mmap-lock", Experiment: "machine-micro"},
		`--machine: unknown machine "xeon"`:                            {Path: "uprobe-hit", Design: "mmap-lock", Machine: "xeon"},
		`--set duration: has no effect on an execution alone; expected a key of kernel, machine, or group.hitters.targe`: set("duration=5us"),
		`--set group.writer.target: has no effect`:                  set("group.writer.target=uniform"),
		`--set kernel.layot: unknown key`:                           set("kernel.layot=mm-7.0"),
		`--set machine.interconnect.fabric_leg: has no effect here`: set("machine.interconnect.fabric_leg=3ns"),
	} {
		_, err := Explain(t.Context(), q)
		var input *InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v; want %s", q, err, want)
		}
	}
}

// An ended context ends everything, with its cause for an error.
func TestShowingCanBeStopped(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := Explain(ctx, ExplainRequest{Path: "uprobe-hit", Design: "mmap-lock"}); !errors.Is(err, cause) {
		t.Errorf("explain: %v", err)
	}
	if _, err := ShowMachine(ctx, MachineRequest{Machine: "skylake-client-8c", Micro: true, Workers: 1}); !errors.Is(err, cause) {
		t.Errorf("machine show --micro: %v", err)
	}
}

func TestExplainIsDeterministic(t *testing.T) {
	text := func() string {
		rep, err := Explain(t.Context(), ExplainRequest{Path: "mmap-munmap", Design: "vma-rwsem", Cold: true})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := rep.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if first := text(); first != text() {
		t.Error("two explanations of one path differ")
	}
}
