package workloads

import (
	"fmt"

	"mmsim/cores"
	"mmsim/kernel"
	"mmsim/kernel/mm"
	"mmsim/kernel/uprobes"
	"mmsim/sim"
)

// process is the kernel and the process that the groups' threads share. It
// holds addresses and parameters only, so the threads can run on any copy of
// the memory it was built in.
type process struct {
	*uprobes.Process
	params *Params
}

// buildKernel boots a kernel in the given design, makes the process, and puts
// the groups' threads on it.
func buildKernel(spec *Spec, m *cores.Machine, design string, seed uint64) (*cores.Program, error) {
	if err := spec.Params.check(); err != nil {
		return nil, err
	}
	prog := &cores.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}}
	cfg := kernel.Config{CPUs: m.Mem.Topology.CPUs(), TickPeriod: spec.Params.Tick}
	for i := range spec.Groups {
		cfg.TaskCPU = append(cfg.TaskCPU, spec.Groups[i].CPUs...)
	}
	base := kernel.NewBase(prog.Mem, prog.Syms, cfg)
	prog.Hooks = base.Hooks()
	p, err := newProcess(base, &spec.Params, m, design, len(cfg.TaskCPU))
	if err != nil {
		return nil, err
	}
	for i := range spec.Groups {
		if err := addThreads(prog, spec, i, p, seed); err != nil {
			return nil, fmt.Errorf("group %s: %w", spec.Groups[i].Name, err)
		}
	}
	return prog, nil
}

func newProcess(base *kernel.Base, params *Params, m *cores.Machine, design string, tasks int) (*process, error) {
	d, err := mm.ParseDesign(design)
	if err != nil {
		return nil, err
	}
	layouts, err := params.layouts()
	if err != nil {
		return nil, err
	}
	cfg := uprobes.ProcessConfig{Design: d, Layouts: layouts, MMCosts: params.MM.Costs, Costs: params.Uprobe.costs(m),
		Probes: params.Uprobe.Probes, OtherProbes: params.Uprobe.OtherProbes, Consumers: 1 + params.Uprobe.MoreConsumers,
		Areas: params.MM.VMAs}
	if cfg.MMCosts == (mm.Costs{}) {
		cfg.MMCosts = mm.DefaultCosts()
	}
	for t := range tasks {
		cfg.Tasks = append(cfg.Tasks, sim.TaskID(t))
	}
	p, err := uprobes.NewProcess(base, cfg)
	if err != nil {
		return nil, err
	}
	return &process{p, params}, nil
}

// layouts are the kernel's struct layouts with the overrides applied.
func (p *Params) layouts() (uprobes.Layouts, error) {
	l, err := uprobes.DefaultLayouts(p.Layout)
	for _, o := range p.Overrides {
		if err == nil {
			l, err = l.Override(o.Struct+"."+o.Field, o.Offset)
		}
	}
	return l, err
}

func (u *UprobeParams) costs(m *cores.Machine) uprobes.Costs {
	c := uprobes.DefaultCosts()
	if u.Costs != (UprobeCosts{}) {
		c.Notify, c.VMALookup, c.TreeLookup, c.Chain = u.Costs.Notify, u.Costs.VMALookup, u.Costs.TreeLookup, u.Costs.Chain
	}
	c.TrapEntry, c.TrapExit, c.Handler = m.OS.TrapEntry, m.OS.TrapExit, u.Handler
	return c
}

// addThreads puts the threads of group i on the process.
func addThreads(prog *cores.Program, spec *Spec, i int, p *process, seed uint64) error {
	g := spec.Groups[i]
	path, err := LookupPath(g.Path)
	if err != nil {
		return err
	}
	targets, err := NewTargets(g.Target, path.targets(p), g.ZipfMilli)
	if err != nil {
		return err
	}
	if g.Target == OwnVMA && path.ownIsLimited && len(g.CPUs) > targets.n {
		return fmt.Errorf("target %s: %d threads, but only %d of %s", g.Target, len(g.CPUs), targets.n, path.Targets)
	}
	for n, cpu := range g.CPUs {
		t := &thread{group: &g, index: n, stream: streamOf(i, n), seed: seed, targets: targets, do: path.operation(p, &g)}
		prog.Threads = append(prog.Threads, cores.Thread{
			Name: fmt.Sprintf("%s[%d]", g.Name, n), Path: g.Path, Group: i, CPU: cpu, Body: t.body})
	}
	return nil
}
