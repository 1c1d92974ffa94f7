package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mmsim/configs/schema"
)

func seedFiles(f *testing.F, patterns ...string) {
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			f.Fatal(p, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
}

// placed fails unless a fault says where it is.
func placed(t *testing.T, err error) {
	t.Helper()
	var e *schema.Error
	if !errors.As(err, &e) || e.Origin.File == "" || e.Origin.Line < 1 || e.Origin.Col < 1 || e.Problem == "" || strings.Contains(err.Error(), "\n") {
		t.Errorf("fault without a place: %#v", err)
	}
}

// Any text is a machine or one placed fault; a machine is written as it reads.
func FuzzMachine(f *testing.F) {
	seedFiles(f, "machines/*.toml", "testdata/machine-*.toml")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := DecodeMachine("fuzz.toml", text)
		if err != nil {
			placed(t, err)
			return
		}
		if _, err := m.Resolve(); err != nil {
			t.Errorf("checked but not resolved: %v", err)
		}
		back, err := DecodeMachine("fuzz.toml", m.Write())
		if err != nil || back.Write() != m.Write() {
			t.Errorf("%v\n%s", err, m.Write())
		}
	})
}

// Any text is an experiment or one placed fault, on any machine; a checked one
// resolves in every point.
func FuzzExperiment(f *testing.F) {
	seedFiles(f, "experiments/*.toml", "testdata/experiment-*.toml")
	m, err := LoadMachine("xeon-6138-2s", schema.Origin{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := DecodeExperiment("fuzz.toml", text)
		if err != nil {
			placed(t, err)
			return
		}
		back, err := DecodeExperiment("fuzz.toml", e.Write())
		if err != nil || back.Write() != e.Write() {
			t.Fatalf("%v\n%s", err, e.Write())
		}
		s := &Setup{e, m}
		if len(s.Experiment.sweeps) > 3 {
			return // correct but slow
		}
		if err := s.Check(); err != nil {
			placed(t, err)
		}
	})
}

// Any --set argument is an assignment or one fault that names the flag.
func FuzzSet(f *testing.F) {
	for _, s := range []string{"duration=5us", "group.hitters.cpus=[1,2]", "sweep.x=[1]", "kernel.layout_override.mm_struct.flags=1600",
		"machine.clock.by_active_cores=[{cores=20,clock=\"1GHz\"}]", "designs=[{design=\"a\",label=\"b\",set={}}]", "quick.x=1", "=", "group.=1"} {
		f.Add(s)
	}
	base, err := Load(Options{Experiment: minimal})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		a, err := ParseSet(arg)
		if err == nil {
			err = base.Clone().Set(a)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "--set ") {
			t.Errorf("%q: %v", arg, err)
		}
	})
}
