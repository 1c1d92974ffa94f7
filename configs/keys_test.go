package configs

import (
	"os"
	"strings"
	"testing"

	"mmsim/configs/schema"
)

func TestKeysAreDocumented(t *testing.T) {
	for what, keys := range map[string][]schema.Key{"machine": MachineKeys(), "experiment": ExperimentKeys()} {
		seen := map[string]bool{}
		for _, k := range keys {
			switch {
			case seen[k.Path]:
				t.Errorf("%s key %s occurs twice", what, k.Path)
			case k.Doc == "" || !strings.HasSuffix(k.Doc, ".") && !strings.HasSuffix(k.Doc, `"`):
				t.Errorf("%s key %s: doc %q", what, k.Path, k.Doc)
			case k.Kind == "" || k.Expected == "":
				t.Errorf("%s key %s has no kind", what, k.Path)
			case k.Required && k.Default != "":
				t.Errorf("%s key %s is required but has a default", what, k.Path)
			}
			seen[k.Path] = true
		}
	}
}

// Every key can be written, so that no key exists on paper only: the presets
// and good test files together use each of them.
func TestEveryKeyIsUsedSomewhere(t *testing.T) {
	var machines, experiments strings.Builder
	for _, name := range append(MachineNames(), "testdata/machine-all.good.toml") {
		m, err := LoadMachine(name, schema.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		machines.WriteString(m.Write())
	}
	for _, name := range []string{"all", "bench"} {
		text, err := os.ReadFile("testdata/experiment-" + name + ".good.toml")
		if err != nil {
			t.Fatal(err)
		}
		experiments.Write(text)
	}
	for text, keys := range map[string][]schema.Key{machines.String(): MachineKeys(), experiments.String(): ExperimentKeys()} {
		for _, k := range keys {
			word := k.Path[strings.LastIndexByte(k.Path, '.')+1:]
			if word == "*" {
				continue
			}
			if !strings.Contains(text, "\n"+word+" = ") && !strings.HasPrefix(text, word+" = ") {
				t.Errorf("key %s is used nowhere", k.Path)
			}
		}
	}
}
