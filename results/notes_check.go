package results

import (
	"fmt"
	"slices"
)

// checked reports whether the run asked for verdicts.
func checked(s *Summary) bool {
	return slices.ContainsFunc(s.Records, func(r *Record) bool { return r.Safety != nil })
}

// checkNotes are the footnotes of column "safe": its scope, and behind that what
// was violated, what was left open, and where the kernel promises less than the
// machine does.
func checkNotes(s *Summary) []string {
	if !checked(s) {
		return nil
	}
	f := &checkFootnotes{}
	for _, w := range s.Rows() {
		if safety := w.Records[0].Safety; safety != nil {
			f.row(w.Design, safety)
		}
	}
	return append(f.scope(), f.out...)
}

type checkFootnotes struct {
	own, all  []*Check // under the machines' models; under these and the kernel's
	memory    []string
	scenarios []string
	out       []string
}

// row collects the checks of a design that were not seen yet.
func (f *checkFootnotes) row(label string, s *Safety) {
	if s.Reason != "" {
		f.say(fmt.Sprintf("safe: %s is not checked: %s.", label, s.Reason))
	}
	if len(s.Checks) > 0 && s.Checks[0].Design != label {
		f.say(fmt.Sprintf("safe: %s is checked as %s.", label, s.Checks[0].Design))
	}
	for i, c := range s.Checks {
		if slices.Contains(f.own, c) {
			continue
		}
		f.own, f.all = append(f.own, c), append(f.all, c, s.Promised[i])
		f.memory, f.scenarios = with(f.memory, c.Memory), with(f.scenarios, c.Scenario)
		f.verdict(c)
	}
}

func (f *checkFootnotes) say(line string) { f.out = with(f.out, line) }

func (f *checkFootnotes) verdict(c *Check) {
	switch {
	case c.Violated():
		f.say(fmt.Sprintf("VIOLATED: %s, %s, %s: %s; %s shows it.", c.Scenario, c.Design, c.Memory, c.Violation.Invariant, c.command()))
	case !c.Exhausted:
		f.say(fmt.Sprintf("%s, %s, %s: %s; %s --budget 10m goes on.", c.Scenario, c.Design, c.Memory, c.Verdict(), c.command()))
	}
}

// scope says what "yes" means.
func (f *checkFootnotes) scope() []string {
	if len(f.own) == 0 {
		return nil
	}
	cpus, most := f.own[0].CPUs, f.own[0].CPUs
	for _, c := range f.own {
		cpus, most = min(cpus, c.CPUs), max(most, c.CPUs)
	}
	on := fmt.Sprint(cpus)
	if most > cpus {
		on = fmt.Sprintf("%d or %d", cpus, most)
	}
	lines := []string{fmt.Sprintf("safe: explored under %s in %s: %s CPUs, all executions with at most as many preemptions, stale reads and delayed stores together as the bound says, %d schedules for each verdict; no load buffering; reduced kernels (docs/check.md).",
		listed(f.memory), listed(f.scenarios), on, f.own[0].Budget)}
	return append(lines, Differences(f.all)...)
}

// with appends s unless it is there.
func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
