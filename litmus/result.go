package litmus

import (
	"slices"

	"mmsim/cores"
	"mmsim/explore"
	"mmsim/sim"
)

// State is one distinct outcome that satisfies the filter.
type State struct {
	Text    string // "0:r1=1; [x]=2;"
	Count   int64  // executions or runs that ended so
	Witness bool   // the condition holds in it
	values  outcome
}

// Verdict is what the final condition comes to.
type Verdict uint8

const (
	// Ok: the condition is validated.
	Ok Verdict = iota
	// No: it is not, and nothing can change that.
	No
	// Unknown: the search ended before it could tell.
	Unknown
	// Deadlock: no execution comes to its end, so there is nothing to judge.
	Deadlock
	// Faulty: the test does what it must not.
	Faulty
)

// String is the verdict in tables.
func (v Verdict) String() string { return [...]string{"Ok", "No", "Unknown", "Deadlock", "Fault"}[v] }

// Result is what a test showed, explored or timed.
type Result struct {
	Program *Program
	States  []State // ascending
	// Complete tells that no other state exists: the search was exhaustive and
	// came to its end.
	Complete bool
	// Searched tells that no other state decides the condition, though others may
	// exist: all executions that could were visited.
	Searched bool
	// Ended and Deadlocks count executions or runs.
	Ended, Deadlocks int64
	// Model is what the test was explored under.
	Model explore.Model
	// Machine is what the test was run on, nil if it was explored. Took is then
	// how long all runs took together, a cycle at the machine's highest clock being Period.
	Machine      *cores.Machine
	Took, Period sim.Time
	// Fault is the first thing that the test did and must not, or nil. If no
	// execution came to its end, Blocked is where a thread waited for itself.
	Fault, Blocked *Fault
}

// maxStateBytes bounds the memory for states: a test with more of them (one with
// a long ring of threads) is not complete.
const maxStateBytes = 64 << 20

// stateBytes is about what a state takes beside its text.
const stateBytes = 256

// collector gathers the outcomes of executions of one program.
type collector struct {
	res    *Result
	states map[string]*State
	bytes  int // that the states take
	full   bool
	fault  *Fault // of a run that did not end
}

func newCollector(p *Program) *collector {
	return &collector{res: &Result{Program: p}, states: map[string]*State{}}
}

// ended takes the outcome of a finished run. It returns the state's name, "" if
// the filter drops it.
func (k *collector) ended(r *run, read func(sim.Addr) uint64) string {
	k.res.Ended++
	p := k.res.Program
	if f := r.fault(); f != nil {
		if k.res.Fault == nil {
			k.res.Fault = f
		}
		return f.String()
	}
	o := p.outcomeOf(r, read)
	if p.filter != nil && !p.filter.holds(o) {
		return ""
	}
	text := p.format(o)
	s := k.states[text]
	if s == nil && k.bytes > maxStateBytes {
		k.full = true
		return text
	}
	if s == nil {
		k.bytes += stateBytes + len(text)*4 // values are about three times as long as their text
		s = &State{Text: text, Witness: p.cond.holds(o), values: o[:p.shown]}
		k.states[text] = s
	}
	s.Count++
	return text
}

// stopped notes where the threads of a run that did not end stopped. The run may
// be one that the model rules out in the end, so this counts only if none ends.
func (k *collector) stopped(r *run) {
	if k.fault == nil {
		k.fault = r.fault()
	}
	for i := range r.threads {
		if k.res.Blocked == nil {
			k.res.Blocked = r.threads[i].blocked
		}
	}
}

// result sorts the states and completes the result.
func (k *collector) result() *Result {
	if k.res.Ended > 0 {
		k.res.Blocked = nil
	} else if k.res.Blocked == nil {
		k.res.Fault = k.fault
	}
	for _, s := range k.states {
		k.res.States = append(k.res.States, *s)
	}
	slices.SortFunc(k.res.States, func(a, b State) int { return a.values.compare(b.values) })
	return k.res
}

// tally counts the states collected so far, as Tally does.
func (k *collector) tally() (positive, negative int) {
	for _, s := range k.states {
		if s.Witness {
			positive++
		} else {
			negative++
		}
	}
	return positive, negative
}

// Tally counts the distinct states in which the condition's proposition holds,
// and the others.
func (r *Result) Tally() (positive, negative int) {
	for i := range r.States {
		if r.States[i].Witness {
			positive++
		} else {
			negative++
		}
	}
	return positive, negative
}

// Runs counts executions as Tally counts states.
func (r *Result) Runs() (positive, negative int64) {
	for i := range r.States {
		if r.States[i].Witness {
			positive += r.States[i].Count
		} else {
			negative += r.States[i].Count
		}
	}
	return positive, negative
}

// Verdict judges the final condition: over all states that exist if the test was
// explored, over those that were seen if it was timed.
func (r *Result) Verdict() Verdict {
	pos, neg := r.Tally()
	refuted := neg > 0 // forall
	switch r.Program.File.Quant {
	case Exists:
		refuted = pos == 0
	case NotExists:
		refuted = pos > 0
	}
	switch {
	case r.Fault != nil:
		return Faulty
	case r.Ended == 0 && (r.Deadlocks > 0 || r.Complete):
		return Deadlock
	case !r.Complete && !r.Searched && r.Machine == nil && !r.decided(pos, neg):
		return Unknown
	case refuted:
		return No
	}
	return Ok
}

// decided reports whether the states seen so far settle the condition.
func (r *Result) decided(pos, neg int) bool {
	if r.Program.File.Quant == Forall {
		return neg > 0
	}
	return pos > 0
}

// Observation is herd's word for how often the proposition holds: Never,
// Sometimes or Always over the distinct states, or that this is not known.
func (r *Result) Observation() string {
	pos, neg := r.Tally()
	switch v := r.Verdict(); {
	case v == Deadlock || v == Faulty:
		return v.String()
	case pos > 0 && neg > 0:
		return "Sometimes"
	case r.Searched && !r.decided(pos, neg):
	case !r.Complete && r.Machine == nil:
		return "Unknown"
	case pos > 0:
		return "Always"
	}
	return "Never"
}
