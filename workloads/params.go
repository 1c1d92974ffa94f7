package workloads

import (
	"mmsim/kernel/locking"
	"mmsim/kernel/locking/kinds"
	"mmsim/kernel/mm"
	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/kernel/srcu"
	"mmsim/kernel/uprobes"
	"mmsim/sim"
)

// Params are the parameters of the simulated kernel, the same for all groups.
// Costs of entering and leaving the kernel by a trap are not among them: they
// are the machine's (cores.OSCosts).
type Params struct {
	// Layout names where fields lie: one of Layouts. ByDesign or "" is the era's,
	// for designs that are eras.
	Layout string
	// Overrides move single fields of any kernel struct, in the order given.
	Overrides []FieldOffset
	// Tick is the period of the scheduler tick, which drives RCU.
	Tick sim.Time
	// Sched are the scheduler's parameters; a zero Slice is the kernel's own.
	Sched SchedParams
	// RWSem are the build-time choices of rwsem.c; nil stands for the kernel's.
	RWSem *locking.RWSemOptions
	// RCU and SRCU set the lengths of grace periods; nil stands for the
	// kernel's.
	RCU    *rcu.Options
	SRCU   *srcu.Options
	MM     MMParams
	Uprobe UprobeParams
	// Objects is how many locks, counters or pointers the bench paths have to
	// choose among.
	Objects int
	// PreemptibleSpin leaves preemption on under the simple spinlocks (tas,
	// ticket, mcs), as in user space.
	PreemptibleSpin bool
	// RWSemLines says how the words of rwsem and bravo-rwsem share lines in the
	// bench paths.
	RWSemLines kinds.Lines
}

// SchedParams are parameters of the scheduler.
type SchedParams struct {
	Slice   sim.Time
	Preempt sched.Preemption
	Idle    sched.IdleMode
}

// FieldOffset moves one field: "mm_struct.mm_lock_seq" to byte 512.
type FieldOffset struct {
	Struct, Field string
	Offset        uint32
}

// MMParams describe the address space and what its writers do.
type MMParams struct {
	VMAs         int // of the process before the run, probed ones included
	MmapPages    int // size of a writer's mapping
	TouchedPages int // pages of it that a writer touches; each needs its translation flushed
	Sheaf        int // capacity of the sheaves of VMAs and maple nodes; 0: none
	// Costs of mmap and munmap beyond their memory operations; the zero value
	// stands for mm.DefaultCosts.
	Costs mm.Costs
}

// UprobeParams describe the probes.
type UprobeParams struct {
	Probes      int        // probed functions of the process, each in a text VMA of its own
	OtherProbes int        // uprobes on files that the process does not map: they make the tree deeper
	Handler     sim.Cycles // of one consumer's handler, beyond its memory operations
	// MoreConsumers is the number of each uprobe's consumers beyond the first.
	MoreConsumers int
	// Choices replace single parts of the run's design.
	Choices ChoiceParams
	Insn    uprobes.Insn // the probed instruction
	// Unregistered starts without consumers: probes come and go with path
	// uprobe-register. MoreConsumers then means nothing.
	Unregistered bool
	// Costs of the hit path beyond its memory operations; the zero value
	// stands for those of uprobes.DefaultCosts.
	Costs UprobeCosts
}

// UprobeCosts are the parts of a uprobe hit that are not memory operations,
// apart from trap entry and exit (the machine's) and the handler.
type UprobeCosts struct {
	Notify     sim.Cycles // die notifiers, the exit-to-user work loop, handle_swbp
	VMALookup  sim.Cycles // instructions of the VMA lookup
	TreeLookup sim.Cycles // instructions of the uprobe lookup
	Chain      sim.Cycles // handler_chain and emulation
}
