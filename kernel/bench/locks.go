package bench

import (
	"fmt"

	"mmsim/kernel"
	"mmsim/kernel/locking/kinds"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// MaxNest is how many locks a thread can take one inside the other.
const MaxNest = 8

// Steps of the benchmarks.
var (
	stepAcquire = sim.NewStep("acquire")
	stepSection = sim.NewStep("section")
	stepRelease = sim.NewStep("release")
	stepCount   = sim.NewStep("count")
	stepUpdate  = sim.NewStep("update")
)

// LockKinds lists the designs of path lock-bench: every kind of lock.
func LockKinds() []Variant {
	var out []Variant
	for _, k := range kinds.Kinds() {
		out = append(out, Variant{k.Name, k.Doc})
	}
	return out
}

// Locks are locks of one kind, each with the lines that it protects.
type Locks struct {
	sched      *sched.Scheduler
	locks      []kinds.Lock
	optimistic []kinds.Optimistic // the same locks, if their readers need not take them
	shared     []lines
	own        []lines
}

// NewLocks allocates the locks.
func NewLocks(b *kernel.Base, kind string, o kinds.Options, s Sizes) (*Locks, error) {
	l := &Locks{sched: b.Sched, own: ownLines(b, s)}
	make := kinds.New(b, o)
	for i := range s.Objects {
		k, err := make.Make(kind, fmt.Sprint(i))
		if err != nil {
			return nil, err
		}
		l.locks = append(l.locks, k)
		if k, ok := k.(kinds.Optimistic); ok {
			l.optimistic = append(l.optimistic, k)
		}
		l.shared = append(l.shared, newLines(b, "lock_data", fmt.Sprint(i), s.SharedLines, s.LineBytes))
	}
	return l, nil
}

// Len is the number of locks.
func (l *Locks) Len() int { return len(l.locks) }

// Do takes the locks from first on that nest says, does the section on
// what each protects, and gives them back in the opposite order. A reader of
// locks that are read optimistically takes none: it reads until no writer came
// in between. Like every loop of a kernel thread, the benchmarks offer to give
// up the CPU after each operation.
func (l *Locks) Do(c *sim.CPU, first int, nest Nest, m sim.LockMode, s *Section) {
	prev := c.Step(stepAcquire)
	if m == sim.Shared && l.optimistic != nil {
		for !l.tryRead(c, l.optimistic[first:first+max(1, nest.Locks)], first, s) {
			c.Step(stepAcquire)
		}
	} else {
		l.hold(c, first, nest, m, s)
	}
	c.Step(prev)
	l.sched.CondResched(c)
}

func (l *Locks) hold(c *sim.CPU, first int, nest Nest, m sim.LockMode, s *Section) {
	n := max(1, nest.Locks)
	for i := range n {
		l.locks[nest.at(first, i, n)].Lock(c, m)
	}
	l.section(c, first, n, m, s)
	for i := n - 1; i >= 0; i-- {
		l.locks[nest.at(first, i, n)].Unlock(c, m)
	}
}

// tryRead reports whether what the section read was of one state.
func (l *Locks) tryRead(c *sim.CPU, locks []kinds.Optimistic, first int, s *Section) bool {
	var seqs [MaxNest]uint64
	for i, k := range locks {
		seqs[i] = k.ReadBegin(c)
	}
	l.section(c, first, len(locks), sim.Shared, s)
	for i, k := range locks {
		if k.ReadRetry(c, seqs[i]) {
			return false
		}
	}
	return true
}

// section leaves the thread in the release step.
func (l *Locks) section(c *sim.CPU, first, nest int, m sim.LockMode, s *Section) {
	c.Step(stepSection)
	for i := first; i < first+nest; i++ {
		s.run(c, l.own[c.Task], l.shared[i], m)
	}
	c.Step(stepRelease)
}

// Written is the sum of the first words of the lines that lock i's writers
// write, for tests: each write section adds 1 to every one of them.
func (l *Locks) Written(c *sim.CPU, i, line int) uint64 { return c.Load(l.shared[i].word(line)) }
