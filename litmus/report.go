package litmus

import (
	"fmt"
	"io"

	"mmsim/explore"
)

// kinds are herd's words for what a test claims.
var kinds = [...]string{Exists: "Allowed", NotExists: "Forbidden", Forall: "Required"}

// WriteHerd prints the result in herd's form. Executions are not counted as herd
// counts them: Positive, Negative and the numbers of the Observation are those
// of distinct states.
func (r *Result) WriteHerd(w io.Writer) error {
	f := r.Program.File
	pos, neg := r.Tally()
	b := &writer{w: w}
	b.printf("Test %s %s\n", f.Name, kinds[f.Quant])
	b.printf("States %d\n", len(r.States))
	for i := range r.States {
		b.printf("%s\n", r.States[i].Text)
	}
	b.printf("%s\n", r.verdictLine())
	b.printf("Witnesses\nPositive: %d Negative: %d\n", pos, neg)
	b.printf("Condition %s %s\n", f.Quant, f.CondText)
	b.printf("Observation %s %s %d %d\n", f.Name, r.Observation(), pos, neg)
	b.printf("Scope %s %s\n", f.Name, r.Scope())
	return b.err
}

// Scope says what an exploration covered.
func (r *Result) Scope() string {
	s := fmt.Sprintf("%v, %d CPUs, %d executions", r.Model, len(r.Program.procs), r.Ended+r.Deadlocks)
	if r.Deadlocks > 0 {
		s += fmt.Sprintf(" of which %d end in deadlock", r.Deadlocks)
	}
	switch {
	case r.Complete:
		s += ", exhausted"
	case r.Searched:
		s += ", not exhausted but where the condition could be decided"
	default:
		s += ", not exhausted"
	}
	if r.Model == explore.ARM64 || r.Model == explore.LKMM {
		s += ", no load buffering"
	}
	return s
}

// WriteTimed prints the result of timed runs, in the form of herd's companion
// for hardware: Positive, Negative and the numbers of the Observation count
// runs.
func (r *Result) WriteTimed(w io.Writer) error {
	f := r.Program.File
	pos, neg := r.Runs()
	b := &writer{w: w}
	b.printf("Test %s %s\n", f.Name, kinds[f.Quant])
	b.printf("Histogram (%d states)\n", len(r.States))
	for i := range r.States {
		mark := ':'
		if r.States[i].Witness {
			mark = '*'
		}
		b.printf("%-8d%c>%s\n", r.States[i].Count, mark, r.States[i].Text)
	}
	b.printf("%s\n", r.verdictLine())
	b.printf("Witnesses\nPositive: %d, Negative: %d\n", pos, neg)
	b.printf("Condition %s %s\n", f.Quant, f.CondText)
	b.printf("Observation %s %s %d %d\n", f.Name, r.Observation(), pos, neg)
	if r.Ended > 0 {
		b.printf("Time %s %s cycles a run, %d runs on %s\n", f.Name, r.CyclesPerRun(), r.Ended, r.Machine.Name)
	}
	return b.err
}

// CyclesPerRun is the mean length of a timed run, with one decimal; empty if
// there is none.
func (r *Result) CyclesPerRun() string {
	if r.Machine == nil || r.Ended == 0 {
		return ""
	}
	tenths := (10*int64(r.Took/r.Period) + r.Ended/2) / r.Ended
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

// verdictLine is Ok or No, or why there is neither.
func (r *Result) verdictLine() string {
	switch v := r.Verdict(); v {
	case Deadlock:
		if r.Blocked != nil {
			return fmt.Sprintf("Deadlock, no outcome: %v", r.Blocked)
		}
		return "Deadlock, no outcome"
	case Faulty:
		return fmt.Sprintf("Fault: %v", r.Fault)
	case Unknown:
		return "Unknown: the search did not come to its end"
	default:
		return v.String()
	}
}

// writer keeps the first error.
type writer struct {
	w   io.Writer
	err error
}

func (b *writer) printf(format string, args ...any) {
	if b.err == nil {
		_, b.err = fmt.Fprintf(b.w, format, args...)
	}
}
