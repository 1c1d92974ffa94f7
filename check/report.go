package check

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"mmsim/explore"
)

// Scope is what verdicts are about, in words.
const Scope = "Scope: each scenario's CPUs; at most as many preemptions, stale reads and delayed stores together as the bound says;\n" +
	"no load buffering; reduced kernels (docs/check.md)."

var columns = []string{"scenario", "design", "model", "CPUs", "verdict", "schedules", "seconds"}

func (r *Result) row() []string {
	return []string{r.Scenario, r.Design, r.Model.String(), strconv.Itoa(r.CPUs), r.Verdict(),
		strconv.Itoa(r.Schedules()), fmt.Sprintf("%.1f", r.Took.Seconds())}
}

// WriteTable writes results as aligned text, or as Markdown.
func WriteTable(w io.Writer, rs []Result, markdown bool) {
	var rows [][]string
	for i := range rs {
		rows = append(rows, rs[i].row())
	}
	writeRows(w, columns, rows, markdown)
}

func writeRows(w io.Writer, head []string, rows [][]string, markdown bool) {
	if markdown {
		fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
		for _, r := range rows {
			fmt.Fprintf(w, "| %s |\n", strings.Join(r, " | "))
		}
		return
	}
	width := make([]int, len(head))
	for _, r := range append([][]string{head}, rows...) {
		for i, s := range r {
			width[i] = max(width[i], len(s))
		}
	}
	for _, r := range append([][]string{head}, rows...) {
		line := ""
		for i, s := range r {
			line += fmt.Sprintf("%-*s  ", width[i], s)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// WriteCSV writes results as CSV.
func WriteCSV(w io.Writer, rs []Result) error {
	out := csv.NewWriter(w)
	rows := [][]string{columns}
	for i := range rs {
		rows = append(rows, rs[i].row())
	}
	return out.WriteAll(rows)
}

// WriteViolation prints a broken invariant, its columns, and how to see them
// again. broken is the name of what was taken out; "" for nothing.
func WriteViolation(w io.Writer, scenario, design, broken string, v *explore.Violation) {
	fmt.Fprintf(w, "%s, %s: %s\n", scenario, design, v.Invariant)
	fmt.Fprintf(w, "It takes %d preemptions, %d stale reads, %d delayed stores.\n\n%s\n",
		v.Preemptions, v.StaleReads, v.DelayedStores, v.Trace)
	if v.StaleReads+v.DelayedStores == 0 {
		fmt.Fprintln(w, "No reordering is needed: interleaving alone does it, under any model.")
	} else {
		fmt.Fprintln(w, "The rows marked <- are what the memory model must allow for it.")
	}
	cmd := fmt.Sprintf("mmsim check %s --design %s", scenario, design)
	if broken != "" {
		cmd += " --break " + broken
	}
	fmt.Fprintf(w, "Replay: %s --replay '%s'\n", cmd, v.Token)
}

// Differences says in words where the verdict on a design depends on the model.
func Differences(rs []Result) (lines []string) {
	type key struct{ scenario, design string }
	safe, violated := map[key][]string{}, map[key][]string{}
	var order []key
	for i := range rs {
		r := &rs[i]
		k := key{r.Scenario, r.Design}
		if len(safe[k])+len(violated[k]) == 0 {
			order = append(order, k)
		}
		switch {
		case r.Safe():
			safe[k] = append(safe[k], r.Model.String())
		case r.Violated():
			violated[k] = append(violated[k], r.Model.String())
		}
	}
	for _, k := range order {
		if s, v := safe[k], violated[k]; len(s) > 0 && len(v) > 0 {
			how := "broken on " + strings.Join(v, ", ")
			if len(v) == 1 && v[0] == explore.LKMM.String() {
				how = "not promised by lkmm"
			}
			lines = append(lines, fmt.Sprintf("%s, %s: safe on %s, %s.", k.scenario, k.design, strings.Join(s, ", "), how))
		}
	}
	return lines
}

// WriteMutants tabulates what a run over all mutants found: rs has the results
// of each mutant under the same models, mutant by mutant.
func WriteMutants(w io.Writer, ms []Mutant, rs []Result, markdown bool) {
	per := len(rs) / max(1, len(ms))
	head := []string{"break", "scenario", "design"}
	for i := range per {
		head = append(head, rs[i].Model.String())
	}
	var rows [][]string
	for i, m := range ms {
		row := []string{m.Name, m.Scenario, m.Design}
		for _, r := range rs[i*per : (i+1)*per] {
			switch {
			case r.Violated():
				row = append(row, fmt.Sprintf("found in %d", r.Schedules()))
			case r.Safe():
				row = append(row, fmt.Sprintf("not found, bound %d", r.Bound))
			default:
				row = append(row, "not found, UNKNOWN")
			}
		}
		rows = append(rows, row)
	}
	writeRows(w, head, rows, markdown)
}
