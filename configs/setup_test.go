package configs

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"mmsim/configs/schema"
	"mmsim/sim"
	"mmsim/workloads"
)

func load(t *testing.T, experiment string, sets ...string) (*Setup, error) {
	t.Helper()
	o := Options{Experiment: experiment}
	for _, s := range sets {
		a, err := ParseSet(s)
		if err != nil {
			return nil, err
		}
		o.Overrides = append(o.Overrides, a)
	}
	return Load(o)
}

func mustLoad(t *testing.T, experiment string, sets ...string) *Setup {
	t.Helper()
	s, err := load(t, experiment, sets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func firstRun(t *testing.T, s *Setup) *Run {
	t.Helper()
	ds, err := s.Designs()
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(s.Points()[0], ds[0])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const minimal = "testdata/experiment-minimal.good.toml"

func TestSetReachesEverything(t *testing.T) {
	s := mustLoad(t, minimal, "duration=70us", "group.writer.arrival=50000/s", "machine.interconnect.agent_leg=7.5ns",
		"kernel.layout_override.mm_struct.mm_lock_seq=1536", "sweep.group.hitters.count=[2, 3]", "machine.clock.fixed=2.5GHz",
		"sweep.kernel.layout=[\"mm-6.4\", \"mm-7.0\"]", "designs=vma-rwsem", "baseline=vma-rwsem", "seeds=2", "seed=9")
	if n := len(s.Points()); n != 4 {
		t.Errorf("%d points, want 2 x 2", n)
	}
	r := firstRun(t, s)
	if r.Duration != 70*sim.Microsecond || r.Spec.Groups[1].Interval != 20*sim.Microsecond {
		t.Errorf("duration %v, interval %v", r.Duration, r.Spec.Groups[1].Interval)
	}
	if r.Machine.Mem.AgentLeg != 7500*sim.Picosecond || len(r.Machine.Clock) != 1 || r.Machine.Clock[0].Clock != 2_500_000_000 {
		t.Errorf("agent leg %v, clock %v", r.Machine.Mem.AgentLeg, r.Machine.Clock)
	}
	if o := r.Spec.Params.Overrides; len(o) != 1 || o[0].Field != "mm_lock_seq" || o[0].Offset != 1536 {
		t.Errorf("overrides %v", o)
	}
	if len(r.Spec.Groups[0].CPUs) != 2 || r.Spec.Params.Layout != "mm-6.4" || r.Design != "vma-rwsem" {
		t.Errorf("%v", r.Spec)
	}
	if got := s.Experiment.Seeds(); !reflect.DeepEqual(got, []uint64{9, 10}) {
		t.Errorf("seeds %v", got)
	}
}

// Names that look like numbers need no quotes where the key takes a name.
func TestSetNamesThatLookLikeNumbers(t *testing.T) {
	s := mustLoad(t, "uprobe-scaling", "designs=[6.10, 6.14]", "baseline=6.10", "sweep.kernel.layout=[6.14, 6.19]", "kernel.tick=70us")
	ds, err := s.Designs()
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, d := range ds {
		labels = append(labels, d.Label)
	}
	if !reflect.DeepEqual(labels, []string{"6.10", "6.14"}) || s.Experiment.baseline != "6.10" {
		t.Errorf("designs %q, baseline %q", labels, s.Experiment.baseline)
	}
	if l := firstRun(t, s).Spec.Params.Layout; l != "6.14" {
		t.Errorf("layout %q", l)
	}
	if _, err := load(t, minimal, "group.hitters.count=six"); err == nil {
		t.Error("a count took a word")
	}
}

func TestSetFaultsNameTheFlag(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"duration=5", `--set duration: 5 has no unit; expected a time such as "5us" or "0.5ns"`},
		{"group.writer.arrival=-3/s", `--set group.writer.arrival: "-3/s" is negative; expected "back-to-back" or a rate such as "20000/s"`},
		{"group.writter.arrival=3/s", `--set group.writter.arrival: unknown group "writter"; expected one of hitters, writer; did you mean "writer"?`},
		{"group.writer=3", `--set group.writer: this is a table; expected one of its keys: name, path,`},
		{"durration=5us", `--set durration: unknown key; expected one of name, title,`},
		{"machine.cache.protocl=mesi", `--set machine.cache.protocl: unknown key; expected one of line, protocol, adjacent_line_prefetch, l1d, l2, llc; did you mean "machine.cache.protocol"?`},
		{"machine.cache.l2.ways=15", `--set machine.cache.l2.ways: 1048576 bytes of 64-byte lines do not divide into 15 ways`},
		{"machine.ordering.acquire=5cycles", `--set machine.ordering.acquire: has no effect here; expected an ordering.class other than x86-tso`},
		{"sweep.group.hitters.count=[1, 80]", `--set group.hitters.count: CPU 79 of group writer already has a thread of group hitters`},
		{"sweep.group.hiters.count=[1, 80]", `--set sweep.group.hiters.count`},
		{"group.hitters.count=3", `--set group.hitters.count: is swept: every point sets it; expected sweep.group.hitters.count=[...]`},
		{"quick.duration=5us", `--set quick.duration: quick settings are the file's own; expected the key itself: duration`},
		{"kernel.layout_override.mm_struct.mm_lock_sqe=512", `did you mean "mm_lock_seq"?`},
		{"machine=xeon", `--set machine: unknown machine "xeon"; expected one of ` + strings.Join(MachineNames(), ", ") + `; did you mean "xeon-6138-2s"?`},
		{"kernel", `--set kernel: no key and value; expected key=value`},
		{"kernel.uprobe=1", `--set kernel.uprobe: this is a table; expected one of its keys: probes,`},
	} {
		if _, err := load(t, minimal, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("--set %s:\n got %v\nwant %s", c.set, err, c.want)
		}
	}
	_, err := Load(Options{Experiment: minimal, Overrides: []Assignment{Flag("--seeds", "seeds", "0")}})
	if err == nil || err.Error() != "--seeds: 0 is out of range; expected a whole number from 1 to 10000" {
		t.Errorf("--seeds 0: %v", err)
	}
	_, err = Load(Options{Experiment: minimal, Machine: "xeon-6139-2s"})
	if err == nil || !strings.HasPrefix(err.Error(), `--machine: unknown machine "xeon-6139-2s"; expected one of`) {
		t.Errorf("--machine: %v", err)
	}
	_, err = Load(Options{Experiment: "uprobe-vma-lokup"})
	if err == nil || !strings.Contains(err.Error(), `unknown experiment "uprobe-vma-lokup"`) || !strings.Contains(err.Error(), `did you mean "uprobe-vma-lookup"?`) {
		t.Errorf("unknown experiment: %v", err)
	}
}

func TestPinning(t *testing.T) {
	for _, c := range []struct {
		sets []string
		want []int
	}{
		{[]string{"pin=by-cpu", "count=3", "first_cpu=4"}, []int{4, 5, 6}},
		{[]string{"pin=spread", "count=4"}, []int{0, 20, 1, 21}},
		{[]string{"pin=siblings", "count=4"}, []int{0, 40, 1, 41}},
		{[]string{"pin=siblings", "count=3", "first_cpu=41"}, []int{41, 2, 42}},
		{[]string{"pin=list", "cpus=[7, 3, 50]", "count=0"}, []int{7, 3, 50}},
		{[]string{"pin=list", "cpus=[7, 3, 50]", "count=2"}, []int{7, 3}},
	} {
		s := mustLoad(t, minimal)
		s.Experiment.sweeps = nil
		for _, set := range c.sets {
			a, err := ParseSet("group.hitters." + set)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Set(a); err != nil {
				t.Fatal(err)
			}
		}
		if got := firstRun(t, s).Spec.Groups[0].CPUs; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: CPUs %v, want %v", c.sets, got, c.want)
		}
	}
}

func TestSweepForms(t *testing.T) {
	for raw, want := range map[string]string{
		`{ from = 1, to = 7, step = 3 }`:                     `[1, 4, 7]`,
		`{ from = 1, to = 10, step = "x2" }`:                 `[1, 2, 4, 8]`,
		`{ from = "0.5us", to = "1.5us", step = "0.5us" }`:   `["0.5us", "1us", "1.5us"]`,
		`{ from = "1000/s", to = "100000/s", step = "x10" }`: `["1000/s", "10000/s", "100000/s"]`,
		`["mesi", "moesi"]`:                                  `["mesi", "moesi"]`,
	} {
		got, err := sweepValues.Parse(schema.ParseValue(raw))
		if err != nil || schema.Inline(got) != want {
			t.Errorf("%s: %s, %v; want %s", raw, schema.Inline(got), err, want)
		}
	}
}

// A sweep point, a flag and a file that give a key the same value make the
// same run.
func TestOneWayThrough(t *testing.T) {
	ways := []*Run{
		firstRun(t, mustLoad(t, minimal, "sweep.group.hitters.count=[3]")),
	}
	s := mustLoad(t, minimal)
	s.Experiment.sweeps = nil
	set, err := ParseSet("group.hitters.count=3")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(set); err != nil {
		t.Fatal(err)
	}
	ways = append(ways, firstRun(t, s))
	text, err := os.ReadFile(minimal)
	if err != nil {
		t.Fatal(err)
	}
	e, err := DecodeExperiment("x", strings.Replace(string(text), "count = 4", "count = 3", 1))
	if err != nil {
		t.Fatal(err)
	}
	e.sweeps = nil
	ways = append(ways, firstRun(t, &Setup{e, s.Machine}))
	for _, w := range ways[1:] {
		if !reflect.DeepEqual(ways[0], w) {
			t.Errorf("runs differ:\n%+v\n%+v", ways[0], w)
		}
	}
}

// A run's configuration tells exactly what determines it.
func TestConfigurationOfARun(t *testing.T) {
	base := firstRun(t, mustLoad(t, minimal)).Configuration
	same := [][]string{{"seeds=3"}, {"seed=4"}, {"title=other"}, {"name=other"}, {"machine.title=x"}, {"sweep.group.hitters.count=[1, 9]"},
		{"designs=[\"mmap-lock\"]"}, {"report=writer"}, {"machine.fact.l1-load.value=9cycles"}}
	for _, sets := range same {
		if got := firstRun(t, mustLoad(t, minimal, sets...)).Configuration; got != base {
			t.Errorf("%v changes the configuration of a run", sets)
		}
	}
	differ := [][]string{{"warmup=1us"}, {"duration=31us"}, {"group.writer.think=1ns"}, {"kernel.layout=mm-7.0"},
		{"kernel.layout_override.mm_struct.mm_lock_seq=1536"}, {"machine.os.idle_exit=501ns"}, {"designs=vma-rwsem", "baseline=vma-rwsem"}}
	for _, sets := range differ {
		if got := firstRun(t, mustLoad(t, minimal, sets...)).Configuration; got == base {
			t.Errorf("%v does not change the configuration of a run", sets)
		}
	}
	if _, err := schema.Parse("configuration", base); err != nil {
		t.Errorf("a run's configuration is no TOML: %v", err)
	}
}

// What is written reads back as the same thing, and is written the same.
func TestRoundTrip(t *testing.T) {
	for _, name := range append(MachineNames(), "testdata/machine-minimal.good.toml") {
		m, err := LoadMachine(name, schema.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeMachine(name, m.Write())
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, m.Write())
		}
		back.src = m.src
		if !reflect.DeepEqual(m, back) || back.Write() != m.Write() {
			t.Errorf("%s changed:\n%s\n%s", name, m.Write(), back.Write())
		}
	}
	for _, name := range append(ExperimentNames(), minimal, "testdata/experiment-all.good.toml") {
		s, err := Load(Options{Experiment: name})
		if err != nil {
			t.Fatal(err)
		}
		e := s.Experiment
		back, err := DecodeExperiment(name, e.Write())
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, e.Write())
		}
		if back.Write() != e.Write() {
			t.Errorf("%s changed:\n%s\n%s", name, e.Write(), back.Write())
		}
		if err := (&Setup{back, s.Machine}).Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVariants(t *testing.T) {
	s := mustLoad(t, "testdata/experiment-all.good.toml")
	ds, err := s.Designs()
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, d := range ds {
		labels = append(labels, d.Label)
		r, err := s.Run(s.Points()[0], d)
		if err != nil {
			t.Fatal(err)
		}
		want := "mm-6.5"
		if d.Label == "one-line" {
			want = "mm-7.0"
		}
		if d.Label == "6.14-spin" {
			want = "6.19"
			if workloads.ChoiceKeys()[1].Values[r.Spec.Params.Uprobe.Choices.Tree-1].Name != "spinlock" {
				t.Errorf("%s: tree %d", d.Label, r.Spec.Params.Uprobe.Choices.Tree)
			}
		}
		if r.Spec.Params.Layout != want || r.Label != d.Label {
			t.Errorf("%s: layout %s, want %s", d.Label, r.Spec.Params.Layout, want)
		}
	}
	if got := fmt.Sprint(labels); got != "[mmap-lock one-line mm-seqcount 6.14-spin]" {
		t.Errorf("labels %s", got)
	}
}

func TestPresetNamesAreFileNames(t *testing.T) {
	for _, name := range MachineNames() {
		if m, err := LoadMachine(name, schema.Origin{}); err != nil || m.Name() != name || m.Title() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range ExperimentNames() {
		for _, quick := range []bool{false, true} {
			if s, err := Load(Options{Experiment: name, Quick: quick}); err != nil || s.Experiment.Name() != name || s.Experiment.Title() == "" {
				t.Errorf("%s, quick %v: %v", name, quick, err)
			}
		}
	}
}

// machine-micro runs on every preset.
func TestMicroOnEveryMachine(t *testing.T) {
	for _, m := range MachineNames() {
		s, err := Load(Options{Experiment: "machine-micro", Machine: m, Quick: true})
		if err != nil {
			t.Errorf("%s: %v", m, err)
			continue
		}
		ds, err := s.Designs()
		if err != nil || len(ds) < 20 {
			t.Errorf("%s: %d probes, %v", m, len(ds), err)
		}
	}
}

// A report under an overridden machine or kernel says so in its titles.
func TestTitlesNameOverrides(t *testing.T) {
	s := mustLoad(t, minimal, "machine.os.idle_exit=600ns", "kernel.layout=mm-7.0", "duration=20us")
	if got := s.Machine.Title(); !strings.HasSuffix(got, "changed: os.idle_exit = 600ns") {
		t.Errorf("machine: %s", got)
	}
	if got := s.Experiment.Title(); !strings.HasSuffix(got, "changed: kernel.layout = mm-7.0") {
		t.Errorf("experiment: %s", got)
	}
}
