package experiments

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mmsim/configs"
	"mmsim/workloads"
)

var updateGolden = flag.Bool("update-explain", false, "rewrite the golden sequences of uprobe paths")

// sequence is what one execution did to memory, one operation a line: step,
// operation and field. Costs and addresses are left out, so it changes only with
// the algorithm.
func sequence(t *testing.T, path, design string, set ...string) string {
	t.Helper()
	q := ExplainRequest{Path: path, Design: design, Machine: "neoverse-n1-64"}
	for _, s := range set {
		a, err := configs.ParseSet(s)
		if err != nil {
			t.Fatal(err)
		}
		q.Overrides = append(q.Overrides, a)
	}
	var b strings.Builder
	for _, op := range traced(t, q).ops {
		if op.Op != "compute" && !op.IRQ {
			b.WriteString(op.Step.String() + "  " + op.Op + "  " + op.name + "\n")
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "explain", name+".txt")
	if *updateGolden {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: the sequence has changed; -update-explain rewrites it after a look at the fact sheet:\n%s", name, got)
	}
}

// Every design and every single choice has the sequence of the fact sheet, in
// its order, on the same fields (uprobes.md sections 2 to 9).
func TestUprobeSequences(t *testing.T) {
	for _, design := range DesignNames("uprobe-hit") {
		golden(t, "hit-"+design, sequence(t, "uprobe-hit", design))
		golden(t, "call-"+design, sequence(t, "uretprobe", design))
		golden(t, "step-"+design, sequence(t, "uprobe-hit", design, "kernel.uprobe.instruction=single-step"))
	}
	for _, k := range workloads.ChoiceKeys() {
		for _, v := range k.Values {
			path, set := "uprobe-hit", []string{"kernel.uprobe." + k.Key + "=" + v.Name}
			switch k.Key {
			case "retprobe", "trampoline":
				path = "uretprobe"
			case "xol":
				set = append(set, "kernel.uprobe.instruction=single-step")
			}
			golden(t, k.Key+"-"+v.Name, sequence(t, path, "6.13", set...))
		}
	}
}

// A choice beside a design is the design that has it: sequences follow choices
// and nothing else.
func TestErasAreBundlesOfChoices(t *testing.T) {
	bundle := []string{"tree=rwlock", "lifetime=refcount", "retprobe=refcount", "trampoline=trap", "xol=slot-count"}
	for i := range bundle {
		bundle[i] = "kernel.uprobe." + bundle[i]
	}
	for _, path := range []string{"uprobe-hit", "uretprobe"} {
		if sequence(t, path, "mmap-lock", bundle...) != sequence(t, path, "6.10") {
			t.Errorf("%s: the parts of 6.10 do not make 6.10", path)
		}
		if sequence(t, path, "6.10", "kernel.uprobe.lookup=mm-seqcount") == sequence(t, path, "6.10") {
			t.Errorf("%s: the lookup makes no difference", path)
		}
	}
}
