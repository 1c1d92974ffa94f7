package sched_test

import (
	"testing"

	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// A signal ends killable and interruptible sleeps, whenever it comes, and
// leaves uninterruptible ones alone.
func TestKill(t *testing.T) {
	for _, st := range []sched.State{sched.Killable, sched.Interruptible, sched.Uninterruptible} {
		for seed := range uint64(60) {
			w := newWorld(2)
			m := simtest.New(w.mem, simtest.Options{Seed: seed})
			m.Kernel(w.Hooks())
			m.Go("sleeper", 0, func(c *sim.CPU) {
				for {
					w.Sched.SetCurrentState(c, st)
					if c.Load(w.done) != 0 || w.Sched.SignalPendingState(c, st) {
						break
					}
					w.Sched.Schedule(c, waitTest)
				}
				w.Sched.SetRunning(c)
				if ended := c.Load(w.done) == 0; ended != (st != sched.Uninterruptible) {
					t.Errorf("state %#x, seed %d: sleep ended by the signal: %v", uint64(st), seed, ended)
				}
				c.Store(w.turn, 1)
			})
			m.Go("killer", 1, func(c *sim.CPU) {
				w.Sched.Kill(c, w.Sched.Task(0))
				if st == sched.Uninterruptible {
					c.Think(10 * sim.Microsecond)
					c.Store(w.done, 1)
					w.Sched.WakeUp(c, w.Sched.Task(0))
				}
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.turn, Test: sim.Ne})
			})
			simtest.Run(t, m)
		}
	}
}
