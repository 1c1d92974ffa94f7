// Package cores is the executor that prices the CPU contract: cores with
// store buffers, miss buffers, fences, atomics, spin-waits, interrupts and
// tasks that share CPUs, in virtual time, on the memory system of package coherence.
package cores

import (
	"mmsim/coherence"
	"mmsim/sim"
)

// OrderingClass selects how kernel primitives become instructions
// (shared facts: locks-and-barriers.md section 16).
type OrderingClass uint8

const (
	X86TSO   OrderingClass = iota
	ARM64                  // LL/SC atomics
	ARM64LSE               // single-instruction atomics
	POWER
	RISCV
)

// AtomicPlacement says where an atomic executes.
type AtomicPlacement uint8

const (
	Near          AtomicPlacement = iota // in the core's own cache, after taking the line exclusive
	Far                                  // at the line's home, always
	FarUnlessHeld                        // at the home, unless this core holds the line exclusive
	FarVoid                              // void forms (STADD) at the home unless held, others near
)

// SpinWait says how a core waits for a line to change.
type SpinWait uint8

const (
	Pause SpinWait = iota // polls, a PAUSE apart
	Event                 // sleeps on the exclusive monitor (WFE) until the line is taken
)

// ClockStep gives the clock of a socket while at most Cores of its physical
// cores are active.
type ClockStep struct {
	Cores int
	Clock sim.Hertz
}

// InstrCosts are base costs of ordering instructions with nothing to wait
// for, in cycles; what they wait for comes on top, out of the model. A class
// uses those it has instructions for (x86 has no acquire, release, rmb, wmb).
type InstrCosts struct {
	Atomic     sim.Cycles // one near atomic on a line held exclusive
	MB         sim.Cycles // smp_mb: LOCK ADD, DMB ISH, hwsync, fence rw,rw
	RMB        sim.Cycles // smp_rmb: DMB ISHLD, lwsync, fence r,r
	WMB        sim.Cycles // smp_wmb: DMB ISHST, lwsync, fence w,w
	Acquire    sim.Cycles // added to a load-acquire: LDAR, ld+lwsync, ld+fence
	Release    sim.Cycles // added to a store-release: STLR, lwsync+st, fence+st
	AtomicAcq  sim.Cycles // added to an acquire atomic
	AtomicRel  sim.Cycles // added to a release atomic
	AtomicFull sim.Cycles // added to a fully ordered atomic
	ThisCPU    sim.Cycles // a this_cpu read-modify-write beyond its load and store
	// LostOverlap is what an acquire or rmb costs because younger loads may
	// not start early. Simulated loads block, so this overlap does not come
	// out of the model and is stated per machine.
	LostOverlap sim.Cycles
}

// OSCosts are costs of kernel entry and scheduling on this machine.
type OSCosts struct {
	TrapEntry     sim.Cycles // user to kernel by exception
	TrapExit      sim.Cycles // kernel to user
	ContextSwitch sim.Cycles // one switch, on the CPU that switches
	IdleExit      sim.Time   // an idle CPU from wake-up interrupt to scheduler
	IPISend       sim.Cycles // on the sending CPU, per target
	IPIDelivery   sim.Time   // from send to the target's vector
	IRQEntryExit  sim.Cycles // interrupt entry and exit on the interrupted CPU
	TLBFlush      TLBFlush
	// TLBIIssue and TLBIInvalidate are the costs of one broadcast invalidation
	// beyond its way: issuing it, and carrying it out at the receivers, one
	// after the other.
	TLBIIssue      sim.Cycles
	TLBIInvalidate sim.Time
}

// Machine is the full description of a simulated machine, as resolved from
// its TOML file: cycles follow the core clock, times do not.
type Machine struct {
	Name  string
	Title string
	Mem   coherence.Params

	// Clock has one step (fixed frequency) or several in ascending Cores
	// order; the number of active physical cores of a socket is fixed for a
	// run.
	Clock []ClockStep
	// SMTPermille is the speed of each of two or more busy siblings in
	// thousandths of a lone thread's.
	SMTPermille int
	// SMTHandover is added when a thread reads a line its sibling wrote since
	// (memory-ordering machine clear).
	SMTHandover sim.Cycles

	L1Latency sim.Cycles // load-to-use of an L1D hit
	L2Latency sim.Cycles // load-to-use of an L2 hit

	StoreBuffer  int        // entries
	StoreCommit  sim.Cycles // between two commits to lines held exclusive in L1D
	DrainInOrder bool       // commits in program order (TSO); else by line as ownership arrives
	MissBuffers  int        // outstanding private misses per core

	Ordering  OrderingClass
	Costs     InstrCosts
	Atomics   AtomicPlacement
	FarOccupy sim.Time // home occupancy of one far atomic

	Spin        SpinWait
	PauseLength sim.Cycles

	OS OSCosts
}
