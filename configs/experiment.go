package configs

import (
	"slices"

	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/kernel/bench"
	"mmsim/kernel/locking"
	"mmsim/kernel/rcu"
	"mmsim/kernel/srcu"
	"mmsim/sim"
	"mmsim/workloads"
)

// Experiment is an experiment as its TOML file describes it.
type Experiment struct {
	name, title string
	machine     string
	designs     []Design
	baseline    string // label; "" is the first design
	report      string // group; "" is the first
	warmup      sim.Time
	duration    sim.Time
	seed        uint64
	seeds       int
	groups      []group
	sweeps      []Sweep
	kernel      workloads.Params
	rwsem       locking.RWSemOptions
	rcu         rcu.Options
	srcu        srcu.Options
	quick       []Assignment
	src         *schema.Source
	changed     []string // what overrides set and reports do not show anyway
}

// Design is one alternative of an experiment: a design of its paths, and
// settings of its own if it is a variant.
type Design struct {
	Name  string // of a registered design
	Label string // what reports call it
	Set   []Assignment
}

// Assignment gives one key a value.
type Assignment struct {
	Key   string
	Value any // as decoded from TOML
	From  schema.Origin
	// Plain is the value as text, for keys that take text: a flag's 6.14 may be a
	// number or a name. nil where it is text anyway.
	Plain any
}

// plain is the assignment with its value as text.
func (a Assignment) plain() (Assignment, bool) {
	p := a
	p.Value, p.Plain = a.Plain, nil
	return p, a.Plain != nil
}

// Text is the value as reports print it.
func (a Assignment) Text() string {
	for _, v := range [...]any{a.Plain, a.Value} {
		if s, ok := v.(string); ok {
			return s
		}
	}
	return schema.Inline(a.Value)
}

// Sweep varies one key over a list of values.
type Sweep struct {
	Key    string
	Values []any // as decoded from TOML
}

// group is a set of equal threads, before it is placed on a machine.
type group struct {
	name, path string
	count      int
	pin        pinning
	firstCPU   int
	cpus       []int
	onCPUs     int
	placement  placement
	arrival    units.Rate
	think      sim.Time
	target     workloads.Distribution
	zipfMilli  int
	writes     workloads.Area
	section    bench.Section
	reads      units.Permille
	nest       bench.Nest
}

// Name is the experiment's name: a preset's is its file name too.
func (e *Experiment) Name() string { return e.name }

// Title is one line for lists and reports.
func (e *Experiment) Title() string { return titled(e.title, e.changed) }

// MachineName is the preset or file that the experiment runs on by default.
func (e *Experiment) MachineName() string { return e.machine }

// Sweeps lists the swept keys in the order of the file; the points of the
// experiment are their product.
func (e *Experiment) Sweeps() []Sweep { return append([]Sweep(nil), e.sweeps...) }

// Report is the name of the group whose operations the report is about.
func (e *Experiment) Report() string {
	if e.report == "" && len(e.groups) > 0 {
		return e.groups[0].name
	}
	return e.report
}

// Seeds are the seeds of the replications: consecutive numbers, so that one
// more leaves the others as they were.
func (e *Experiment) Seeds() []uint64 {
	out := make([]uint64, e.seeds)
	for i := range out {
		out[i] = e.seed + uint64(i)
	}
	return out
}

// Write gives the experiment as TOML with every default written out.
func (e *Experiment) Write() string { return experimentTable.Write(e, nil) }

// ExperimentKeys documents every key of an experiment file.
func ExperimentKeys() []schema.Key { return experimentTable.Keys() }

// Clone is an independent copy.
func (e *Experiment) Clone() *Experiment {
	c := *e
	c.designs = append([]Design(nil), e.designs...)
	c.groups = append([]group(nil), e.groups...)
	c.sweeps = append([]Sweep(nil), e.sweeps...)
	c.quick = append([]Assignment(nil), e.quick...)
	c.kernel.Overrides = append([]workloads.FieldOffset(nil), e.kernel.Overrides...)
	c.src = e.src.Clone()
	return &c
}

// runs reports whether some group's path is one of those.
func (e *Experiment) runs(paths ...string) bool {
	for i := range e.groups {
		if slices.Contains(paths, e.groups[i].path) {
			return true
		}
	}
	return false
}

// simulatesKernel reports whether there is a simulated kernel at all: path
// micro has none.
func (e *Experiment) simulatesKernel() bool {
	for i := range e.groups {
		if e.groups[i].placesThreads() {
			return false
		}
	}
	return true
}

// simulatesProcess reports whether there is a process with an address space.
func (e *Experiment) simulatesProcess() bool {
	for i := range e.groups {
		if e.groups[i].hasProcess() {
			return true
		}
	}
	return false
}

func (g *group) hasProcess() bool {
	p, err := workloads.LookupPath(g.path)
	return err == nil && p.HasProcess()
}

func (g *group) placesThreads() bool {
	p, err := workloads.LookupPath(g.path)
	return err == nil && p.PlacesThreads
}
