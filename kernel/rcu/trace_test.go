package rcu_test

import (
	"fmt"
	"testing"

	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// A Tasks-Trace grace period waits for the sections in progress, of tasks that
// run and of tasks that sleep inside, nested or not; and for no others.
func TestTasksTraceWaitsForReaders(t *testing.T) {
	for _, tasks := range []int{2, 5, 20} {
		for seed := range uint64(max(80/tasks, 2)) {
			traceGracePeriods(t, newWorld(tasks, upTo(tasks)), seed)
		}
	}
	for seed := range uint64(20) {
		traceGracePeriods(t, newCrowd(3, 9), seed)
	}
}

func traceGracePeriods(t *testing.T, w *world, seed uint64) {
	t.Helper()
	tasks := w.Sched.Tasks()
	g := &readers{inside: make([]int, tasks)}
	left, callbacks := min(tasks, 2), 0
	cb := w.RCU.Register("test", func(*sim.CPU, sim.Ptr) { callbacks++ })
	head := w.Arena.Bytes(rcu.HeadBytes, 64, nil)
	m := simtest.New(w.mem, simtest.Options{Seed: seed})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i%w.Sched.CPUs(), func(c *sim.CPU) {
			for k := 0; k < 4 && i < 2 || i >= 2 && left > 0; k++ {
				r := sim.NewRand(seed, uint64(i), uint64(k))
				w.RCU.TraceReadLock(c)
				g.enter(i)
				pause(w, c, &r)
				w.RCU.TraceReadLock(c)
				pause(w, c, &r)
				w.RCU.TraceReadUnlock(c)
				g.leave(i)
				w.RCU.TraceReadUnlock(c)
				if i >= 2 {
					pause(w, c, &r)
					continue
				}
				before := append([]int(nil), g.inside...)
				w.RCU.SynchronizeTasksTrace(c)
				for j, s := range before {
					if s != 0 && g.inside[j] == s {
						t.Errorf("%d tasks, seed %d: returned while task %d is in a section older than the call", tasks, seed, j)
					}
				}
			}
			if i == 0 {
				w.RCU.CallRCUTasksTrace(c, head, cb)
				for callbacks == 0 {
					c.Think(c.Now() + sim.Microsecond)
				}
			}
			if i < 2 {
				left--
			}
		})
	}
	if err := m.Run(); err != nil {
		t.Fatal(tasks, err)
	}
	for i := range tasks {
		task := w.Sched.Task(sim.TaskID(i))
		if n := w.mem.Read(task.F(sched.TaskTrcNesting).A, 4); n != 0 {
			t.Errorf("task %d is left with nesting %#x", i, n)
		}
		if n := w.mem.Read(task.F(sched.TaskTrcSpecial).A, 1); n != 0 {
			t.Errorf("task %d is left in a list of blocked readers", i)
		}
	}
}

// pause computes, goes to user mode, or sleeps.
func pause(w *world, c *sim.CPU, r *sim.Rand) {
	switch r.Below(3) {
	case 0:
		c.Compute(1)
	case 1:
		c.Think(c.Now() + r.TimeBelow(20*sim.Microsecond))
	case 2:
		w.Sched.SetCurrentState(c, sched.Uninterruptible)
		w.Sched.ScheduleTimeout(c, r.TimeBelow(20*sim.Microsecond), waitTest)
	}
}

// A reader asleep in its section holds a Tasks-Trace grace period up and no
// other, and a reader that came later does not.
func TestWhoHoldsUpATasksTraceGracePeriod(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(3, upTo(3))
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		asleep, synced, left := false, false, false
		m.Go("sleeper", 0, func(c *sim.CPU) {
			w.RCU.TraceReadLock(c)
			asleep = true
			w.Sched.SetCurrentState(c, sched.Uninterruptible)
			w.Sched.ScheduleTimeout(c, 300*sim.Microsecond, waitTest)
			left = true
			w.RCU.TraceReadUnlock(c)
		})
		m.Go("updater", 1, func(c *sim.CPU) {
			for !asleep {
				c.Compute(1)
			}
			w.RCU.Synchronize(c)
			if left {
				t.Errorf("seed %d: RCU waited for a Tasks-Trace reader", seed)
			}
			w.RCU.SynchronizeTasksTrace(c)
			if !left {
				t.Errorf("seed %d: did not wait for the sleeping reader", seed)
			}
			synced = true
		})
		m.Go("late reader", 2, func(c *sim.CPU) {
			c.Think(100 * sim.Microsecond)
			w.RCU.TraceReadLock(c)
			for !synced {
				c.Think(c.Now() + sim.Microsecond)
			}
			w.RCU.TraceReadUnlock(c)
		})
		simtest.Run(t, m)
	}
}

// An IPI that comes while the reader leaves its section, at whatever operation,
// does not make the grace period wait for the next section, which never comes.
func TestTasksTraceIPIDuringUnlock(t *testing.T) {
	ipi := traceSection(t, sim.Millisecond)
	for at := ipi - 50*sim.Nanosecond; at < ipi+20*sim.Nanosecond; at += sim.Nanosecond {
		traceSection(t, at)
	}
}

// traceSection runs one grace period against one short section at the given
// time, and returns when the reader's CPU was interrupted.
func traceSection(t *testing.T, at sim.Time) (ipi sim.Time) {
	t.Helper()
	w := newWorld(2, upTo(2))
	synced := false
	var m *simtest.Machine
	m = simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		if o.Kind == "ipi" && o.Value == 1 && ipi == 0 {
			ipi = m.Elapsed()
		}
	}})
	m.Kernel(w.Hooks())
	m.Go("updater", 0, func(c *sim.CPU) {
		w.RCU.SynchronizeTasksTrace(c)
		synced = true
	})
	m.Go("reader", 1, func(c *sim.CPU) {
		c.Think(at)
		w.RCU.TraceReadLock(c)
		w.RCU.TraceReadUnlock(c)
		for k := 0; !synced; k++ {
			c.Think(c.Now() + sim.Microsecond)
			if k == 5000 {
				t.Fatalf("a section at %v, with an IPI at %v, holds the grace period up for ever", at, ipi)
			}
		}
	})
	simtest.Run(t, m)
	return ipi
}
