package uprobes

import (
	"fmt"
	"strings"

	"mmsim/kernel/mm"
)

// Choices are the parts of the hit path that can be chosen independently of
// each other. Named bundles of them are the eras.
type Choices struct {
	Lookup     mm.Design  // from the address to inode and offset
	Tree       Tree       // what guards the tree of uprobes
	Lifetime   Lifetime   // what keeps the uprobe that was found
	Ret        Ret        // what keeps the uprobe of a pending return
	Trampoline Trampoline // how a function's return comes back to the kernel
	XOL        XOL        // slots and signals of single steps out of line
}

// Tree is what guards the global tree of uprobes.
type Tree uint8

const (
	TreeSpinlock    Tree = iota // section 2, step 5
	TreeRWLock                  // section 3
	TreePercpuRWSem             // section 3, proposed and dropped
	TreeSeqcount                // section 4
)

// Lifetime is what keeps a uprobe from the lookup to the end of its hit.
type Lifetime uint8

const (
	LifetimeRefcount   Lifetime = iota // uprobe.ref, and register_rwsem around the handlers (section 2)
	LifetimeSRCU                       // uprobes_srcu around the hit (section 4, 6.12)
	LifetimeTasksTrace                 // Tasks-Trace RCU around the hit (section 4, 6.13)
)

// Ret is what keeps the uprobe between a function's entry and its return, and
// where return instances come from.
type Ret uint8

const (
	RetRefcount    Ret = iota // uprobe.ref; kmalloc and kfree (section 2)
	RetLease                  // SRCU lease with time-out; kzalloc and kfree_rcu (section 6, 6.13)
	RetLeasePooled            // as RetLease, with instances from the thread's pool (6.14)
)

// leased tells the two forms with SRCU leases.
func (r Ret) leased() bool { return r != RetRefcount }

// Trampoline is how the return of a function with a return probe comes back to
// the kernel.
type Trampoline uint8

const (
	TrampolineTrap    Trampoline = iota // a breakpoint (arm64; x86 up to 6.10)
	TrampolineSyscall                   // the uretprobe system call (x86 from 6.11)
)

// XOL is how single steps out of line get their slot and treat signals (section
// 7).
type XOL uint8

const (
	XOLSlotCount    XOL = iota // up to 6.12: slot_count; siglock after each step
	XOLWaitEvent               // 6.13 and 6.14: the bitmap inside wait_event; siglock after each step
	XOLSignalDenied            // 6.19: as XOLWaitEvent; a private flag instead of siglock
)

// Info describes one value of a choice to users.
type Info struct {
	Name, Title string
}

var (
	treeInfo = []Info{
		TreeSpinlock:    {"spinlock", "one spinlock around every walk (up to 6.9)"},
		TreeRWLock:      {"rwlock", "read_lock around the walk: parallel, but two atomics on one line (6.10)"},
		TreePercpuRWSem: {"percpu-rwsem", "a per-CPU counter around the walk; a grace period for each insertion (proposed 2024)"},
		TreeSeqcount:    {"seqcount", "no lock: RCU walk, repeated on a miss if the sequence changed (6.12)"},
	}
	lifetimeInfo = []Info{
		LifetimeRefcount:   {"refcount", "a reference per hit, and register_rwsem around the handlers (up to 6.11)"},
		LifetimeSRCU:       {"srcu", "an SRCU section around the hit: two full barriers (6.12)"},
		LifetimeTasksTrace: {"rcu-tasks-trace", "a Tasks-Trace section around the hit: own task's line only (6.13)"},
	}
	retInfo = []Info{
		RetRefcount:    {"refcount", "a reference from entry to return (up to 6.12)"},
		RetLease:       {"srcu-lease", "an SRCU section from entry to return, a reference after 100 ms (6.13)"},
		RetLeasePooled: {"srcu-lease-pool", "as srcu-lease, return instances from the thread's own pool (6.14)"},
	}
	trampolineInfo = []Info{
		TrampolineTrap:    {"trap", "the return hits a breakpoint (x86 up to 6.10)"},
		TrampolineSyscall: {"syscall", "the return makes a system call (x86 from 6.11)"},
	}
	xolInfo = []Info{
		XOLSlotCount:    {"slot-count", "waiters watch slot_count; siglock after each step (up to 6.12)"},
		XOLWaitEvent:    {"wait-event", "waiters try the bitmap; siglock after each step (6.13, 6.14)"},
		XOLSignalDenied: {"signal-denied", "waiters try the bitmap; no siglock (6.19)"},
	}
)

// Trees, Lifetimes, Rets, Trampolines and XOLs list the values of each choice
// by number.
func Trees() []Info       { return append([]Info(nil), treeInfo...) }
func Lifetimes() []Info   { return append([]Info(nil), lifetimeInfo...) }
func Rets() []Info        { return append([]Info(nil), retInfo...) }
func Trampolines() []Info { return append([]Info(nil), trampolineInfo...) }
func XOLs() []Info        { return append([]Info(nil), xolInfo...) }

func (t Tree) String() string       { return treeInfo[t].Name }
func (l Lifetime) String() string   { return lifetimeInfo[l].Name }
func (r Ret) String() string        { return retInfo[r].Name }
func (t Trampoline) String() string { return trampolineInfo[t].Name }
func (x XOL) String() string        { return xolInfo[x].Name }

func parse(what string, infos []Info, name string) (int, error) {
	var names []string
	for n, i := range infos {
		if i.Name == name {
			return n, nil
		}
		names = append(names, i.Name)
	}
	return 0, fmt.Errorf("no %s %q; there are %s", what, name, strings.Join(names, ", "))
}

// String lists the parts, as one design is told from another.
func (k Choices) String() string {
	return fmt.Sprintf("lookup %v, tree %v, lifetime %v, retprobe %v, trampoline %v, xol %v",
		k.Lookup, k.Tree, k.Lifetime, k.Ret, k.Trampoline, k.XOL)
}

// WithLookup is the kernel of 6.13 but for the way a VMA is looked up: what the
// lookup designs are compared in. Return probes are those of 6.14.
func WithLookup(d mm.Design) Choices {
	return Choices{d, TreeSeqcount, LifetimeTasksTrace, RetLeasePooled, TrampolineSyscall, XOLWaitEvent}
}

// Era is the hit path of one kernel: a bundle of choices, and the layout of what
// it works on.
type Era struct {
	Name, Title string
	Choices     Choices
	// Layout is the name of a preset (DefaultLayoutsOf).
	Layout string
}

var eras = []Era{
	{"6.8", "locks everywhere: mmap_lock, one spinlock, references (up to 6.9)",
		Choices{mm.MMapLock, TreeSpinlock, LifetimeRefcount, RetRefcount, TrampolineTrap, XOLSlotCount}, "6.14"},
	{"6.10", "the tree's lock is a rwlock (6.10, 6.11)",
		Choices{mm.MMapLock, TreeRWLock, LifetimeRefcount, RetRefcount, TrampolineTrap, XOLSlotCount}, "6.14"},
	{"6.12", "lockless tree, SRCU instead of references",
		Choices{mm.MMapLock, TreeSeqcount, LifetimeSRCU, RetRefcount, TrampolineSyscall, XOLSlotCount}, "6.14"},
	{"6.13", "Tasks-Trace RCU instead of SRCU; leases for return probes",
		Choices{mm.MMapLock, TreeSeqcount, LifetimeTasksTrace, RetLease, TrampolineSyscall, XOLWaitEvent}, "6.14"},
	{"6.14", "the VMA is looked up by speculation; pooled return instances",
		Choices{mm.MMSeqcount, TreeSeqcount, LifetimeTasksTrace, RetLeasePooled, TrampolineSyscall, XOLWaitEvent}, "6.14"},
	{"6.19", "as 6.14, without siglock after single steps; struct file laid out anew",
		Choices{mm.MMSeqcount, TreeSeqcount, LifetimeTasksTrace, RetLeasePooled, TrampolineSyscall, XOLSignalDenied}, "6.19"},
}

// Eras lists the eras, oldest first.
func Eras() []Era { return append([]Era(nil), eras...) }

// ParseEra finds an era by name. The error lists the names.
func ParseEra(name string) (Era, error) {
	var names []string
	for _, e := range eras {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Era{}, fmt.Errorf("no era %q; there are %s", name, strings.Join(names, ", "))
}

// Insn is the probed instruction.
type Insn uint8

const (
	InsnNop  Insn = iota // emulated: only its length matters
	InsnPush             // emulated: writes the user's stack
	InsnStep             // not emulated (ret, mov): single-stepped out of line
)

var insnInfo = []Info{
	InsnNop:  {"nop", "a nop, emulated"},
	InsnPush: {"push", "a push, emulated: writes the user's stack"},
	InsnStep: {"single-step", "an instruction that is single-stepped out of line"},
}

// Insns lists the kinds of probed instructions by number.
func Insns() []Info { return append([]Info(nil), insnInfo...) }

func (i Insn) String() string { return insnInfo[i].Name }
