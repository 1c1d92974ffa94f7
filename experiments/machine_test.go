package experiments

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/results"
)

func show(t *testing.T, q MachineRequest) *results.Report {
	t.Helper()
	q.Workers = 2
	rep, err := ShowMachine(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// table finds a table of a report by the beginning of its caption.
func table(t *testing.T, rep *results.Report, caption string) *results.Table {
	t.Helper()
	for i := range rep.Tables {
		if strings.HasPrefix(rep.Tables[i].Caption, caption) {
			return &rep.Tables[i]
		}
	}
	t.Fatalf("no table %q", caption)
	return nil
}

func rowOf(table *results.Table, name string) int {
	return slices.IndexFunc(table.Rows, func(r []string) bool { return r[0] == name })
}

// Every key of the schema is shown, with its value or with when it has one.
func TestShowForgetsNoKey(t *testing.T) {
	for _, name := range configs.MachineNames() {
		rep := show(t, MachineRequest{Machine: name})
		keys, absent := table(t, rep, "keys"), table(t, rep, "keys without")
		for _, k := range configs.MachineKeys() {
			if strings.HasPrefix(k.Path, "fact[].") {
				continue
			}
			if (rowOf(keys, k.Path) >= 0) == (rowOf(absent, k.Path) >= 0) {
				t.Errorf("%s: key %s is in no table, or in both", name, k.Path)
			}
		}
	}
}

func TestShowSaysWhichCPUsAreWhere(t *testing.T) {
	sockets := table(t, show(t, MachineRequest{Machine: "xeon-6138-2s"}), "sockets")
	want := [][]string{{"0", "0", "0-19", "0-19, 40-59", "0 1"}, {"1", "1", "20-39", "20-39, 60-79", "1 0"}}
	if !slices.EqualFunc(sockets.Rows, want, slices.Equal) {
		t.Errorf("%v, want %v", sockets.Rows, want)
	}
}

func TestShowAppliesOverrides(t *testing.T) {
	for _, key := range []string{"memory.latency", "machine.memory.latency"} {
		a := configs.Assignment{Key: key, Value: "200ns", From: schema.Origin{Flag: "--set"}}
		keys := table(t, show(t, MachineRequest{Machine: "skylake-client-8c", Overrides: []configs.Assignment{a}}), "keys")
		if got := cell(t, keys, rowOf(keys, "memory.latency"), "value"); got != "200ns" {
			t.Errorf("--set %s=200ns shows %s", key, got)
		}
	}
	for key, want := range map[string]string{
		"memory.latncy":           `unknown key; expected one of latency, occupancy; did you mean "machine.memory.latency"?`,
		"interconnect.fabric_leg": `has no effect here; expected cache.llc.scope = "cluster"`,
	} {
		_, err := ShowMachine(t.Context(), MachineRequest{Machine: "skylake-client-8c",
			Overrides: []configs.Assignment{{Key: key, Value: "9ns", From: schema.Origin{Flag: "--set"}}}})
		var input *InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
			t.Errorf("--set %s=9ns: error %v; want %s", key, err, want)
		}
	}
}

// Every fact of every preset is measured, and its row says how far off it is.
func TestMicroShowsEveryFact(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs, none with goroutines of its own")
	}
	for _, name := range configs.MachineNames() {
		m, err := configs.LoadMachine(name, schema.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		rep := show(t, MachineRequest{Machine: name, Micro: true, Quick: true})
		facts, others := table(t, rep, "published figures"), table(t, rep, "other probes")
		for _, f := range m.Facts() {
			i := rowOf(facts, f.Probe)
			if i < 0 || cell(t, facts, i, "deviation %") == "-" || cell(t, facts, i, "published") != f.Value.String() ||
				cell(t, facts, i, "conf.") != f.Confidence || cell(t, facts, i, "source") != f.Source {
				t.Errorf("%s: fact %s is not in the table beside a measured figure", name, f.Probe)
			}
		}
		for i := range others.Rows {
			if got := cell(t, others, i, "measured ns"); got == "-" {
				t.Errorf("%s: probe %s measures nothing", name, others.Rows[i][0])
			}
		}
	}
}

// A machine with a wrong latency shows it: by how much, and in the verdict.
func TestMicroShowsDeviations(t *testing.T) {
	slow := configs.Assignment{Key: "memory.latency", Value: "110ns", From: schema.Origin{Flag: "--set"}}
	rep := show(t, MachineRequest{Machine: "skylake-client-8c", Overrides: []configs.Assignment{slow}, Micro: true, Quick: true})
	facts := table(t, rep, "published figures")
	// 60 ns are published, and 60 ns are what the preset's 50 ns make.
	off, err := strconv.ParseFloat(cell(t, facts, rowOf(facts, "dram-local"), "deviation %"), 64)
	if err != nil || off < 95 || off > 105 {
		t.Errorf("60 ns slower: deviation %v%% (%v)", off, err)
	}
	if !strings.Contains(rep.Notes[0], "; not dram-local (+") {
		t.Errorf("verdict: %s", rep.Notes[0])
	}
}

// Facts of numbered probes are measured too, and those of probes that the
// machine cannot run are named.
func TestMicroOfAMachineFile(t *testing.T) {
	m, err := configs.LoadMachine("skylake-client-8c", schema.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(m.Write(), "[[fact]]")
	for _, probe := range []string{"fetch-add-3", "dram-remote"} {
		text += "\n[[fact]]\nprobe = \"" + probe + "\"\nvalue = \"100ns\"\nsource = \"made up\"\nconfidence = \"C\"\n"
	}
	file := filepath.Join(t.TempDir(), "one.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rep := show(t, MachineRequest{Machine: file, Micro: true, Quick: true})
	facts := table(t, rep, "published figures")
	if got := cell(t, facts, rowOf(facts, "fetch-add-3"), "measured ns"); got == "-" {
		t.Error("fetch-add-3 is not measured")
	}
	if got := cell(t, facts, rowOf(facts, "dram-remote"), "measured ns"); got != "-" {
		t.Errorf("dram-remote measures %s on one socket", got)
	}
	if !slices.Contains(rep.Notes, "dram-remote: not measured: one socket.") {
		t.Errorf("notes: %q", rep.Notes)
	}
	if strings.Contains(rep.Notes[0], "of 2 ") {
		t.Errorf("the verdict counts what was not measured: %s", rep.Notes[0])
	}
}
