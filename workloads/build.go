package workloads

import (
	"fmt"

	"mmsim/cores"
	"mmsim/workloads/probes"
)

// Build makes the program that the machine runs: the simulated kernel in the
// given design in its initial state, and the groups' threads. Equal arguments
// make equal programs. A run uses the program's memory up; Clone it first to
// run the program again.
//
// Errors name the group and what is wrong with it.
func Build(spec Spec, m *cores.Machine, design string, seed uint64) (*cores.Program, error) {
	if err := check(&spec, m, design); err != nil {
		return nil, err
	}
	if p, _ := LookupPath(spec.Groups[0].Path); p.PlacesThreads {
		return buildProbe(&spec, m, design, seed)
	}
	return buildKernel(&spec, m, design, seed)
}

// Clone returns a copy of a program that runs independently of it.
func Clone(p *cores.Program) *cores.Program {
	c := *p
	c.Mem, c.Syms = p.Mem.Clone(), p.Syms.Clone()
	return &c
}

func buildProbe(spec *Spec, m *cores.Machine, design string, seed uint64) (*cores.Program, error) {
	p, _ := probes.Find(design)
	return p.Build(m, seed)
}

// check reports the first impossible parameter of any kernel.
func (p *Params) check() error {
	if p.Tick <= 0 {
		return fmt.Errorf("tick: must be longer than 0")
	}
	return nil
}

// checkProcess reports the first impossible parameter of a process.
func (p *Params) checkProcess() error {
	switch {
	case p.MM.MmapPages < 1:
		return fmt.Errorf("mmap pages: at least 1, not %d", p.MM.MmapPages)
	case p.MM.TouchedPages < 0 || p.MM.TouchedPages > p.MM.MmapPages:
		return fmt.Errorf("touched pages: %d of %d", p.MM.TouchedPages, p.MM.MmapPages)
	}
	return nil
}

// check finds what no program can be made of.
func check(spec *Spec, m *cores.Machine, design string) error {
	if len(spec.Groups) == 0 {
		return fmt.Errorf("workload without a group")
	}
	taken := map[int]string{}
	for i := range spec.Groups {
		g := &spec.Groups[i]
		p, err := LookupPath(g.Path)
		if err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
		if !p.HasDesign(design) {
			return fmt.Errorf("group %s: path %s has no design %q", g.Name, p.Name, design)
		}
		if err := checkGroup(g, p, len(spec.Groups)); err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
		for _, cpu := range g.CPUs {
			if cpu < 0 || cpu >= m.Mem.Topology.CPUs() {
				return fmt.Errorf("group %s: machine %s has no CPU %d (its CPUs are 0 to %d)", g.Name, m.Name, cpu, m.Mem.Topology.CPUs()-1)
			}
			if other, ok := taken[cpu]; ok && other != g.Name {
				return fmt.Errorf("group %s: CPU %d already runs a thread of group %s", g.Name, cpu, other)
			}
			taken[cpu] = g.Name
		}
	}
	return nil
}

func checkGroup(g *Group, p *Path, groups int) error {
	switch {
	case p.PlacesThreads && groups > 1:
		return fmt.Errorf("path %s must be the only group of an experiment", p.Name)
	case p.PlacesThreads && (len(g.CPUs) > 0 || g.Interval != 0 || g.Think != 0):
		return fmt.Errorf("path %s places and paces its threads itself: it takes no CPUs, rate or think time", p.Name)
	case !p.PlacesThreads && len(g.CPUs) == 0:
		return fmt.Errorf("no threads")
	case g.Interval < 0 || g.Think < 0:
		return fmt.Errorf("negative interval or think time")
	}
	return nil
}
