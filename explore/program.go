package explore

import "mmsim/sim"

// Thread is one task of a program.
type Thread struct {
	Name string // column head in traces
	// CPU is where the thread starts. The first thread of a CPU runs from the
	// start; the others begin when the kernel switches to them (Hooks.Start).
	CPU int
	// MayUse lists further CPUs that the kernel may run the thread on.
	MayUse []int
	// Body runs from the start once for every execution. It must be
	// deterministic: all it knows beyond its own locals comes from c.
	Body func(c *sim.CPU)
}

// Program is what is explored.
type Program struct {
	// Mem is the initial state; it is restored before and after every
	// execution.
	Mem *sim.Memory
	// Syms names addresses in traces; may be nil.
	Syms    *sim.Symbols
	Threads []Thread
	// Hooks are the kernel's entry points; any may be nil. Without Exit a CPU does
	// nothing more once its thread's body has returned, which saves a search by
	// schedules most of its work: leave it in only if some thread waits for that
	// CPU, or a grace period for its quiescent state.
	Hooks sim.Hooks
	// Domain gives the names of rcu_read_lock, rcu_read_unlock and
	// synchronize_rcu of an RCU domain, for traces; may be nil.
	Domain func(domain uint64) [3]string
	// Reset puts everything that bodies and invariants keep on the Go side
	// (registers, ghost state) back to its initial value; may be nil.
	Reset func()
	// Final runs at the end of every complete execution: it names the outcome,
	// and returns an error when a final invariant is broken. May be nil.
	Final func(v View) (outcome string, err error)
	// Hopeless, if set, is asked whenever a body has ended in a search from graph to
	// graph: an execution that cannot lead to what is looked for is given up. What
	// is left out is no loss to the rest: every read is postponed then, race or not.
	Hopeless func() bool
	// MustEnd makes a deadlock a violation; otherwise deadlocks are counted.
	MustEnd bool
	// ExactDeps tells that the bodies are litmus tests: they announce the
	// dependencies of every store with StoreDeps, and their spinlocks are
	// SpinLock. Otherwise every earlier load of the CPU counts as a control
	// dependency of every store, and spinlocks are algorithms, so that
	// smp_mb__after_spinlock is the smp_mb that weakly ordered architectures make
	// of it.
	ExactDeps bool
	// Broken is taken out of the paths that have it; 0 is nothing.
	Broken sim.Break
}

// View is the memory at the end of an execution.
type View interface {
	Read(a sim.Addr, size sim.Size) uint64
}
