package cores

import (
	"context"

	"github.com/HdrHistogram/hdrhistogram-go"

	"mmsim/coherence"
	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// Thread is one task of a program: a coroutine. Body loops over operations
// (OpBegin, the path, OpEnd) for ever; the run ends it. A body that returns
// leaves its CPU to the kernel's Exit hook, or idle.
type Thread struct {
	Name  string // "hitters[3]"
	Path  string // for deadlock reports: the path that the thread repeats
	Group int    // index of the group whose totals it counts to
	// CPU is where the thread starts. The first thread of a CPU runs from the
	// start; the others begin when the kernel switches to them (Hooks.Start),
	// which has them on its run queues.
	CPU int
	// MayUse lists further CPUs that the kernel may run the thread on. They are
	// in use even if no thread starts there.
	MayUse []int
	Body   func(c *sim.CPU)
}

// Program is what a machine runs: initial memory with its symbols, threads,
// and the entry points of the kernel, if there is one. Mem is used up by the
// run; clone it to keep it.
type Program struct {
	Mem     *sim.Memory
	Syms    *sim.Symbols
	Threads []Thread
	Hooks   sim.Hooks
}

// Options of one run.
type Options struct {
	Seed     uint64
	Warmup   sim.Time // discarded: nothing before it is counted
	Duration sim.Time // measured, after the warm-up
	// NoProgress stops the run with a StallError when no thread finishes an
	// operation for this long (and none thinks); zero means a quarter of the
	// run, at least 1 ms and at most 100 ms. A deadlock, where nothing is
	// pending that could wake a thread, is found in any run. TaskStall does so when one
	// thread's operation lasts longer; zero means nine tenths of the run, at
	// least 1 ms: starvation is a result as long as it ends.
	NoProgress, TaskStall sim.Time
	// Trace, if set, sees every operation of every thread as it completes.
	Trace func(TraceOp)
	// Context cancels the run; nil means never.
	Context context.Context
}

// TraceOp is one executed operation, for explain.
type TraceOp struct {
	Thread int  // index in Program.Threads, -1 for interrupt context on an idle CPU
	IRQ    bool // in an interrupt, or on the way back from one
	CPU    int
	Step   sim.Step
	Start  sim.Time
	Took   sim.Time
	Cycles sim.Cycles // Took in cycles of this CPU's clock, rounded
	Op     string     // "load", "store.release", "add.full", "smp_wmb", "compute", ...
	Addr   sim.Addr   // 0 if the operation has none
	Size   sim.Size
	Value  uint64 // loaded, stored or old value
	Before string // line state in this core before ("I", "S", "E", "M", "O", "F") and the level it was in
	After  string // after
}

// Category is the owner of a span of a CPU's time. Every femtosecond of every
// CPU belongs to exactly one.
type Category uint8

const (
	Compute Category = iota
	L1
	L2
	LLC
	MemLocal
	MemRemote
	CacheDomain // another core of the same domain (cluster or socket)
	CacheSocket // a core of another domain in the same socket
	CacheRemote // a core in another socket
	FenceStall  // waiting for the store buffer or for earlier accesses to satisfy an order
	StoreStall  // store buffer full
	Atomic      // executing atomics and fences, beyond what they wait for
	LockSpin    // spin-waits, misses inside them included
	Interrupt   // interrupt entry, handler and exit, whatever happens inside
	Switch      // context switches and idle exits
	Think       // user-mode think time
	Idle
	NumCategories
)

// String is the category's name in records (snake_case).
func (k Category) String() string {
	return [...]string{"compute", "l1", "l2", "llc", "mem_local", "mem_remote", "cache_domain",
		"cache_socket", "cache_remote", "fence_stall", "store_stall", "atomic", "lock_spin",
		"interrupt", "switch", "think", "idle"}[k]
}

// Metric is an executor-side event count per CPU.
type Metric uint8

const (
	Loads Metric = iota
	Stores
	RMWs
	Fences
	L1Hits
	L2Hits
	LLCHits       // in the LLC of the own domain
	RemoteLLCHits // in another domain's LLC
	MemLocalFills
	MemRemoteFills
	DomainFills   // data from a core of the same domain
	SocketFills   // data from a core of another domain of the socket
	RemoteFills   // data from a core in another socket
	Upgrades      // ownership without data
	Bounces       // data or ownership taken from another core's private caches by this CPU
	Invalidations // lines this CPU's core lost to another core's write
	Forwards      // loads answered by the own store buffer
	FarAtomics
	Prefetches
	Evictions // lines leaving the private caches for lack of room
	Writebacks
	IPIsSent
	IPIsReceived
	TimerTicks
	SpinWakeups
	Switches
	NumMetrics
)

// String is the metric's name in records (snake_case).
func (m Metric) String() string {
	return [...]string{"loads", "stores", "rmws", "fences", "l1_hits", "l2_hits", "llc_hits", "remote_llc_hits",
		"mem_local_fills", "mem_remote_fills", "domain_fills", "socket_fills", "remote_fills",
		"upgrades", "bounces", "invalidations", "store_forwards", "far_atomics", "prefetches",
		"evictions", "writebacks", "ipis_sent", "ipis_received", "timer_ticks", "spin_wakeups",
		"switches"}[m]
}

// CPUResult is the account of what one CPU did for one group over the measured
// interval: while it ran threads of the group, and for the group of the first
// thread that may use the CPU also while it ran none. A CPU that ran threads of
// several groups has a result for each.
type CPUResult struct {
	CPU    int
	Group  int
	Period sim.Time // length of a clock cycle
	Time   [sim.MaxSteps][NumCategories]sim.Time
	// SpinWait splits LockSpin by where the misses inside it were served.
	SpinWait [coherence.NumDistances]sim.Time
	Metrics  [NumMetrics]int64
	Events   [sim.MaxCounters]int64 // counted by kernel code
}

// TaskResult is the account of one task over the measured interval.
type TaskResult struct {
	Thread  int
	Running sim.Time // on a CPU, interrupts excluded
	IRQ     sim.Time // interrupted
	// Sleeping by what the task waited for; Runnable is a CPU.
	Sleeping [sim.MaxReasons]sim.Time
	Exited   sim.Time // after its body had returned
	Ops      int64
}

// BounceKey identifies one row of the bounce table: the address whose
// access took the line, the step of the taker, and how far the line came.
type BounceKey struct {
	Addr     sim.Addr
	Step     sim.Step
	Distance coherence.Distance
}

// Bounce is one row of the bounce table.
type Bounce struct {
	BounceKey
	Count int64
}

// Result is what one run measured.
type Result struct {
	Elapsed sim.Time
	CPUs    []CPUResult  // ascending by CPU, then group
	Tasks   []TaskResult // by thread
	// Latency by group: from OpBegin to OpEnd in ps, of operations that ended
	// in the measured interval.
	Latency []*hdrhistogram.Histogram
	Bounces []Bounce // ascending by address, step, distance
	// Locks by class and group, ascending by class name: those that were used
	// in the measured interval.
	Locks []lockstat.Result
	// LockOrder lists what the lock-order check found in the whole run.
	LockOrder []lockstat.OrderReport
	Syms      *sim.Symbols
	// HostEvents is the number of engine events handled (speed reports only).
	HostEvents int64
}

// Check reports the first account that does not add up: each CPU's times in all
// groups and each task's times must sum to the elapsed time.
func (r *Result) Check() error { return checkAccounts(r) }
