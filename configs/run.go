package configs

import (
	"fmt"
	"strings"

	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/cores"
	"mmsim/kernel/bench"
	"mmsim/sim"
	"mmsim/workloads"
	"mmsim/workloads/probes"
)

// Run is one point of an experiment in one design, whatever the seed: what
// workloads.Build and cores.Run need.
type Run struct {
	Machine  *cores.Machine
	Spec     workloads.Spec
	Design   string // registered name
	Label    string // what reports call it
	Warmup   sim.Time
	Duration sim.Time
	Report   int // index of the group that the report is about
	// Loads says of each group how its threads are paced and what they aim at.
	Loads []string
	// Configuration is the effective configuration as TOML: machine,
	// experiment and design, every default written out and nothing that no
	// result depends on. Equal configurations give equal results for equal
	// seeds.
	Configuration string
}

// Run resolves one point in one design.
func (s *Setup) Run(p Point, d Design) (*Run, error) {
	c, err := s.at(p, d)
	if err != nil {
		return nil, err
	}
	r, err := c.run(d)
	if err == nil {
		r.Configuration = c.configuration(d)
	}
	return r, err
}

// at applies a point and a design's own settings.
func (s *Setup) at(p Point, d Design) (*Setup, error) {
	c := s.Clone()
	for _, as := range [][]Assignment{p, d.Set} {
		for _, a := range as {
			if err := c.Set(a); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// run resolves the setup in one design, but for the text of its configuration.
func (s *Setup) run(d Design) (*Run, error) {
	e := s.Experiment
	hw, err := s.Machine.Resolve()
	if err != nil {
		return nil, s.fromMachine(err)
	}
	r := &Run{Machine: hw, Design: d.Name, Label: d.Label, Warmup: e.warmup, Duration: e.duration}
	r.Spec.Params = e.Clone().kernel
	rwsem, rcu, srcu := e.rwsem, e.rcu, e.srcu
	r.Spec.Params.RWSem, r.Spec.Params.RCU, r.Spec.Params.SRCU = &rwsem, &rcu, &srcu
	if r.Spec.Groups, err = e.place(hw); err != nil {
		return nil, err
	}
	if err := e.checkKernel(hw, d.Name); err != nil {
		return nil, err
	}
	for i := range e.groups {
		if e.groups[i].name == e.Report() {
			r.Report = i
		}
		r.Loads = append(r.Loads, e.groups[i].load())
		if err := checkDesign(&e.groups[i], hw, d.Name); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// load describes a group's pace and targets.
func (g *group) load() string {
	if g.placesThreads() {
		return "by probe"
	}
	s := units.FormatRate(g.arrival)
	if g.think > 0 {
		s += ", think " + units.FormatTime(g.think)
	}
	s += ", " + g.targetName()
	if g.target == workloads.Zipf {
		s += " " + units.FormatMilli(g.zipfMilli)
	}
	if g.writes != workloads.Unrelated {
		s += ", " + g.writes.String() + " areas"
	}
	return s + g.work()
}

// hitsProbes tells the paths whose targets are the probed areas.
func (g *group) hitsProbes() bool {
	switch g.path {
	case "uprobe-hit", "uretprobe", "uprobe-register":
		return true
	case "mprotect", "vma-split-merge":
		return g.writes != workloads.Unrelated
	}
	return false
}

// work describes what a thread of a bench path does in an operation.
func (g *group) work() string {
	var parts []string
	add := func(n int, format string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	if g.path == "lock-bench" || g.path == "ref-bench" {
		add(g.section.SharedWrites, "%d shared written")
		add(g.section.SharedReads, "%d shared read")
		add(g.section.OwnLines, "%d own lines")
		if g.section.Hold > 0 {
			parts = append(parts, "hold "+units.FormatCycles(g.section.Hold))
		}
	}
	if g.path == "lock-bench" && g.nest.Locks > 1 {
		add(g.nest.Locks, "%d locks nested")
	}
	if g.reads > 0 && (g.path == "lock-bench" || g.path == "counter-bench") {
		parts = append(parts, units.FormatPercent(g.reads)+" reading")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, ", ")
}

// targetName is what reports call the group's distribution.
func (g *group) targetName() string {
	if g.hasProcess() {
		return g.target.String()
	}
	return strings.TrimSuffix(g.target.String(), "-vma")
}

// configuration writes what determines a run but for the seed.
func (s *Setup) configuration(d Design) string {
	return fmt.Sprintf("design = %s\n", schema.Inline(d.Name)) +
		experimentTable.Write(s.Experiment, isModel) + "\n" +
		machineTable.WriteUnder("machine", s.Machine, isModel)
}

// place pins all groups; no CPU takes two threads.
func (e *Experiment) place(hw *cores.Machine) ([]workloads.Group, error) {
	taken := map[int]string{}
	var out []workloads.Group
	for i := range e.groups {
		g := &e.groups[i]
		path := fmt.Sprintf("group[%d].", i)
		cpus, key, err := g.place(&hw.Mem.Topology)
		if err != nil {
			return nil, e.src.Fault(path+key, err)
		}
		if limit := e.kernel.Uprobe.Probes; g.hitsProbes() && g.target == workloads.OwnVMA && len(cpus) > limit {
			return nil, e.src.Fault(path+"target", schema.Problem("at least as many kernel.uprobe.probes as threads", "own-vma: %d threads, but %d probed VMAs", len(cpus), limit))
		}
		for _, cpu := range cpus {
			if other, ok := taken[cpu]; ok && other != g.name {
				return nil, e.src.Fault(e.blame(i), schema.Problem("one thread per CPU", "CPU %d of group %s already has a thread of group %s", cpu, g.name, other))
			}
			taken[cpu] = g.name
		}
		out = append(out, workloads.Group{Name: g.name, Path: g.path, CPUs: cpus, Free: g.placement == free, Interval: g.arrival.Interval(),
			Think: g.think, Target: g.target, ZipfMilli: g.zipfMilli, Writes: g.writes,
			Section: g.section, ReadPermille: int(g.reads), Nest: g.nest})
	}
	return out, nil
}

// blame picks the key to point at when groups collide: the count that grew
// last, if a sweep or flag set one, else where the second group starts.
func (e *Experiment) blame(second int) string {
	for i := range second + 1 {
		if path := fmt.Sprintf("group[%d].count", i); e.src.Changed(path) {
			return path
		}
	}
	if e.groups[second].pin == pinList {
		return fmt.Sprintf("group[%d].cpus", second)
	}
	return fmt.Sprintf("group[%d].first_cpu", second)
}

func (e *Experiment) checkKernel(hw *cores.Machine, design string) error {
	k := &e.kernel
	switch {
	case e.runs("mmap-munmap", "brk") && k.MM.TouchedPages > k.MM.MmapPages:
		return e.src.Fault("kernel.mm.touched_pages", schema.Problem("at most kernel.mm.mmap_pages", "%d of %d pages", k.MM.TouchedPages, k.MM.MmapPages))
	case k.Uprobe.Unregistered && e.runs("uretprobe"):
		return e.src.Fault("kernel.uprobe.unregistered", schema.Problem("false", "a call of path uretprobe needs its probe"))
	case e.probes() && e.probedVMAs() > k.MM.VMAs:
		return e.src.Fault("kernel.uprobe.probes", schema.Problem("at most kernel.mm.vmas", "%d probes in %d VMAs", e.probedVMAs(), k.MM.VMAs))
	}
	if err := e.checkBench(hw); err != nil || !e.simulatesProcess() {
		return err
	}
	return e.checkOverrides(design)
}

// probedVMAs is how many probes the process has: those for hits at entry and those
// for calls are different ones.
func (e *Experiment) probedVMAs() int {
	if e.runs("uprobe-hit") && e.runs("uretprobe") {
		return 2 * e.kernel.Uprobe.Probes
	}
	return e.kernel.Uprobe.Probes
}

// checkBench: there are as many locks as are taken at once, and an object has
// room for the lines that are read.
func (e *Experiment) checkBench(hw *cores.Machine) error {
	for i := range e.groups {
		g := &e.groups[i]
		at := func(key string) string { return fmt.Sprintf("group[%d].%s", i, key) }
		limit := bench.MaxObjectLines(hw.Mem.LineBytes)
		switch {
		case g.path == "lock-bench" && g.nest.Locks > e.kernel.Objects:
			return e.src.Fault(at("nest"), schema.Problem("at most kernel.bench.objects", "%d of %d locks", g.nest.Locks, e.kernel.Objects))
		case g.path == "ref-bench" && g.section.SharedReads > limit:
			return e.src.Fault(at("shared_reads"), schema.Problem(fmt.Sprintf("at most %d", limit), "an object of %d lines does not fit a page", 1+g.section.SharedReads))
		}
	}
	return nil
}

// checkDesign: the group's path knows the design and, for a probe, the machine
// can run it.
func checkDesign(g *group, hw *cores.Machine, design string) error {
	p, err := workloads.LookupPath(g.path)
	if err != nil {
		return err
	}
	if !p.HasDesign(design) {
		return schema.Unknown("design of path "+p.Name+",", design, designNames(p))
	}
	if p.PlacesThreads {
		if probe, ok := probes.Find(design); ok && probe.Lacks(hw) != "" {
			return schema.Problem("", "probe %s does not apply to machine %s: %s", design, hw.Name, probe.Lacks(hw))
		}
	}
	return nil
}
