package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mmsim/configs/schema"
	"mmsim/workloads"
)

// Each file of testdata/*.bad.toml has one fault; its first line says what the
// error must be, with MACHINES for the names of all machine presets.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.toml")
	if err != nil || len(files) < 70 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	locks, err := workloads.LookupPath("lock-bench")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		want := strings.TrimPrefix(first, "# want: ")
		want = strings.ReplaceAll(want, "MACHINES", strings.Join(MachineNames(), ", "))
		want = strings.ReplaceAll(want, "LOCKS", strings.Join(designNames(locks), ", "))
		if strings.HasPrefix(filepath.Base(file), "machine-") {
			_, err = LoadMachine(file, schema.Origin{})
		} else {
			_, err = Load(Options{Experiment: file})
		}
		if err == nil {
			t.Errorf("%s: no error; want %s", file, want)
		} else if got := strings.TrimPrefix(err.Error(), file+":"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", file, got, want)
		}
	}
}
