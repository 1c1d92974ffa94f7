package experiments

import (
	"slices"
	"testing"

	"mmsim/configs"
)

// Every list has lines, each with a name of its own and a text about it.
func TestListsAreComplete(t *testing.T) {
	for _, kind := range Kinds() {
		tables, err := List(kind)
		if err != nil {
			t.Fatal(err)
		}
		names, err := Names(kind)
		if err != nil || len(names) == 0 || len(names) != len(tables[0].Rows) {
			t.Fatalf("list %s: names %v (%v)", kind, names, err)
		}
		sorted := slices.Sorted(slices.Values(names))
		if len(slices.Compact(sorted)) != len(names) {
			t.Errorf("list %s names something twice: %v", kind, names)
		}
		for _, row := range tables[0].Rows {
			if slices.Contains(row[:2], "") {
				t.Errorf("list %s: %v says nothing", kind, row)
			}
		}
	}
}

// Whatever has a name in a list can be used by that name.
func TestListedNamesWork(t *testing.T) {
	experiments, err := Names("experiments")
	if err != nil || !slices.Equal(experiments, configs.ExperimentNames()) {
		t.Errorf("experiments %v (%v)", experiments, err)
	}
	paths, err := Names("paths")
	if err != nil {
		t.Fatal(err)
	}
	designs, err := Names("designs")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range KernelPaths() {
		if !slices.Contains(paths, p) {
			t.Errorf("path %s is not listed", p)
		}
		for _, d := range DesignNames(p) {
			if !slices.Contains(designs, d) {
				t.Errorf("design %s of path %s is not listed", d, p)
			}
		}
	}
}
