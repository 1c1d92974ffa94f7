package workloads

import (
	"fmt"

	"mmsim/cores"
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
	targets      func(p *process) int // how many there are
	ownIsLimited bool                 // own-vma needs a target per thread
	operation    func(p *process, g *Group) operation
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
