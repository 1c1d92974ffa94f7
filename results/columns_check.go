package results

// Safety is what the checks of a record's design came to, for the records of
// runs that asked for it.
type Safety struct {
	// Memory is the model of the machine's ordering class, and Checks are those
	// under it; Promised are those under the kernel's own model.
	Memory   string   `json:"memory_model"`
	Checks   []*Check `json:"checks"`
	Promised []*Check `json:"lkmm_checks"`
	// Reason says why there are none.
	Reason string `json:"reason,omitempty"`
}

const safetyApplies = "runs `--with-check` on machines of an ordering class that has an explored model (x86-tso, arm64), designs that scenarios of `mmsim check` are about"

var safetyColumns = []Column{
	{Name: "safe", Applies: safetyApplies,
		Doc:   "Whether the design is correct under the memory model of the machine, by exploration: `yes (bound B)`, `VIOLATED`, or `UNKNOWN` when the budget of schedules ran out. The worst of the scenarios (`account.safety` has each).",
		Value: safetyOf(func(s *Safety) []*Check { return s.Checks })},
	{Name: "safe_lkmm", Applies: safetyApplies, Doc: "The same under the Linux-kernel memory model: what the kernel promises on every machine.",
		Value: safetyOf(func(s *Safety) []*Check { return s.Promised })},
}

func safetyOf(pick func(*Safety) []*Check) func(*Record) Value {
	return func(r *Record) Value {
		if r.Safety == nil {
			return NotApplicable
		}
		return Text(combined(pick(r.Safety)))
	}
}
