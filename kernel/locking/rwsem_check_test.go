package locking_test

import (
	"fmt"
	"testing"

	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// Bits of the count word and offsets of struct rwsem_waiter, as the fact sheet
// has them.
const (
	writerLocked = 1
	waiters      = 2
	handoff      = 4
	readerBias   = 1 << 8

	waiterTaskOff    = 16
	waiterHandoffOff = 40
)

// Bits of thread_info.flags.
const (
	sigPending  = 2
	needResched = 3
)

// semCheck watches every operation on the rwsem of a world and checks what the
// lock's words promise (locks-and-barriers.md section 19, items 1 to 3).
type semCheck struct {
	*world
	t              *testing.T
	seed           uint64
	base           sim.Addr // of the rw_semaphore
	prev           uint64   // count before the operation
	readerHandoffs int
	writerHandoffs int
	writes         int64
	writerSteals   int // by spinners, past queued waiters
	osqEntries     int
	nonspinnable   int
	maxReaders     uint64
	parks          int
	parkedAt       map[sim.TaskID]sim.Time // the last sleep of each task
	handoffAt      sim.Time
	cleared        int  // how often NONSPINNABLE was taken back
	promised       bool // no waiter gives up: a handoff has its waiter
	m              *simtest.Machine
}

func newCheck(t *testing.T, tasks int, seed uint64, o *locking.RWSemOptions) *semCheck {
	w := newWorldWith(tasks, o)
	return &semCheck{world: w, t: t, seed: seed, base: w.count.A - 128,
		parkedAt: map[sim.TaskID]sim.Time{}}
}

func (s *semCheck) word(off sim.Addr, size sim.Size) uint64 { return s.mem.Read(s.base+off, size) }

func (s *semCheck) countWord() uint64 { return s.word(0, 8) }

// firstWaiter is the address of the first rwsem_waiter; 0 if there is none.
func (s *semCheck) firstWaiter() sim.Addr {
	if n := sim.Addr(s.word(24, 8)); n != s.base+24 && n != 0 {
		return n
	}
	return 0
}

// observe is the machine's trace function.
func (s *semCheck) observe(o simtest.Op) {
	switch {
	case o.Kind == "sleep":
		s.parks++
		s.parkedAt[o.Task] = s.m.Elapsed()
	case o.Ref.A == s.base:
		s.countChanged(o)
	case o.Ref.A == s.base+8 && o.Kind == "cmpxchg" && o.Value&2 != 0:
		s.nonspinnable++
	case o.Ref.A == s.base+8 && o.Kind == "and":
		s.cleared++
	case o.Ref.A == s.base+16 && o.Kind == "xchg":
		s.osqEntries++
	case o.Ref.A == s.base+20 && o.Kind == "store" && o.Order == sim.Release:
		s.unlocked()
	}
}

// unlocked checks the count word at a release of wait_lock.
func (s *semCheck) unlocked() {
	v, first := s.countWord(), s.firstWaiter()
	if (v&waiters != 0) != (first != 0) {
		s.t.Errorf("seed %d: count %#x with first waiter %#x", s.seed, v, uint64(first))
	}
	if v&handoff != 0 && v&waiters == 0 {
		s.t.Errorf("seed %d: count %#x: handoff without waiters", s.seed, v)
	}
	if s.promised && v&handoff != 0 && s.mem.Read(first+waiterHandoffOff, 1) == 0 {
		s.t.Errorf("seed %d: the first waiter does not know of its handoff", s.seed)
	}
}

func (s *semCheck) countChanged(o simtest.Op) {
	v, old := s.countWord(), s.prev
	s.prev = v
	switch {
	case v == old:
	case v&^old&handoff != 0 && o.Kind == "cmpxchg":
		s.writerHandoffs++
		s.handoffAt = s.m.Elapsed()
	case v&^old&handoff != 0:
		s.readerHandoffs++
	case v&^old&writerLocked != 0:
		s.writeAcquired(o, old)
	}
	if v&writerLocked == 0 {
		s.maxReaders = max(s.maxReaders, v/readerBias)
	}
}

// writeAcquired: a writer came in where count was old. While the first waiter
// is promised the lock nobody else may.
func (s *semCheck) writeAcquired(o simtest.Op, old uint64) {
	s.writes++
	if old/readerBias != 0 {
		s.t.Errorf("seed %d: a writer came in over readers: count was %#x", s.seed, old)
	}
	me, first := uint64(s.Sched.Task(o.Task).A), s.firstWaiter()
	if old&waiters == 0 || first == 0 {
		return
	}
	queued := s.mem.Read(first+waiterTaskOff, 8) == me
	if !queued && s.mem.Read(first+waiterHandoffOff, 1) != 0 && old&handoff != 0 {
		s.t.Errorf("seed %d: %d stole the lock from a waiter that was promised it", s.seed, o.Task)
	}
	if !queued && o.Kind == "cmpxchg" {
		s.writerSteals++
	}
}

// run runs body on every task and checks that the lock is idle at the end.
func (s *semCheck) run(tasks int, boot bool, body func(c *sim.CPU, i int)) {
	s.t.Helper()
	m := simtest.New(s.mem, simtest.Options{Seed: s.seed, Syms: s.syms, Trace: s.observe})
	s.m = m
	m.Kernel(s.Hooks())
	if !boot {
		m.Boot(nil) // no ticks
	}
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) { body(c, i) })
	}
	simtest.Run(s.t, m)
	if v := s.countWord(); v != 0 || s.firstWaiter() != 0 || s.word(16, 4) != 0 || s.word(20, 4) != 0 {
		s.t.Errorf("seed %d: not idle afterwards: count %#x, first waiter %#x, osq %#x, wait_lock %#x",
			s.seed, v, uint64(s.firstWaiter()), s.word(16, 4), s.word(20, 4))
	}
	s.annotated(tasks)
}

// annotated checks that the lock statistics were told what happened: nothing
// held or awaited at the end, and every write acquisition seen.
func (s *semCheck) annotated(tasks int) {
	s.t.Helper()
	for slot := range tasks {
		held, awaited := s.m.Locks.HeldBy(slot), s.m.Locks.AwaitedBy(slot)
		if len(held)+len(awaited) > 0 {
			s.t.Errorf("seed %d: task %d holds %v and waits for %v at the end", s.seed, slot, held, awaited)
		}
	}
	writes := int64(0)
	for _, r := range s.m.Locks.Results(s.m.Elapsed()) {
		if r.Class == "object.rwsem.count" {
			writes += r.Modes[sim.Exclusive].Acquired
		}
	}
	if writes != s.writes {
		s.t.Errorf("seed %d: %d write acquisitions, %d were noted", s.seed, s.writes, writes)
	}
	for _, o := range s.m.Locks.Orders() {
		s.t.Errorf("seed %d: lock order: %v", s.seed, o)
	}
}

// mark sets a bit in a task's flags, as an interrupt or another CPU would.
func (s *semCheck) mark(c *sim.CPU, task int, bit uint) {
	c.SetBit(s.Sched.Task(sim.TaskID(task)).F(sched.TaskFlags), bit)
}

// unmark clears a bit of the current task's flags.
func (s *semCheck) unmark(c *sim.CPU, bit uint) {
	c.ClearBit(s.Sched.Current(c).F(sched.TaskFlags), bit)
}

// options are the kernel's, with a handoff after the given time.
func options(timeout sim.Time) *locking.RWSemOptions {
	o := locking.DefaultRWSemOptions()
	o.HandoffTimeout = timeout
	return &o
}
