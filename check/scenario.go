// Package check explores the paths that are priced elsewhere: small programs over
// the kernel's own code, with invariants, under every order that a memory model
// and the scheduler allow. It asks whether a cheap design is still correct, and
// whether the search would find out if it were not (mutants).
package check

import (
	"mmsim/configs/schema"
	"mmsim/explore"
	"mmsim/kernel/locking/kinds"
	"mmsim/kernel/mm"
)

// Scenario is one race that designs are checked against.
type Scenario struct {
	Name, Title string
	// Designs it applies to, by name: lookups, or kinds of locks.
	Designs []string
	// CPUs of its program.
	CPUs int
	// Bound of the exhaustive search, unless the caller says otherwise.
	Bound int

	build func(design string) (*explore.Program, error)
}

// Scenarios lists the scenarios in the order of reports.
func Scenarios() []Scenario {
	all := lookups()
	return []Scenario{
		{"spec-vs-munmap", "a hit against munmap that splits its area, and mmap of another file there", all, 2, designBound, lookup(specMunmap)},
		{"spec-vs-split", "a hit against munmap of a part of its area, which changes vm_start and vm_pgoff in place", all, 2, designBound, lookup(specSplit)},
		{"spec-vs-merge", "a hit against mmap that makes its area grow, which changes vm_start and vm_pgoff in place", all, 2, designBound, lookup(specMerge)},
		{"spec-vs-reuse", "a hit against its VMA being freed and attached in another process", all, 2, designBound, lookup(specReuse)},
		{"spec-vs-second-write", "a hit against a write section, and then one in which its area grows", all, 2, designBound, lookup(specSecondWrite)},
		{"file-reuse", "a hit against munmap, which drops the last reference to its file, and the memory opened as another file", all, 2, designBound, lookup(fileReuse)},
		{"file-reuse-elsewhere", "a hit against munmap, with the file closed and its memory opened again on a third CPU", all, 3, designBound, lookup(fileReuseElsewhere)},
		{"unregister-during-hit", "a hit against uprobe_unregister, and the memory of the consumer and the uprobe being freed", all, 2, designBound, lookup(unregisterDuringHit)},
		{"register-during-hit", "a hit against uprobe_register, up to the single step of the copied instruction", all, 2, designBound, lookup(registerDuringHit)},
		{"seq-wrap", "a hit against write sections enough to wrap sequence numbers of two bits", all, 2, designBound, lookup(seqWrap)},
		{"ri-pool-vs-timer", "a thread that uses a return instance again against the time-out of the first use", all, 2, 4, lookup(riPool)},
		{"lock-exclusion", "two tasks that take one lock", append(locks(func(*kinds.Kind) bool { return true }), LockBusted), 2, designBound, lockExclusion},
		{"lock-readers", "a reader against a writer of one lock", locks(func(k *kinds.Kind) bool { return k.Shared || k.Optimistic }), 2, designBound, lockReaders},
	}
}

func lookups() (names []string) {
	for _, d := range mm.Designs() {
		names = append(names, d.Name)
	}
	return names
}

func locks(has func(*kinds.Kind) bool) (names []string) {
	for _, k := range kinds.Kinds() {
		if has(&k) {
			names = append(names, k.Name)
		}
	}
	return names
}

func lookup(f func(mm.Design) (*explore.Program, error)) func(string) (*explore.Program, error) {
	return func(design string) (*explore.Program, error) {
		d, err := mm.ParseDesign(design)
		if err != nil {
			return nil, err
		}
		return f(d)
	}
}

// Find is the scenario of that name.
func Find(name string) (Scenario, error) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, schema.Unknown("scenario", name, Names())
}

// Names lists the names of all scenarios.
func Names() (names []string) {
	for _, s := range Scenarios() {
		names = append(names, s.Name)
	}
	return names
}
