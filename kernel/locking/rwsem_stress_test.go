package locking_test

import (
	"testing"

	"mmsim/sim"
)

// semTotals sums what the runs of a stress test came through.
type semTotals struct {
	readerHandoffs, writerHandoffs, writerSteals, parks, osq, nonspinnable, abandoned int
}

func (s *semTotals) add(k *semCheck, abandoned int) {
	s.readerHandoffs += k.readerHandoffs
	s.writerHandoffs += k.writerHandoffs
	s.writerSteals += k.writerSteals
	s.parks += k.parks
	s.osq += k.osqEntries
	s.nonspinnable += k.nonspinnable
	s.abandoned += abandoned
}

// killable is one section that a signal may keep the task out of.
func (s *semCheck) killable(c *sim.CPU, way uint64) (held bool) {
	switch way {
	case 0:
		if held = s.rwsem.DownReadKillable(c); held {
			s.shared(s.t, c)
			s.rwsem.UpRead(c)
		}
	case 1:
		if held = s.rwsem.DownReadInterruptible(c); held {
			s.shared(s.t, c)
			s.rwsem.UpRead(c)
		}
	default:
		if held = s.rwsem.DownWriteKillable(c); held {
			s.exclusive(s.t, c)
			s.rwsem.UpWrite(c)
		}
	}
	return held
}

// stress runs readers and writers in every mixture on tasks-1 CPUs; the last
// task asks random others to reschedule (so that they sleep instead of
// spinning) and sends them signals.
func stress(t *testing.T, tasks, rounds int, seed uint64, sum *semTotals, timeout sim.Time, spin bool) {
	t.Helper()
	o := options(timeout)
	o.OptimisticSpin = spin
	o.ReaderSpin, o.ReaderSpinEach = 30*sim.Nanosecond, 5*sim.Nanosecond
	s, abandoned := newCheck(t, tasks, seed, o), 0
	body := func(c *sim.CPU, i int) {
		for k := range uint64(rounds) {
			r := sim.NewRand(seed, uint64(i), k)
			if i == tasks-1 {
				victim := int(r.Below(uint64(tasks - 1)))
				if r.Below(2) == 0 {
					s.mark(c, victim, needResched)
				} else {
					s.Sched.Kill(c, s.Sched.Task(sim.TaskID(victim)))
				}
				continue
			}
			if way := r.Below(9); way < 6 {
				s.mixed(t, c, way)
			} else if !s.killable(c, way-6) {
				abandoned++
				s.unmark(c, sigPending)
			}
			if r.Below(4) == 0 {
				s.unmark(c, needResched)
			}
		}
	}
	s.run(tasks, tasks < 16, body)
	sum.add(s, abandoned)
}

// Readers and writers in every mixture, with sleepers, spinners, stealers,
// handoffs and signals: exclusion, the words' invariants, and no lost wake-up
// (which is a deadlock).
func TestRWSemStress(t *testing.T) {
	var sum semTotals
	for _, tasks := range []int{3, 5, 9} {
		for seed := range uint64(150) {
			stress(t, tasks, 12, seed, &sum, sim.Time(seed%3)*sim.Microsecond, seed%4 != 0)
		}
	}
	stress(t, 65, 6, 1, &sum, sim.Microsecond, true)
	stress(t, 256, 4, 2, &sum, sim.Microsecond, true)
	stress(t, 256, 4, 3, &sum, sim.Microsecond, false)
	for name, n := range map[string]int{"reader handoffs": sum.readerHandoffs, "writer handoffs": sum.writerHandoffs,
		"writers that stole": sum.writerSteals, "sleeps": sum.parks, "spinners": sum.osq,
		"spinners that gave readers up": sum.nonspinnable, "ended by a signal": sum.abandoned} {
		if n < 20 {
			t.Errorf("not exercised: %d %s", n, name)
		}
	}
	t.Logf("%+v", sum)
}
