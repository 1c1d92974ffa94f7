package locking_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel/sched"
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

// A lone reader steals the lock past queued writers and takes queued readers
// along; where readers hold it, a reader queues (section 2.3, steps 1 and 2).
func TestRWSemReaderSteals(t *testing.T) {
	for _, tc := range []struct {
		name         string
		count, owner uint64
		steals       bool
	}{
		{"free, writers queued", waiters, 0, true},
		{"held by a reader whose hint is gone", waiters + readerBias, 0, true},
		{"held by a reader", waiters + readerBias, 1, false},
		{"handoff", waiters + handoff, 0, false},
		{"written", waiters + writerLocked, 0, false},
	} {
		w := newWorld(1)
		count := sim.At(w.count.A-128).Ref(0, 8)
		m := simtest.New(w.mem, simtest.Options{})
		m.Go("reader", 0, func(c *sim.CPU) {
			c.Store(count, tc.count)
			c.Store(sim.At(count.A).Ref(8, 8), tc.owner)
			w.Sched.Kill(c, w.Sched.Task(0)) // who has to queue comes back at once
			w.rwsem.DownReadKillable(c)
		})
		simtest.Run(t, m)
		if steals := m.Counts[sim.NewCounter("lock_waits")] == 0; steals != tc.steals {
			t.Errorf("%s: steals %v, want %v", tc.name, steals, tc.steals)
		}
	}
}

// The contended sequences of sections 2.3, 2.4 and 2.6, by the operations of
// one task on the lock's own words.
func TestRWSemContendedSequences(t *testing.T) {
	s := newCheck(t, 2, 0, options(sim.Never))
	ops := make([][]string, 2)
	m := simtest.New(s.mem, simtest.Options{Trace: func(o simtest.Op) {
		f := s.syms.Lookup(o.Ref.A).Field
		if o.Ref.A != 0 && o.Task >= 0 && strings.HasPrefix(f, "rwsem.") && !strings.HasPrefix(f, "rwsem.wait_list") {
			op := o.Kind
			if o.Order != sim.Relaxed {
				op += "." + o.Order.String()
			}
			ops[o.Task] = append(ops[o.Task], op+" "+strings.TrimPrefix(f, "rwsem."))
		}
	}})
	m.Go("holder", 0, func(c *sim.CPU) {
		s.rwsem.DownWrite(c)
		c.Store(s.copy, 1)
		c.Think(50 * sim.Microsecond)
		ops[0] = nil
		s.rwsem.UpWrite(c)
	})
	m.Go("reader", 1, func(c *sim.CPU) {
		s.afterHolder(c)
		s.rwsem.DownRead(c)
		s.Sched.SetRunning(c)
	})
	simtest.Run(t, m)
	lock, unlock := "cmpxchg.acquire wait_lock", "store.release wait_lock"
	for i, want := range [][]string{
		{"store owner", "add.release count", lock, "load count", "add.full count", "load owner", "store owner",
			"load count", "add count", unlock},
		{"add.acquire count", "load owner", lock, "load count", "add.full count", unlock},
	} {
		if fmt.Sprint(ops[i]) != fmt.Sprint(want) {
			t.Errorf("task %d:\n got %s\nwant %s", i, strings.Join(ops[i], "; "), strings.Join(want, "; "))
		}
	}
	if st := sched.State(s.mem.Read(s.Sched.Task(1).F(sched.TaskLayout.Field("__state")).A, 4)); st != sched.Running {
		t.Errorf("the reader's state is %#x", uint64(st))
	}
}

// A trylock neither waits nor writes where it fails: whoever holds the lock,
// waits for it or was promised it.
func TestRWSemTrylockNeverWaits(t *testing.T) {
	for _, tc := range []struct {
		count       uint64
		read, write bool
	}{
		{0, true, true},
		{readerBias, true, false},
		{writerLocked, false, false},
		{waiters, false, false},
		{waiters + handoff, false, false},
		{waiters + readerBias, false, false},
	} {
		for _, try := range []string{"read", "write"} {
			w := newWorld(1)
			count, wrote := sim.At(w.count.A-128).Ref(0, 8), 0
			m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
				switch {
				case o.Kind == "spin" || o.Kind == "park" || o.Kind == "relax":
					t.Errorf("try%s at %#x waits", try, tc.count)
				case o.Kind != "load" && o.Order != sim.ThisCPU:
					wrote++
				}
			}})
			c := sim.NewDirect(w.mem)
			c.Store(count, tc.count)
			got, want, allowed := false, tc.read, 0
			m.Go("task", 0, func(c *sim.CPU) {
				if try == "read" {
					got = w.rwsem.DownReadTrylock(c)
					return
				}
				// A failed cmpxchg takes the line, but leaves the word as it was.
				got, want, allowed = w.rwsem.DownWriteTrylock(c), tc.write, 1
			})
			simtest.Run(t, m)
			word := c.Load(count)
			if got != want || !got && (word != tc.count || wrote > allowed) {
				t.Errorf("try%s at %#x: %v with %d operations that write, count is %#x", try, tc.count, got, wrote, word)
			}
		}
	}
}
