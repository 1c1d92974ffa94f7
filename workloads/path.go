package workloads

import (
	"fmt"

	"mmsim/cores"
	"mmsim/kernel"
	"mmsim/workloads/probes"
)

// Design is one alternative for how the paths of a run synchronise; for path
// micro, one hardware probe.
type Design struct {
	Name string
	Doc  string // one line
}

// Path is a kernel operation that threads can repeat.
type Path struct {
	Name string
	Doc  string // one line
	// PlacesThreads: the path decides how many threads run and where, by
	// machine and design (micro). A group of it names no CPUs, no rate and no
	// target, and is the only one of its experiment.
	PlacesThreads bool
	// Targets says what the group's target distribution chooses among.
	Targets string

	designs      func() []Design
	ownIsLimited bool // own-vma needs a target per thread
	objects      *objects
	targets      func(w any, g *Group) int // how many the group has among the objects
	operation    func(w any, g *Group) operation
}

// objects are what paths work on. Groups whose paths have the same objects
// share one set of them in a run.
type objects struct {
	designs func() []Design
	// setUp makes them in the initial memory.
	setUp func(k *setting) (any, error)
}

// setting is what objects are made from.
type setting struct {
	base    *kernel.Base
	spec    *Spec
	machine *cores.Machine
	design  string
}

// on completes a path of the simulated kernel that works on objects of type W.
func on[W any](o *objects, p Path, targets func(w W, g *Group) int, op func(w W, g *Group) operation) Path {
	p.objects, p.designs = o, o.designs
	p.targets = func(w any, g *Group) int { return targets(w.(W), g) }
	p.operation = func(w any, g *Group) operation { return op(w.(W), g) }
	return p
}

// Designs lists the path's designs that need no number, whatever the machine.
func (p *Path) Designs() []Design { return p.designs() }

// DesignsOn lists the designs that the path offers on a machine by default:
// what designs = ["all"] stands for in an experiment.
func (p *Path) DesignsOn(m *cores.Machine) []Design {
	if !p.PlacesThreads {
		return p.designs()
	}
	var out []Design
	for _, pr := range probes.On(m) {
		out = append(out, Design{pr.ID, pr.Doc})
	}
	return out
}

// HasProcess reports whether the path works on a process with an address space.
func (p *Path) HasProcess() bool { return p.objects == &processes }

// HasDesign reports whether the path knows the design, numbered probes
// included (fetch-add-12).
func (p *Path) HasDesign(name string) bool {
	if p.PlacesThreads {
		_, ok := probes.Find(name)
		return ok
	}
	for _, d := range p.designs() {
		if d.Name == name {
			return true
		}
	}
	return false
}

// LookupPath returns the path of the given name.
func LookupPath(name string) (*Path, error) {
	for i := range paths {
		if paths[i].Name == name {
			return &paths[i], nil
		}
	}
	return nil, fmt.Errorf("unknown path %q", name)
}

// Paths lists all paths.
func Paths() []Path { return append([]Path(nil), paths...) }

func probeDesigns() []Design {
	var out []Design
	for _, pr := range probes.All() {
		out = append(out, Design{pr.ID, pr.Doc})
	}
	return append(out,
		Design{"fetch-add-N", "free-running atomic increments of one word by CPUs 0 to N-1"},
		Design{"fence-k-N", "N stores that miss to local memory, then smp_mb"},
		Design{"chase-SIZE", "dependent loads in random order over SIZE of local memory (chase-4MiB)"})
}
