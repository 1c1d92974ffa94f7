package locking_test

import (
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// One release grants at most 256 readers (MAX_READERS_WAKEUP); the others
// follow when these are through.
func TestRWSemWakesAtMost256Readers(t *testing.T) {
	const readers = 300
	s := newCheck(t, readers+1, 5, options(sim.Never))
	inside := uint64(0)
	s.run(readers+1, false, func(c *sim.CPU, i int) {
		if i == readers {
			s.rwsem.DownWrite(c)
			c.Store(s.copy, 1)
			c.Think(sim.Millisecond)
			if s.parks != readers {
				t.Errorf("%d of %d readers sleep", s.parks, readers)
			}
			s.rwsem.UpWrite(c)
			return
		}
		s.afterHolder(c)
		s.rwsem.DownRead(c)
		c.FetchAdd(s.readers, 1, sim.Relaxed)
		c.SpinUntil(c.Now()+sim.Millisecond, sim.Cond{Ref: s.readers, Arg: readers})
		inside = max(inside, c.Load(s.readers))
		s.rwsem.UpRead(c)
	})
	if s.maxReaders != 256 {
		t.Errorf("%d readers held the lock together, want 256", s.maxReaders)
	}
}

// waitKillable is one of the waits that a fatal signal ends.
func (s *semCheck) waitKillable(c *sim.CPU, write bool) bool {
	if write {
		return s.rwsem.DownWriteKillable(c)
	}
	return s.rwsem.DownReadKillable(c)
}

// A fatal signal takes a waiter out of the queue while the lock is held; who
// waits behind it still gets the lock. Uninterruptible waiters stay.
func TestRWSemKilledWaiterLeavesTheQueue(t *testing.T) {
	for _, write := range []bool{false, true} {
		for seed := range uint64(seeds) {
			s := newCheck(t, 3, seed, options(sim.Never))
			s.run(3, false, func(c *sim.CPU, i int) {
				s.mark(c, i, needResched) // nobody spins
				switch i {
				case 0:
					s.rwsem.DownWrite(c)
					c.Store(s.copy, 1)
					c.Think(20 * sim.Microsecond)
					s.Sched.Kill(c, s.Sched.Task(1))
					s.Sched.Kill(c, s.Sched.Task(2))
					c.SpinUntil(sim.Never, sim.Cond{Ref: s.copy, Arg: 2})
					if !s.rwsem.IsContended(c) {
						t.Error("the uninterruptible waiter has left as well")
					}
					s.rwsem.UpWrite(c)
				case 1:
					s.afterHolder(c)
					if s.waitKillable(c, write) {
						t.Errorf("seed %d: got a lock that is held", seed)
					}
					c.Store(s.copy, 2)
				case 2:
					c.Think(10 * sim.Microsecond) // behind task 1
					s.rwsem.DownWrite(c)
					s.rwsem.UpWrite(c)
				}
			})
		}
	}
}

// The first waiter, a writer, gives up; readers behind it may go in, as the
// lock is held by a reader.
func TestRWSemKilledWriterLetsReadersIn(t *testing.T) {
	for seed := range uint64(seeds) {
		s := newCheck(t, 3, seed, options(sim.Never))
		s.run(3, false, func(c *sim.CPU, i int) {
			s.mark(c, i, needResched)
			switch i {
			case 0:
				s.rwsem.DownRead(c)
				c.Store(s.copy, 1)
				c.Think(20 * sim.Microsecond)
				s.Sched.Kill(c, s.Sched.Task(1))
				c.SpinUntil(sim.Never, sim.Cond{Ref: s.readers, Arg: 1})
				s.rwsem.UpRead(c)
			case 1:
				s.afterHolder(c)
				if s.rwsem.DownWriteKillable(c) {
					t.Errorf("seed %d: wrote with a reader inside", seed)
				}
			case 2:
				c.Think(10 * sim.Microsecond) // behind the writer
				s.rwsem.DownRead(c)
				c.FetchAdd(s.readers, 1, sim.Relaxed)
				s.rwsem.UpRead(c)
			}
		})
	}
}

// A lone reader steals the lock past queued writers, and looks for queued
// readers to take along; where readers hold it, a reader queues (section 2.3,
// steps 1 and 2).
func TestRWSemReaderSteals(t *testing.T) {
	for _, tc := range []struct {
		name          string
		count, owner  uint64
		steals, looks bool
	}{
		{"free, waiters", waiters, 0, true, true},
		{"held by a reader whose hint is gone", waiters + readerBias, 0, true, false},
		{"held by a reader", waiters + readerBias, 1, false, true},
		{"handoff", waiters + handoff, 0, false, true},
		{"written", waiters + writerLocked, 0, false, true},
	} {
		w := newWorld(1)
		count, looks := sim.At(w.count.A-128).Ref(0, 8), false
		m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
			looks = looks || o.Ref.A == count.A+20 // wait_lock
		}})
		m.Kernel(w.Hooks())
		m.Boot(nil) // no ticks
		m.Go("reader", 0, func(c *sim.CPU) {
			c.Store(count, tc.count)
			c.Store(sim.At(count.A).Ref(8, 8), tc.owner)
			w.Sched.Kill(c, w.Sched.Task(0)) // who has to queue comes back at once
			w.rwsem.DownReadKillable(c)
		})
		simtest.Run(t, m)
		steals := m.Counts[sim.NewCounter("lock_waits")] == 0
		if steals != tc.steals || looks != tc.looks {
			t.Errorf("%s: steals %v, looks at the queue %v; want %v, %v", tc.name, steals, looks, tc.steals, tc.looks)
		}
	}
}

// A downgraded lock is held for reading: others read beside it, and the lock
// statistics know.
func TestRWSemDowngradedHolderReads(t *testing.T) {
	s := newCheck(t, 1, 0, options(sim.Never))
	s.run(1, false, func(c *sim.CPU, _ int) {
		s.rwsem.DownWrite(c)
		s.rwsem.DowngradeWrite(c)
		held := s.m.Locks.HeldBy(c.Slot)
		if len(held) != 1 || held[0].Mode != sim.Shared || !s.rwsem.IsLocked(c) || s.rwsem.IsWriteLocked(c) {
			t.Errorf("after the downgrade: %v, count %#x", held, s.countWord())
		}
		if !s.rwsem.DownReadTrylock(c) {
			t.Error("no second reader beside a downgraded holder")
		}
		s.rwsem.UpRead(c)
		s.rwsem.UpRead(c)
	})
}
