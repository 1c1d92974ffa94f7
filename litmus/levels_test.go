package litmus

import (
	"path/filepath"
	"strings"
	"testing"
)

// Every level of litmus-format.md has examples, and all of them parse.
func TestLevelsHaveExamples(t *testing.T) {
	names, err := filepath.Glob("testdata/levels/*.litmus")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[byte]bool{}
	for _, name := range names {
		seen[filepath.Base(name)[0]] = true
		load(t, "levels/"+strings.TrimSuffix(filepath.Base(name), ".litmus"))
	}
	for level := byte('0'); level <= '7'; level++ {
		if !seen[level] {
			t.Errorf("no example of level %c", level)
		}
	}
}
