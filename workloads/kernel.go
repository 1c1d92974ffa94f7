package workloads

import (
	"fmt"
	"slices"

	"mmsim/coherence"
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
	params  *Params
	writers writers
	// texts says that breakpoints are really there or not: probes come and go.
	texts bool
	// entries is how many probes have no return handlers; those with follow them.
	entries int
}

// buildKernel boots a kernel, makes what the groups' paths work on in the given
// design, and puts the groups' threads on it.
func buildKernel(spec *Spec, m *cores.Machine, design string, seed uint64) (*cores.Program, error) {
	if err := spec.Params.check(); err != nil {
		return nil, err
	}
	prog := &cores.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}}
	base := kernel.NewBase(prog.Mem, prog.Syms, config(spec, m))
	prog.Hooks = base.Hooks()
	k := &setting{base: base, spec: spec, machine: m, design: design}
	made, err := k.setUp()
	if err != nil {
		return nil, err
	}
	for i := range spec.Groups {
		if err := addThreads(prog, spec, i, made, seed); err != nil {
			return nil, fmt.Errorf("group %s: %w", spec.Groups[i].Name, err)
		}
	}
	return prog, nil
}

// processes are one process for all groups.
var processes = objects{designs: processDesigns, setUp: newProcess}

func newProcess(k *setting) (any, error) {
	params, m := &k.spec.Params, k.machine
	if err := params.checkProcess(); err != nil {
		return nil, err
	}
	if err := k.checkProbes(); err != nil {
		return nil, err
	}
	u := &params.Uprobe
	choices, err := u.Choices.Choices(k.design)
	if err != nil {
		return nil, err
	}
	layouts, err := params.layouts(k.design)
	if err != nil {
		return nil, err
	}
	cfg := uprobes.ProcessConfig{Choices: choices, Layouts: layouts, MMCosts: params.MM.Costs, Sheaf: params.MM.Sheaf,
		BroadcastTLB: m.OS.TLBFlush == cores.FlushByBroadcast, Costs: u.costs(m),
		Probes: u.Probes, OtherProbes: u.OtherProbes, Consumers: 1 + u.MoreConsumers, Insn: u.Insn,
		Areas: params.MM.VMAs, Returns: k.runs("uretprobe"), Reloads: k.reloads()}
	cfg.Breakpoints = cfg.Reloads || k.runs("uprobe-register")
	cfg.EntryProbes = cfg.Probes
	switch {
	case k.bothKinds():
		cfg.Probes *= 2
	case cfg.Returns:
		cfg.EntryProbes = 0
	}
	if u.Unregistered {
		cfg.Consumers = 0
	}
	if cfg.MMCosts == (mm.Costs{}) {
		cfg.MMCosts = mm.DefaultCosts()
	}
	for t := range k.base.Sched.Tasks() {
		cfg.Tasks = append(cfg.Tasks, sim.TaskID(t))
	}
	p, err := uprobes.NewProcess(k.base, cfg)
	if err != nil {
		return nil, err
	}
	made := &process{Process: p, params: params, texts: cfg.Breakpoints, entries: cfg.EntryProbes}
	return made, made.newWriters(k)
}

// checkProbes: a call waits for the return of a probe that is there.
func (k *setting) checkProbes() error {
	if k.spec.Params.Uprobe.Unregistered && (k.runs("uretprobe") || !k.runs("uprobe-register")) {
		return fmt.Errorf("probes that are not registered at the start: paths uprobe-hit and uprobe-register only")
	}
	return nil
}

// bothKinds: some threads hit probes at entry only, others call functions with
// return probes. Each kind has probes of its own, and as many.
func (k *setting) bothKinds() bool { return k.runs("uretprobe") && k.runs("uprobe-hit") }

// reloads: some writer unmaps the probed areas and maps them again.
func (k *setting) reloads() bool {
	return slices.ContainsFunc(k.spec.Groups, func(g Group) bool { return g.reloads() })
}

// runs reports whether some group's path is that one.
func (k *setting) runs(path string) bool {
	return slices.ContainsFunc(k.spec.Groups, func(g Group) bool { return g.Path == path })
}

// layouts are the kernel's struct layouts with the overrides applied.
func (p *Params) layouts(design string) (uprobes.Layouts, error) {
	l, err := LayoutsNamed(LayoutOf(p.Layout, design))
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

// config is the kernel for the workload's threads on the machine.
func config(spec *Spec, m *cores.Machine) kernel.Config {
	p, top := &spec.Params, &m.Mem.Topology
	cfg := kernel.Config{CPUs: top.CPUs(), TickPeriod: p.Tick, RWSem: p.RWSem, RCU: p.RCU, SRCU: p.SRCU,
		Slice: p.Sched.Slice, Preempt: p.Sched.Preempt, Idle: p.Sched.Idle}
	domain := top.SocketOf
	if m.Mem.Domain == coherence.ScopeCluster {
		domain = top.ClusterOf
	}
	for cpu := range cfg.CPUs {
		cfg.CacheDomain = append(cfg.CacheDomain, domain(top.CoreOf(cpu)))
	}
	for i := range spec.Groups {
		g := &spec.Groups[i]
		cfg.TaskCPU = append(cfg.TaskCPU, g.CPUs...)
		for range g.CPUs {
			cfg.Allowed = append(cfg.Allowed, g.mayUse())
		}
	}
	return cfg
}

// mayUse lists the CPUs of a free group's threads; nil stands for the own one.
func (g *Group) mayUse() []int {
	if !g.Free {
		return nil
	}
	cpus := slices.Clone(g.CPUs)
	slices.Sort(cpus)
	return slices.Compact(cpus)
}

// setUp makes what the groups' paths work on.
func (k *setting) setUp() (map[*objects]any, error) {
	made := map[*objects]any{}
	for i := range k.spec.Groups {
		path, err := LookupPath(k.spec.Groups[i].Path)
		if err != nil {
			return nil, err
		}
		if made[path.objects] != nil {
			continue
		}
		if made[path.objects], err = path.objects.setUp(k); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// addThreads puts the threads of group i on the objects of its path.
func addThreads(prog *cores.Program, spec *Spec, i int, made map[*objects]any, seed uint64) error {
	g := spec.Groups[i]
	path, err := LookupPath(g.Path)
	if err != nil {
		return err
	}
	w := made[path.objects]
	targets, err := NewTargets(g.Target, path.targets(w, &g), g.ZipfMilli)
	if err != nil {
		return err
	}
	if g.Target == OwnVMA && path.ownIsLimited && len(g.CPUs) > targets.n {
		return fmt.Errorf("target %s: %d threads, but only %d of %s", g.Target, len(g.CPUs), targets.n, path.Targets)
	}
	for n, cpu := range g.CPUs {
		t := &thread{group: &g, index: n, stream: streamOf(i, n), seed: seed, targets: targets, do: path.operation(w, &g)}
		prog.Threads = append(prog.Threads, cores.Thread{
			Name: fmt.Sprintf("%s[%d]", g.Name, n), Path: g.Path, Group: i, CPU: cpu, MayUse: g.mayUse(), Body: t.body})
	}
	return nil
}
