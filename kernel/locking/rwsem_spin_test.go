package locking_test

import (
	"testing"

	"mmsim/kernel/sched"
	"mmsim/sim"
)

var waitSpinTest = sim.NewWaitReason("test-wait")

// hold takes the lock for writing, says so and keeps it for d.
func (s *semCheck) hold(c *sim.CPU, d sim.Time) {
	s.rwsem.DownWrite(c)
	c.Store(s.copy, 1)
	c.Think(c.Now() + d)
	s.rwsem.UpWrite(c)
}

// afterHolder waits until some task holds the lock.
func (s *semCheck) afterHolder(c *sim.CPU) {
	c.SpinUntil(sim.Never, sim.Cond{Ref: s.copy, Test: sim.Ne})
}

// Writers spin while the holder runs: nobody sleeps. Without optimistic
// spinning they sleep and never touch the spinners' queue. Those who should
// reschedule do not spin either.
func TestRWSemWritersSpinOnRunningOwner(t *testing.T) {
	for _, tc := range []struct {
		name          string
		spin, resched bool
		sleepers      int
	}{{"spin", true, false, 0}, {"no spin", false, false, 3}, {"need_resched", true, true, 3}} {
		for seed := range uint64(seeds) {
			o := options(sim.Never)
			o.OptimisticSpin = tc.spin
			s := newCheck(t, 4, seed, o)
			s.run(4, false, func(c *sim.CPU, i int) {
				if i == 0 {
					s.hold(c, 20*sim.Microsecond)
					return
				}
				if tc.resched {
					s.mark(c, i, needResched)
				}
				s.afterHolder(c)
				s.rwsem.DownWrite(c)
				s.exclusive(t, c)
				s.rwsem.UpWrite(c)
			})
			// A sleeper may wake up to find the lock taken by the next one.
			if s.parks < tc.sleepers || tc.sleepers == 0 && s.parks > 0 {
				t.Errorf("%s, seed %d: %d sleeps", tc.name, seed, s.parks)
			}
			if (s.osqEntries > 0) != (tc.sleepers == 0) {
				t.Errorf("%s, seed %d: %d entered the spinners' queue", tc.name, seed, s.osqEntries)
			}
		}
	}
}

// A spinner goes to sleep when the writer that it spins on does.
func TestRWSemSpinnerStopsWhenOwnerSleeps(t *testing.T) {
	for seed := range uint64(seeds) {
		s := newCheck(t, 2, seed, options(sim.Never))
		s.run(2, false, func(c *sim.CPU, i int) {
			if i == 1 {
				s.afterHolder(c)
				s.rwsem.DownWrite(c)
				s.rwsem.UpWrite(c)
				return
			}
			s.rwsem.DownWrite(c)
			c.Store(s.copy, 1)
			c.SpinUntil(sim.Never, sim.Cond{Ref: sim.At(s.base).Ref(16, 4), Test: sim.Ne})
			s.Sched.SetCurrentState(c, sched.Uninterruptible)
			s.Sched.ScheduleTimeout(c, 50*sim.Microsecond, waitSpinTest)
			if s.parks != 2 {
				t.Errorf("seed %d: the spinner spun on a sleeping owner", seed)
			}
			s.rwsem.UpWrite(c)
		})
	}
}

// A writer spins on n readers for 10 us and half a microsecond for each, then
// says that they are not worth it; who comes later does not try. The last
// reader out clears the flag.
func TestRWSemReaderSpinLimit(t *testing.T) {
	for _, readers := range []int{1, 8, 40} {
		s := newCheck(t, readers+2, uint64(readers), options(sim.Never))
		var began [2]sim.Time
		s.run(readers+2, false, func(c *sim.CPU, i int) {
			switch i - readers {
			case 0:
				c.SpinUntil(sim.Never, sim.Cond{Ref: s.readers, Arg: uint64(readers)})
				began[0] = c.Now()
			case 1:
				c.Think(60 * sim.Microsecond)
				if s.word(8, 8)&2 == 0 {
					t.Error("the owner is not marked nonspinnable")
				}
				began[1] = c.Now()
			default:
				s.rwsem.DownRead(c)
				c.FetchAdd(s.readers, 1, sim.Relaxed)
				c.Think(100 * sim.Microsecond)
				s.rwsem.UpRead(c)
				return
			}
			s.rwsem.DownWrite(c)
			s.rwsem.UpWrite(c)
		})
		limit := 10*sim.Microsecond + sim.Time(min(readers, 30))*500*sim.Nanosecond
		first, second := s.parkedAt[sim.TaskID(readers)]-began[0], s.parkedAt[sim.TaskID(readers+1)]-began[1]
		if first < limit || first > limit+sim.Microsecond {
			t.Errorf("%d readers: the first writer slept after %v, want %v", readers, first, limit)
		}
		if second > sim.Microsecond || s.nonspinnable != 1 {
			t.Errorf("%d readers: the second writer slept after %v, the flag was set %d times", readers, second, s.nonspinnable)
		}
		if s.cleared != 1 {
			t.Errorf("%d readers: the flag was cleared %d times", readers, s.cleared)
		}
	}
}

// starve is one waiter against three writers that spin and steal, each holding
// the lock for 1 us at a time. It returns how long the waiter waited.
func starve(t *testing.T, seed uint64, timeout sim.Time, write bool) (waited sim.Time, s *semCheck) {
	const end = 60 * sim.Microsecond
	s = newCheck(t, 4, seed, options(timeout))
	s.promised = true
	s.run(4, false, func(c *sim.CPU, i int) {
		if i > 0 {
			for c.Now() < end {
				if s.parks > 0 {
					c.ClearBit(s.Sched.Task(0).F(sched.TaskFlags), needResched) // as its sleep would
				}
				s.hold(c, sim.Microsecond)
			}
			return
		}
		s.afterHolder(c)
		s.mark(c, 0, needResched) // to the queue at once
		begin := c.Now()
		if write {
			s.rwsem.DownWrite(c)
			s.rwsem.UpWrite(c)
		} else {
			s.rwsem.DownRead(c)
			s.rwsem.UpRead(c)
		}
		waited = c.Now() - begin
	})
	return waited, s
}

// With handoff a waiter gets the lock in spite of stealers: its time-out (4 us
// here, and up to one jiffy of 0.5 us), one hold until it is next woken and
// asks for the lock, and one hold until it has it. Without, stealers starve a
// writer. A reader is granted the lock by the releaser, which wins that race
// about every other time.
func TestRWSemHandoffBoundsWaiting(t *testing.T) {
	const bound = 4*sim.Microsecond + 500*sim.Nanosecond + 2*sim.Microsecond + sim.Microsecond/2
	for _, write := range []bool{false, true} {
		starved := 0
		for seed := range uint64(seeds) {
			d, s := starve(t, seed, 4*sim.Microsecond, write)
			if d > bound {
				t.Errorf("write %v, seed %d: waited for %v with handoff after 4 us", write, seed, d)
			}
			if d > 6*sim.Microsecond && s.readerHandoffs+s.writerHandoffs == 0 {
				t.Errorf("write %v, seed %d: no handoff in %v", write, seed, d)
			}
			if s.writerHandoffs > 0 && s.parkedAt[0] > s.handoffAt {
				t.Errorf("seed %d: the writer slept instead of spinning for the lock it was promised", seed)
			}
			if d, _ = starve(t, seed, sim.Never, write); d > 3*bound {
				starved++
			}
		}
		if write && starved < seeds/2 {
			t.Errorf("without handoff only %d of %d writers starve", starved, seeds)
		}
	}
}
