package cores

import "mmsim/sim"

// ledger is where a hardware thread's time and counts go: to an account for
// each group whose threads it ran, and to none outside the measured interval.
type ledger struct {
	mark      sim.Time     // next border of the measured interval
	measured  bool         // the clock is inside it
	acct      *CPUResult   // of the group in charge
	book      *CPUResult   // acct, or outside the interval the scratch account
	scratch   *CPUResult   // for what is not measured
	accts     []*CPUResult // by group, nil if the group never ran here
	homeGroup int          // in charge while no thread runs
	nobody    TaskResult   // takes the task's side of what no task's account gets
}

func (l *ledger) init(e *engine) {
	l.mark, l.measured = e.end, true
	l.scratch = new(CPUResult)
	if e.warm > 0 {
		l.mark, l.measured = e.warm, false
	}
}

// chargeTo puts a group in charge.
func (h *hw) chargeTo(group int) {
	for group >= len(h.accts) {
		h.accts = append(h.accts, nil)
	}
	if h.accts[group] == nil {
		h.accts[group] = &CPUResult{CPU: h.cpu, Group: group, Period: h.core.period}
	}
	h.acct = h.accts[group]
	h.chooseBook()
}

func (h *hw) chooseBook() {
	h.book = h.scratch
	if h.measured {
		h.book = h.acct
	}
}

// passMark enters or leaves the measured interval.
func (h *hw) passMark() {
	h.measured = !h.measured
	h.mark = sim.Never
	if h.measured {
		h.mark = h.e.end
	}
	h.chooseBook()
	h.setBucket(h.kind)
}
