package litmus

import (
	"path/filepath"
	"strings"
	"testing"

	"mmsim/explore"
)

// levelTable has the observations of the examples under sc, x86-tso, arm64 and lkmm:
// Never, Sometimes, Always, Deadlock.
var levelTable = map[string]string{
	"0-WRC+acq+acq":          "NNNS",
	"1-MP+wmb+ctrl-else":     "NNSS",
	"2-MP+assign+deref-cast": "NNNN",
	"3-RCU+gp+nested-reader": "AAAA",
	"3-RCU+self-deadlock":    "DDDD",
	"4-ISA2+locks+rmb":       "NNNN",
	"4-spin-self-deadlock":   "DDDD",
	"5-SB+atomic-fences":     "NNNN",
	"5-atomics":              "SSSS",
	"6-plain+filter":         "AAAA",
	"7-SRCU+SB":              "NNNN",
	"7-SRCU-two-domains":     "NSSS",
	"7-locks":                "NNNN",
}

// Every level of litmus-format.md has examples that run.
func TestLevelsHaveExamples(t *testing.T) {
	names, err := filepath.Glob("testdata/levels/*.litmus")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[byte]bool{}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".litmus")
		seen[base[0]] = true
		p := load(t, "levels/"+base)
		for m := explore.SC; m <= explore.LKMM; m++ {
			if res := explored(t, p, m); !res.Complete || len(levelTable[base]) != 4 || res.Observation()[0] != levelTable[base][m] {
				t.Errorf("%s under %v: %s, complete %v; want %s", base, m, res.Observation(), res.Complete, levelTable[base])
			}
		}
	}
	for level := byte('0'); level <= '7'; level++ {
		if !seen[level] {
			t.Errorf("no example of level %c", level)
		}
	}
}
