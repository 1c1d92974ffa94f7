package configs

import (
	"mmsim/configs/schema"
	"mmsim/kernel/locking/kinds"
	"mmsim/kernel/mm"
	"mmsim/kernel/sched"
	"mmsim/kernel/uprobes"
	"mmsim/sim"
	"mmsim/workloads"
)

// Limits of a process.
const (
	maxVMAs   = 60000 // vm.max_map_count is 65530
	maxProbes = 10000
	maxPages  = 1 << 18
	maxSheaf  = 256
)

func defaultUprobe() workloads.UprobeParams {
	c := uprobes.DefaultCosts()
	return workloads.UprobeParams{Probes: 1, Handler: c.Handler,
		Costs: workloads.UprobeCosts{Notify: c.Notify, VMALookup: c.VMALookup, TreeLookup: c.TreeLookup, Chain: c.Chain}}
}

func bindKernel(t *schema.Table[Experiment]) {
	const kernel = "a path of the simulated kernel"
	const process = "a path of a process"
	schema.Bind(t, "kernel.layout", layoutKind, "Where fields lie: mm-*: mmap_lock and mm_lock_seq in mm_struct, the rest as in 6.14; others: all structs of that kernel; by-design: the era's, mm-6.5 for designs that are no era.",
		func(e *Experiment) *string { return &e.kernel.Layout }).When(process, (*Experiment).simulatesProcess)
	schema.Bind(t, "kernel.tick", schema.Positive(schema.Time), "Period of the scheduler tick (1/HZ), which drives RCU.",
		func(e *Experiment) *sim.Time { return &e.kernel.Tick }).When(kernel, (*Experiment).simulatesKernel)
	schema.Bind(t, "kernel.mm.vmas", schema.Count(1, maxVMAs), "VMAs of the process before the run, probed ones included.",
		func(e *Experiment) *int { return &e.kernel.MM.VMAs }).When(process, (*Experiment).simulatesProcess)
	bindMapping(t)
	bindUprobe(t)
	bindSched(t)
	bindRWSem(t)
	bindGracePeriods(t)
	bindBenchObjects(t)
	schema.Members(t, "kernel.layout_override", schema.Count(0, 1<<16), `Fields moved within their struct, in this order: "mm_struct.mm_lock_seq" = byte offset.`,
		setOverride, getOverrides).When(process, (*Experiment).simulatesProcess)
}

func bindSched(t *schema.Table[Experiment]) {
	const kernel = "a path of the simulated kernel"
	schema.Bind(t, "kernel.sched.slice", schema.Positive(schema.Time), "How long a task runs while others wait for its CPU; it ends with a tick.",
		func(e *Experiment) *sim.Time { return &e.kernel.Sched.Slice }).When(kernel, (*Experiment).simulatesKernel)
	schema.Bind(t, "kernel.sched.preempt", schema.Enum[sched.Preemption]("preemption model", "none", "full"), "Where the kernel takes the CPU from a task: none: back in user mode, and where a loop offers it; full: wherever preemption is not disabled.",
		func(e *Experiment) *sched.Preemption { return &e.kernel.Sched.Preempt }).When(kernel, (*Experiment).simulatesKernel)
	schema.Bind(t, "kernel.sched.idle", schema.Enum[sched.IdleMode]("idle mode", "halt", "poll"), "How an idle CPU waits: halt: for an interrupt, which a wake-up sends; poll: for a store to its flags.",
		func(e *Experiment) *sched.IdleMode { return &e.kernel.Sched.Idle }).When(kernel, (*Experiment).simulatesKernel)
}

// bindRWSem binds the build-time choices of rwsem.c, which hold for every
// rw_semaphore of the kernel.
func bindRWSem(t *schema.Table[Experiment]) {
	const kernel = "a path of the simulated kernel"
	schema.Bind(t, "kernel.rwsem.optimistic_spin", schema.Bool, "Writers spin while the lock's owner runs (CONFIG_RWSEM_SPIN_ON_OWNER); otherwise whoever waits sleeps.",
		func(e *Experiment) *bool { return &e.rwsem.OptimisticSpin }).When(kernel, (*Experiment).simulatesKernel)
	schema.Bind(t, "kernel.rwsem.reader_spin", schema.Time, "How long a writer spins on a phase of readers.",
		func(e *Experiment) *sim.Time { return &e.rwsem.ReaderSpin }).When("optimistic spinning", (*Experiment).spins)
	schema.Bind(t, "kernel.rwsem.reader_spin_each", schema.Time, "Added to it for each reader of the phase, for up to 30.",
		func(e *Experiment) *sim.Time { return &e.rwsem.ReaderSpinEach }).When("optimistic spinning", (*Experiment).spins)
	schema.Bind(t, "kernel.rwsem.handoff_timeout", schema.Time, "A waiter that has waited this long, rounded up to ticks, ends lock stealing (RWSEM_WAIT_TIMEOUT).",
		func(e *Experiment) *sim.Time { return &e.rwsem.HandoffTimeout }).When(kernel, (*Experiment).simulatesKernel)
}

// maxTicks is the longest delay within a grace period.
const maxTicks = 10000

// bindGracePeriods binds the lengths of grace periods.
func bindGracePeriods(t *schema.Table[Experiment]) {
	const kernel = "a path of the simulated kernel"
	ticks := func(key, doc string, least int64, at func(e *Experiment) *int) {
		schema.Bind(t, "kernel."+key, schema.Count(least, maxTicks), doc, at).When(kernel, (*Experiment).simulatesKernel)
	}
	times := func(key, doc string, at func(e *Experiment) *sim.Time) {
		schema.Bind(t, "kernel."+key, schema.Time, doc, at).When(kernel, (*Experiment).simulatesKernel)
	}
	ticks("rcu.first_fqs", "Ticks from the start of a grace period of RCU until idle CPUs are looked for (rcutree.jiffies_till_first_fqs).", 0,
		func(e *Experiment) *int { return &e.rcu.FirstFQS })
	ticks("rcu.next_fqs", "Ticks until they are looked for again (rcutree.jiffies_till_next_fqs).", 1,
		func(e *Experiment) *int { return &e.rcu.NextFQS })
	ticks("srcu.interval", "Ticks between two scans of SRCU's counters, unless expedited; more as the grace period ages (SRCU_INTERVAL).", 0,
		func(e *Experiment) *int { return &e.srcu.Interval })
	ticks("srcu.max_interval", "Never more ticks than this (SRCU_MAX_INTERVAL).", 1,
		func(e *Experiment) *int { return &e.srcu.MaxInterval })
	ticks("srcu.max_nodelay", "Scans at once after each other before one waits a tick (srcutree.srcu_max_nodelay and srcu_max_nodelay_phase).", 1,
		func(e *Experiment) *int { return &e.srcu.MaxNoDelay })
	times("srcu.retry_check_delay", "Wait between two scans on the spot (srcutree.srcu_retry_check_delay).",
		func(e *Experiment) *sim.Time { return &e.srcu.RetryDelay })
	times("srcu.exp_holdoff", "Time since the last grace period after which synchronize_srcu hurries the next one (srcutree.exp_holdoff).",
		func(e *Experiment) *sim.Time { return &e.srcu.ExpHoldoff })
}

func (e *Experiment) spins() bool { return e.simulatesKernel() && e.rwsem.OptimisticSpin }

// maxObjects is how many locks, counters or pointers there can be.
const maxObjects = 4096

func bindBenchObjects(t *schema.Table[Experiment]) {
	schema.Bind(t, "kernel.bench.objects", schema.Count(1, maxObjects), "Locks, counters or pointers that the threads of bench paths choose among.",
		func(e *Experiment) *int { return &e.kernel.Objects }).When("a bench path", func(e *Experiment) bool {
		return e.runs("lock-bench", "counter-bench", "ref-bench", "ref-update")
	})
	schema.Bind(t, "kernel.bench.preemptible", schema.Bool, "Leaves preemption on under tas, ticket and mcs locks, as in user space: waiters and the holder can lose their CPU.",
		func(e *Experiment) *bool { return &e.kernel.PreemptibleSpin }).When("path lock-bench", func(e *Experiment) bool { return e.runs("lock-bench") })
	schema.Bind(t, "kernel.bench.rwsem_lines", schema.Enum[kinds.Lines]("arrangement", kinds.LineNames()...), "Lines of designs rwsem and bravo-rwsem: packed: count and owner in one line, as in the struct; split-owner: owner in a line of its own.",
		func(e *Experiment) *kinds.Lines { return &e.kernel.RWSemLines }).When("path lock-bench, ref-bench or ref-update", (*Experiment).locksOrRefs)
}

// locksOrRefs: a path runs that can use an rw_semaphore of its own.
func (e *Experiment) locksOrRefs() bool { return e.runs("lock-bench", "ref-bench", "ref-update") }

func bindMapping(t *schema.Table[Experiment]) {
	const needs = "path mmap-munmap or brk"
	mapping := func(e *Experiment) bool { return e.runs("mmap-munmap", "brk") }
	const anyWriter = "a path that changes the address space"
	writing := (*Experiment).writes
	schema.Bind(t, "kernel.mm.mmap_pages", schema.Count(1, maxPages), "Pages of a mapping that mmap-munmap makes, and by which brk grows the heap.",
		func(e *Experiment) *int { return &e.kernel.MM.MmapPages }).When(needs, mapping)
	schema.Bind(t, "kernel.mm.touched_pages", schema.Count(0, maxPages), "Pages of it, or of an area that mprotect or vma-split-merge changes, that are mapped in: they need their translations flushed.",
		func(e *Experiment) *int { return &e.kernel.MM.TouchedPages }).When("path mmap-munmap, brk or mprotect", func(e *Experiment) bool { return e.runs("mmap-munmap", "brk", "mprotect") })
	schema.Bind(t, "kernel.mm.sheaf", schema.Count(0, maxSheaf), "Objects in a per-CPU slab sheaf, through which VMAs and maple nodes are allocated (32 in 6.18); 0 means none, as in earlier kernels.",
		func(e *Experiment) *int { return &e.kernel.MM.Sheaf }).When(anyWriter, writing)
	for _, c := range []struct {
		name, doc string
		at        func(c *mm.Costs) *sim.Cycles
	}{
		{"syscall_entry", "User to kernel by system call.", func(c *mm.Costs) *sim.Cycles { return &c.SyscallEntry }},
		{"syscall_exit", "Kernel to user by system call return.", func(c *mm.Costs) *sim.Cycles { return &c.SyscallExit }},
		{"invlpg", "Flushing one page of the CPU's own TLB.", func(c *mm.Costs) *sim.Cycles { return &c.Invlpg }},
		{"cr3_write", "Flushing one address space from the CPU's own TLB.", func(c *mm.Costs) *sim.Cycles { return &c.CR3Write }},
	} {
		schema.Bind(t, "kernel.mm."+c.name, schema.Cycles, c.doc,
			func(e *Experiment) *sim.Cycles { return c.at(&e.kernel.MM.Costs) }).When(anyWriter, writing)
	}
}

func bindUprobe(t *schema.Table[Experiment]) {
	const needs = "a path of uprobes"
	probing := (*Experiment).probes
	schema.Bind(t, "kernel.uprobe.probes", schema.Count(1, maxProbes), "Probed functions of the process, each in a text VMA of its own; as many of each kind where uprobe-hit and uretprobe both run.",
		func(e *Experiment) *int { return &e.kernel.Uprobe.Probes }).When(needs, probing)
	schema.Bind(t, "kernel.uprobe.other_probes", schema.Count(0, maxProbes), "Uprobes on files that the process does not map: they make the tree deeper.",
		func(e *Experiment) *int { return &e.kernel.Uprobe.OtherProbes }).When(needs, probing)
	schema.Bind(t, "kernel.uprobe.more_consumers", schema.Count(0, maxProbes), "Consumers of each uprobe beyond the first.",
		func(e *Experiment) *int { return &e.kernel.Uprobe.MoreConsumers }).When(needs, probing)
	schema.Bind(t, "kernel.uprobe.unregistered", schema.Bool, "Probes have no consumers at the start: uprobes and breakpoints come and go with path uprobe-register.",
		func(e *Experiment) *bool { return &e.kernel.Uprobe.Unregistered }).When("path uprobe-register", func(e *Experiment) bool { return e.runs("uprobe-register") })
	bindChoices(t)
	cost := func(name, doc string, at func(u *workloads.UprobeParams) *sim.Cycles) {
		schema.Bind(t, "kernel.uprobe."+name, schema.Cycles, doc+", beyond its memory operations.",
			func(e *Experiment) *sim.Cycles { return at(&e.kernel.Uprobe) }).When(needs, probing)
	}
	cost("handler", "One consumer's handler", func(u *workloads.UprobeParams) *sim.Cycles { return &u.Handler })
	cost("notify", "Die notifiers, the exit-to-user work loop and handle_swbp", func(u *workloads.UprobeParams) *sim.Cycles { return &u.Costs.Notify })
	cost("vma_lookup", "Finding the VMA", func(u *workloads.UprobeParams) *sim.Cycles { return &u.Costs.VMALookup })
	cost("tree_lookup", "Finding the uprobe", func(u *workloads.UprobeParams) *sim.Cycles { return &u.Costs.TreeLookup })
	cost("chain", "handler_chain and emulation of the probed instruction", func(u *workloads.UprobeParams) *sim.Cycles { return &u.Costs.Chain })
}

// bindChoices binds the parts of the hit path that can be chosen one by one.
func bindChoices(t *schema.Table[Experiment]) {
	for _, k := range workloads.ChoiceKeys() {
		names, doc := []string{workloads.ByDesign}, k.Doc+": by-design: as the design has it"
		for _, v := range k.Values {
			names = append(names, v.Name)
			doc += "; " + v.Name + ": " + v.Title
		}
		needs, live := "a path of uprobes", (*Experiment).probes
		if k.Key == "lookup" {
			needs, live = "a path of a process", (*Experiment).simulatesProcess
		}
		schema.Bind(t, choicePrefix+k.Key, schema.Enum[workloads.Choice](k.Key, names...), doc+".",
			func(e *Experiment) *workloads.Choice { return k.At(&e.kernel.Uprobe.Choices) }).When(needs, live)
	}
	var names []string
	doc := "The probed instruction"
	for _, v := range uprobes.Insns() {
		names = append(names, v.Name)
		doc += "; " + v.Name + ": " + v.Title
	}
	schema.Bind(t, choicePrefix+"instruction", schema.Enum[uprobes.Insn]("instruction", names...), doc+".",
		func(e *Experiment) *uprobes.Insn { return &e.kernel.Uprobe.Insn }).When("a path of uprobes", (*Experiment).probes)
}

const choicePrefix = "kernel.uprobe."

// probes reports whether some group's path is one of uprobes, and writes
// whether one changes the address space.
func (e *Experiment) probes() bool { return e.runs("uprobe-hit", "uretprobe", "uprobe-register") }

func (e *Experiment) writes() bool {
	return e.runs("mmap-munmap", "mprotect", "vma-split-merge", "brk", "dlopen", "uprobe-register")
}
