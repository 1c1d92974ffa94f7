package bench

import (
	"fmt"

	"mmsim/kernel"
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

// Locks are locks of one kind, each with the lines that it protects.
type Locks struct {
	locks  []lock
	shared []lines
	own    []lines
}

// NewLocks allocates the locks.
func NewLocks(b *kernel.Base, kind string, s Sizes) (*Locks, error) {
	l := &Locks{own: ownLines(b, s)}
	for i := range s.Objects {
		k, err := newLock(b, kind)
		if err != nil {
			return nil, err
		}
		l.locks = append(l.locks, k)
		l.shared = append(l.shared, newLines(b, "lock_data", fmt.Sprint(i), s.SharedLines, s.LineBytes))
	}
	return l, nil
}

// Len is the number of locks.
func (l *Locks) Len() int { return len(l.locks) }

// Do takes locks first to first+nest-1 in ascending order, does the section on
// what each protects, and gives them back in the opposite order.
func (l *Locks) Do(c *sim.CPU, first, nest int, m sim.LockMode, s *Section) {
	prev := c.Step(stepAcquire)
	for i := first; i < first+nest; i++ {
		l.locks[i].Lock(c, m)
	}
	l.section(c, first, nest, m, s)
	for i := first + nest - 1; i >= first; i-- {
		l.locks[i].Unlock(c, m)
	}
	c.Step(prev)
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
