package results

import (
	"fmt"
	"slices"
	"strings"

	"mmsim/explore"
)

// checked reports whether the run asked for verdicts.
func checked(s *Summary) bool {
	return slices.ContainsFunc(s.Records, func(r *Record) bool { return r.Safety != nil })
}

// checkNotes are the footnotes of column "safe": its scope, what was violated or
// left open, and what the kernel's own model says.
func checkNotes(s *Summary) []string {
	f := &checkFootnotes{}
	for _, w := range s.Rows() {
		if safety := w.Records[0].Safety; safety != nil {
			f.row(w.Design, safety)
		}
	}
	return slices.Concat(f.scope(), f.about(), f.out, f.kernel())
}

type checkFootnotes struct {
	labels  []string // rows seen
	reasons labelled // why a row is not checked
	as      labelled // designs that rows are checked as under another name
	lkmm    labelled // verdicts under the kernel's model
	own     []*Check // under the machines' models
	both    []*Check // and those under the kernel's
	out     []string
}

// labelled is rows by what is said about them, in order of appearance.
type labelled []struct {
	what   string
	labels []string
}

func (l *labelled) add(what, label string) {
	for i := range *l {
		if (*l)[i].what == what {
			(*l)[i].labels = append((*l)[i].labels, label)
			return
		}
	}
	*l = append(*l, struct {
		what   string
		labels []string
	}{what, []string{label}})
}

// row notes what is to be said about a row, once for each label.
func (f *checkFootnotes) row(label string, s *Safety) {
	if slices.Contains(f.labels, label) {
		return
	}
	f.labels = append(f.labels, label)
	if s.Reason != "" {
		f.reasons.add(s.Reason, label)
		return
	}
	if d := s.Checks[0].Design; d != label {
		f.as.add(d, label)
	}
	f.lkmm.add(combined(s.Promised), label)
	var open []*Check
	for i, c := range s.Checks {
		switch {
		case slices.Contains(f.own, c):
			continue
		case c.Violated():
			f.out = append(f.out, fmt.Sprintf("VIOLATED: %s, %s, %s: %s; %s shows it.", c.Scenario, c.Design, c.Memory, c.Violation.Invariant, c.command()))
		case !c.Exhausted:
			open = append(open, c)
		}
		f.own, f.both = append(f.own, c), append(f.both, c, s.Promised[i])
	}
	if len(open) > 0 {
		f.out = append(f.out, fmt.Sprintf("UNKNOWN: %s, %s: %d schedules are too few for %s; --check-budget gives more.",
			open[0].Design, open[0].Memory, open[0].Budget, listed(scenariosIn(open))))
	}
}

func scenariosIn(checks []*Check) (names []string) {
	for _, c := range checks {
		if !slices.Contains(names, c.Scenario) {
			names = append(names, c.Scenario)
		}
	}
	return names
}

// scope says what "yes" means.
func (f *checkFootnotes) scope() []string {
	if len(f.own) == 0 {
		return nil
	}
	var cpus, memory []string
	for _, c := range f.own {
		cpus, memory = append(cpus, fmt.Sprint(c.CPUs)), append(memory, c.Memory)
	}
	slices.Sort(cpus)
	slices.Sort(memory)
	return []string{fmt.Sprintf("safe: explored under %s, by %s: %s CPUs; all executions with at most as many preemptions, stale reads and delayed stores together as the bound says; no load buffering; reduced kernels (docs/check.md).",
		listed(slices.Compact(memory)), listed(scenariosIn(f.own)), listed(slices.Compact(cpus)))}
}

// about says which rows are checked under another name, and which are not.
func (f *checkFootnotes) about() (lines []string) {
	for _, x := range f.as {
		lines = append(lines, fmt.Sprintf("safe: checked as %s: %s.", x.what, listed(x.labels)))
	}
	for _, x := range f.reasons {
		lines = append(lines, fmt.Sprintf(`safe: "-" for %s: %s.`, listed(x.labels), x.what))
	}
	return lines
}

// kernel says what is promised on every machine.
func (f *checkFootnotes) kernel() []string {
	if len(f.lkmm) == 0 {
		return nil
	}
	var parts []string
	for _, x := range f.lkmm {
		parts = append(parts, fmt.Sprintf("%s: %s", x.what, listed(x.labels)))
	}
	line := fmt.Sprintf("safe under %s, on whatever machine: %s.", explore.LKMM, strings.Join(parts, "; "))
	return append([]string{line}, Differences(f.both)...)
}
