package check

import (
	"mmsim/configs/schema"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// Mutant is a break and where the search looks for what depends on it.
type Mutant struct {
	sim.BreakInfo
	Scenario, Design string
	// Bound that the search needs.
	Bound int
	// Redundant says why no search finds it, if none is expected to.
	Redundant string
}

// Mutants lists all breaks that paths declare, each with the scenario and design
// that would show its absence.
func Mutants() (l []Mutant) {
	for _, b := range sim.Breaks() {
		at, m := where[b.Name], Mutant{BreakInfo: b, Bound: mutantBound, Redundant: redundant[b.Name]}
		if m.Scenario, m.Design = at[0], at[1]; m.Redundant != "" {
			m.Bound = designBound
		}
		l = append(l, m)
	}
	return l
}

// Bounds of searches: mutants get a larger one than designs, since most breaks
// need a preemption on both sides, and a stale read.
const (
	designBound = 2
	mutantBound = 3
)

// redundant are the breaks that nothing depends on as far as searches can see.
var redundant = map[string]string{
	"vma.seq-reset-on-free": "vm_refcnt 0 keeps readers out of a free VMA, whatever its stamp " +
		"(vma-locking-and-fork.md, R2: of two guards one is enough)",
	"percpu-rwsem.leave-mb": "it keeps a reader's loads before its own later store; what it prevents is load buffering, " +
		"which is not explored",
}

var where = map[string][2]string{
	"mm-seqcount.reader-rmb": {"spec-vs-merge", mm.MMSeqcount.String()},
	"mm-seqcount.recheck":    {"spec-vs-merge", mm.MMSeqcount.String()},
	"mm-seqcount.acquire":    {"file-reuse", mm.MMSeqcount.String()},
	"mm-seqcount.begin-odd":  {"spec-vs-merge", mm.MMSeqcount.String()},
	"mm-seqcount.begin-wmb":  {"spec-vs-merge", mm.MMSeqcount.String()},
	"mm-seqcount.end-wmb":    {"spec-vs-merge", mm.MMSeqcount.String()},

	"vma-seqcount.stamp-wmb":     {"spec-vs-merge", mm.VMASeqcount.String()},
	"vma-seqcount.load-order":    {"spec-vs-second-write", mm.VMASeqcount.String()},
	"vma-seqcount.reader-rmb":    {"spec-vs-merge", mm.VMASeqcount.String()},
	"vma-seqcount.recheck":       {"spec-vs-merge", mm.VMASeqcount.String()},
	"vma-seqcount-own.begin-wmb": {"spec-vs-merge", mm.VMASeqcountOwn.String()},
	"vma-seqcount-own.end-wmb":   {"spec-vs-merge", mm.VMASeqcountOwn.String()},

	"vma.stamp-check":       {"spec-vs-munmap", mm.VMARWSem.String()},
	"vma.detached-check":    {"file-reuse", mm.VMARWSem.String()},
	"vma.mm-check":          {"spec-vs-reuse", mm.VMARefcnt.String()},
	"vma.seq-reset-on-free": {"spec-vs-reuse", mm.VMARefcnt.String()},
	"vma.free-rcu":          {"spec-vs-reuse", mm.VMARWSem.String()},
	"file.put-full":         {"file-reuse-elsewhere", mm.MMSeqcount.String()},
	"ri-pool.seqcount":      {"ri-pool-vs-timer", mm.MMapLock.String()},

	"unregister.sync":   {"unregister-during-hit", mm.MMSeqcount.String()},
	"uprobe.free-grace": {"unregister-during-hit", mm.MMSeqcount.String()},
	"copy-insn.wmb":     {"register-during-hit", mm.MMSeqcount.String()},
	"copy-insn.rmb":     {"register-during-hit", mm.MMSeqcount.String()},

	"tas.acquire":               {"lock-exclusion", "tas"},
	"tas.release":               {"lock-exclusion", "tas"},
	"ticket.release":            {"lock-exclusion", "ticket"},
	"qspinlock.acquire":         {"lock-exclusion", "qspinlock"},
	"qspinlock.pending-acquire": {"lock-exclusion", "qspinlock"},
	"qspinlock.release":         {"lock-exclusion", "qspinlock"},
	"mutex.acquire":             {"lock-exclusion", "mutex"},
	"mutex.release":             {"lock-exclusion", "mutex"},
	"rwsem.acquire":             {"lock-exclusion", "rwsem"},
	"rwsem.release":             {"lock-exclusion", "rwsem"},
	"percpu-rwsem.reader-mb":    {"lock-readers", "percpu-rwsem"},
	"percpu-rwsem.leave-mb":     {"lock-readers", "percpu-rwsem"},
	"rcu-sync.gp":               {"lock-readers", "percpu-rwsem"},
	"seqlock.reader-rmb":        {"lock-readers", "seqlock"},
	"seqlock.begin-wmb":         {"lock-readers", "seqlock"},
	"seqlock.end-wmb":           {"lock-readers", "seqlock"},
}

// FindBreak is the break of that name; none is zero.
func FindBreak(name string) (sim.Break, error) {
	if name == "" {
		return 0, nil
	}
	var names []string
	for _, b := range sim.Breaks() {
		if b.Name == name {
			return b.Break, nil
		}
		names = append(names, b.Name)
	}
	return 0, schema.Unknown("break", name, names)
}
