package check

import (
	"fmt"
	"io"

	"mmsim/explore"
	"mmsim/results"
)

// Scope is what verdicts are about, in words.
func Scope(sampled bool) string {
	of := "at most as many preemptions, stale reads and delayed stores together as the bound says"
	if sampled {
		of = "schedules drawn at random"
	}
	return "Scope: each scenario's CPUs; " + of + "; no load buffering; reduced kernels (docs/check.md)."
}

// Differences says in words where the verdict on a design depends on the model.
func Differences(rs []Result) []string {
	var checks []*results.Check
	for i := range rs {
		if rs[i].Err == nil {
			checks = append(checks, &rs[i].Check)
		}
	}
	return results.Differences(checks)
}

// WriteViolation prints a broken invariant, its columns, and how to see them
// again. broken is the name of what was taken out; "" for nothing.
func WriteViolation(w io.Writer, scenario, design, broken string, v *explore.Violation) {
	fmt.Fprintf(w, "%s, %s: %s\n", scenario, design, v.Invariant)
	fmt.Fprintf(w, "Preemptions: %d, stale reads: %d, delayed stores: %d.\n\n%s\n",
		v.Preemptions, v.StaleReads, v.DelayedStores, v.Trace)
	if v.StaleReads+v.DelayedStores == 0 {
		fmt.Fprintln(w, "No reordering is needed: interleaving alone does it, under any model.")
	} else {
		fmt.Fprintln(w, "The rows marked <- are what the memory model must allow for it.")
	}
	WriteReplay(w, scenario, design, broken, v)
}

// WriteReplay prints the command that shows a violation again.
func WriteReplay(w io.Writer, scenario, design, broken string, v *explore.Violation) {
	cmd := fmt.Sprintf("mmsim check %s --design %s", scenario, design)
	if broken != "" {
		cmd += " --break " + broken
	}
	fmt.Fprintf(w, "Replay: %s --replay '%s'\n", cmd, v.Token)
}
