package results

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"mmsim/explore"
)

// Check is what exploration found out about one design, in one scenario under
// one memory model (docs/check.md).
type Check struct {
	Schema  int    `json:"schema_version"`
	Version int    `json:"model_version"` // of the simulator, as in records
	Hash    string `json:"hash"`

	Scenario string `json:"scenario"`
	Design   string `json:"design"`
	Memory   string `json:"memory_model"`
	Break    string `json:"break"` // what was taken out of the paths; "" for nothing
	CPUs     int    `json:"cpus"`
	Search   string `json:"search"`
	// Bound is what an exhaustive search goes up to, in preemptions, stale reads
	// and delayed stores together.
	Bound int `json:"bound"`
	// Budget is the most executions that the search was given; 0 for no limit.
	Budget int `json:"budget_schedules"`

	Schedules int  `json:"schedules"` // executions that were run
	Livelocks int  `json:"livelocks"` // those cut short because they did not end
	Exhausted bool `json:"exhausted"` // all executions within the bound were run
	// BoundDone is the largest bound of which that is true; below 0 for none.
	BoundDone int        `json:"bound_done"`
	Violation *Violation `json:"violation"` // nil if no invariant was broken
}

// Violation is a broken invariant.
type Violation struct {
	Invariant     string `json:"invariant"`
	Token         string `json:"token"` // replays the execution
	Preemptions   int    `json:"preemptions"`
	StaleReads    int    `json:"stale_reads"`
	DelayedStores int    `json:"delayed_stores"`
}

// Sign fills in the versions and the hash, which covers everything that
// determines the verdict of an exhaustive search.
func (c *Check) Sign() {
	c.Schema, c.Version, c.Hash = SchemaVersion, ModelVersion, c.hash()
}

func (c *Check) hash() string {
	h := sha256.Sum256(fmt.Appendf(nil, "check schema %d model %d\n%s %s %s %s %s bound %d budget %d", SchemaVersion, ModelVersion,
		c.Scenario, c.Design, c.Memory, c.Break, c.Search, c.Bound, c.Budget))
	return hex.EncodeToString(h[:])
}

// Violated reports whether an invariant was broken.
func (c *Check) Violated() bool { return c.Violation != nil }

// Safe reports whether all executions within the bound were visited, and none
// broke an invariant.
func (c *Check) Safe() bool { return !c.Violated() && c.Exhausted }

// Verdict is the result in words.
func (c *Check) Verdict() string {
	switch {
	case c.Violated():
		return violatedWord
	case c.Exhausted:
		return fmt.Sprintf("safe (exhausted, bound %d)", c.Bound)
	case c.Search != explore.Exhaustive.String():
		return fmt.Sprintf("not found in %d sampled schedules", c.Schedules)
	case c.Livelocks > 0:
		return fmt.Sprintf("UNKNOWN (%d executions were cut)", c.Livelocks)
	case c.BoundDone >= 0:
		return fmt.Sprintf("UNKNOWN (budget ran out; safe at bound %d)", c.BoundDone)
	}
	return "UNKNOWN (budget ran out)"
}

// Verdicts as single words.
const (
	violatedWord = "VIOLATED"
	unknownWord  = "UNKNOWN"
)

// combined is the verdict of several scenarios in the short words of a column:
// the worst of them, with the smallest bound.
func combined(checks []*Check) string {
	if len(checks) == 0 {
		return ""
	}
	done, all := checks[0].BoundDone, true
	for _, c := range checks {
		if c.Violated() {
			return violatedWord
		}
		done, all = min(done, c.BoundDone), all && c.Exhausted
	}
	switch {
	case all:
		return fmt.Sprintf("yes (bound %d)", done)
	case done > 0:
		return fmt.Sprintf("%s (bound %d: yes)", unknownWord, done)
	}
	return unknownWord
}

// command shows the check again, with what it found.
func (c *Check) command() string {
	return fmt.Sprintf("mmsim check %s --design %s --model %s", c.Scenario, c.Design, c.Memory)
}

// Differences says in words where the verdict on a design depends on the memory
// model, one line per scenario and design in the order of the checks.
func Differences(checks []*Check) (lines []string) {
	var order []string
	by := map[string]*split{}
	for _, c := range checks {
		k := c.Scenario + ", " + c.Design
		if by[k] == nil {
			by[k] = &split{}
			order = append(order, k)
		}
		by[k].add(c)
	}
	for _, k := range order {
		if s := by[k]; len(s.safe) > 0 && len(s.violated) > 0 {
			lines = append(lines, k+": "+s.words()+".")
		}
	}
	return lines
}

// split is the models by verdict.
type split struct{ safe, violated, unknown []string }

func (s *split) add(c *Check) {
	to := &s.unknown
	switch {
	case c.Violated():
		to = &s.violated
	case c.Safe():
		to = &s.safe
	}
	*to = append(*to, c.Memory)
}

// words uses those of a promise when the kernel's model alone allows a violation:
// no machine of the explored classes shows it.
func (s *split) words() string {
	unknown := ""
	if len(s.unknown) > 0 {
		unknown = "; unknown under " + listed(s.unknown)
	}
	if kernel := explore.LKMM.String(); len(s.violated) == 1 && s.violated[0] == kernel {
		return fmt.Sprintf("safe on %s, not promised by %s%s", listed(s.safe), kernel, unknown)
	}
	return fmt.Sprintf("safe under %s; violated under %s%s", listed(s.safe), listed(s.violated), unknown)
}

// listed is "a, b and c".
func listed(names []string) string {
	n := len(names)
	if n < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
}
