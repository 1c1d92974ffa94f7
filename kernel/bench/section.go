// Package bench holds the benchmarks that a lock's user would load as kernel
// modules (locktorture, refscale): critical sections under one of the kernel's
// locks, shared counters, and readers of an object that is replaced under them.
// Everything they touch is in simulated memory.
package bench

import (
	"mmsim/kernel"
	"mmsim/sim"
)

// Section says what is done between taking a lock and giving it back.
type Section struct {
	OwnLines     int        // lines of the thread's own that are loaded and stored
	SharedReads  int        // lines of what the lock protects that are loaded
	SharedWrites int        // lines of it that are loaded and stored; readers only load them
	Hold         sim.Cycles // computed inside, beyond the accesses
}

// Nest says which locks a thread takes one inside the other.
type Nest struct {
	Locks      int  // how many neighbours; 0 is one
	Descending bool // the last one first
}

// at is the i-th lock to take, counted from first, of n.
func (x Nest) at(first, i, n int) int {
	if x.Descending {
		return first + n - 1 - i
	}
	return first + i
}

// MaxLines bounds each count of lines of a Section.
const MaxLines = 256

// Sizes are the numbers that a benchmark's memory is laid out for: the most
// that any thread touches.
type Sizes struct {
	Objects   int // locks, counters or references to choose among
	LineBytes int // of the machine
	OwnLines  int
	// SharedLines are those of one object.
	SharedLines int
}

// lines is an array of cache lines of which the first word of each is used.
type lines struct {
	at     sim.Ptr
	stride uint64
}

// newLines allocates n lines, in reports one array field of a struct.
func newLines(b *kernel.Base, structName, name string, n, lineBytes int) lines {
	bytes := uint32(max(1, n) * lineBytes)
	l := sim.NewLayout(structName, bytes, uint32(lineBytes), sim.Arr("word", 0, 8, uint16(bytes/8)))
	return lines{b.Arena.Object(l, name), uint64(lineBytes)}
}

func (l lines) word(i int) sim.Ref { return l.at.Ref(uint64(i)*l.stride, 8) }

// bump loads and stores the first word of lines from to from+n-1. It is no
// atomic: what protects the lines must keep others out.
func (l lines) bump(c *sim.CPU, from, n int) {
	for i := from; i < from+n; i++ {
		c.Store(l.word(i), c.Load(l.word(i))+1)
	}
}

// read loads the first word of lines from to from+n-1.
func (l lines) read(c *sim.CPU, from, n int) {
	for i := from; i < from+n; i++ {
		c.Load(l.word(i))
	}
}

// ownLines are the lines that each task has for itself, by task number.
func ownLines(b *kernel.Base, s Sizes) []lines {
	var own []lines
	for range b.Sched.Tasks() {
		own = append(own, newLines(b, "thread_data", "", s.OwnLines, s.LineBytes))
	}
	return own
}

// run is the section's work on the calling task's own lines and on shared
// ones: written lines first, then those that are read.
func (s *Section) run(c *sim.CPU, own, shared lines, m sim.LockMode) {
	own.bump(c, 0, s.OwnLines)
	if m == sim.Exclusive {
		shared.bump(c, 0, s.SharedWrites)
	} else {
		shared.read(c, 0, s.SharedWrites)
	}
	shared.read(c, s.SharedWrites, s.SharedReads)
	if s.Hold > 0 {
		c.Compute(s.Hold)
	}
}
