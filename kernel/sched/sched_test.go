package sched_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

var waitTest = sim.NewWaitReason("test-wait")

var dataLayout = sim.NewLayout("data", 64, 64, sim.F("turn", 0, 8), sim.F("done", 8, 8))

type world struct {
	*kernel.Base
	mem        *sim.Memory
	turn, done sim.Ref
}

func newWorld(tasks int) *world {
	mem := sim.NewMemory()
	cpus := make([]int, tasks)
	for i := range cpus {
		cpus[i] = i
	}
	b := kernel.NewBase(mem, &sim.Symbols{}, kernel.Config{CPUs: tasks, TaskCPU: cpus, TickPeriod: 300 * sim.Nanosecond})
	d := b.Arena.Object(dataLayout, "")
	return &world{b, mem, d.F(dataLayout.Field("turn")), d.F(dataLayout.Field("done"))}
}

// waitFor is wait_event: set the state, look, sleep.
func (w *world) waitFor(c *sim.CPU, cond func() bool) {
	for {
		w.Sched.SetCurrentState(c, sched.Interruptible)
		if cond() {
			break
		}
		w.Sched.Schedule(c, waitTest)
	}
	w.Sched.SetRunning(c)
}

// Tasks pass a turn around, each asleep until the previous one wakes it: one
// lost wake-up and the run deadlocks.
func TestNoLostWakeup(t *testing.T) {
	const tasks, rounds = 4, 20
	for seed := range uint64(150) {
		w := newWorld(tasks)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		for i := range uint64(tasks) {
			m.Go(fmt.Sprintf("task%d", i), int(i), func(c *sim.CPU) {
				for k := range uint64(rounds) {
					w.waitFor(c, func() bool { return c.Load(w.turn) == k*tasks+i })
					c.Store(w.turn, k*tasks+i+1)
					w.Sched.WakeUp(c, w.Sched.Task(sim.TaskID((i+1)%tasks)))
				}
			})
		}
		simtest.Run(t, m)
	}
}

// All others wake one sleeper at once, some through wake queues, some from
// interrupt handlers; it must see each of their stores.
func TestConcurrentWakers(t *testing.T) {
	const tasks, rounds = 5, 15
	for seed := range uint64(100) {
		w := newWorld(tasks)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		sleeper := w.Sched.Task(0)
		m.Go("sleeper", 0, func(c *sim.CPU) {
			for seen := uint64(0); seen < (tasks-1)*rounds; {
				w.waitFor(c, func() bool { return c.Load(w.done) != seen })
				seen = c.Load(w.done)
			}
		})
		for i := 1; i < tasks; i++ {
			m.Go(fmt.Sprintf("waker%d", i), i, func(c *sim.CPU) {
				for range rounds {
					wake(c, w, sleeper, i)
				}
			})
		}
		simtest.Run(t, m)
	}
}

func wake(c *sim.CPU, w *world, p sim.Ptr, way int) {
	switch way {
	case 1:
		var q sched.WakeQ
		c.FetchAdd(w.done, 1, sim.Relaxed)
		q.Add(c, w.Sched, p)
		w.Sched.WakeUpQ(c, &q)
	case 2:
		var q sched.WakeQ
		c.FetchAdd(w.done, 1, sim.Relaxed)
		w.Sched.GetTask(c, p)
		q.AddSafe(c, w.Sched, p)
		w.Sched.WakeUpQ(c, &q)
	case 3:
		c.SendIPI(0, func(c *sim.CPU) {
			c.FetchAdd(w.done, 1, sim.Relaxed)
			w.Sched.WakeUp(c, p)
		})
	default:
		c.FetchAdd(w.done, 1, sim.Relaxed)
		w.Sched.WakeUp(c, p)
	}
}

// The test above finds what it looks for: a sleeper that tests the condition
// before it sets its state loses wake-ups.
func TestWrongOrderLosesWakeups(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(2)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		m.Go("sleeper", 0, func(c *sim.CPU) {
			for c.Load(w.turn) == 0 {
				w.Sched.SetCurrentState(c, sched.Interruptible)
				w.Sched.Schedule(c, waitTest)
			}
		})
		m.Go("waker", 1, func(c *sim.CPU) {
			c.Store(w.turn, 1)
			w.Sched.WakeUp(c, w.Sched.Task(0))
		})
		if err := m.Run(); err != nil {
			if !strings.Contains(err.Error(), "sleeper (cpu0, step user): sleeps (test-wait)") {
				t.Errorf("error does not name the sleeper:\n%v", err)
			}
			return
		}
	}
	t.Error("no schedule lost the wake-up")
}

// A wake queue wakes each of its tasks once, whoever else queues them.
func TestWakeQueue(t *testing.T) {
	const sleepers = 5
	for seed := range uint64(60) {
		w := newWorld(sleepers + 2)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		for i := range sleepers {
			m.Go(fmt.Sprintf("sleeper%d", i), i, func(c *sim.CPU) {
				w.waitFor(c, func() bool { return c.Load(w.turn) != 0 })
			})
		}
		for i := range 2 {
			m.Go(fmt.Sprintf("waker%d", i), sleepers+i, func(c *sim.CPU) {
				var q sched.WakeQ
				c.Store(w.turn, 1)
				for k := range sleepers {
					q.Add(c, w.Sched, w.Sched.Task(sim.TaskID((k+i)%sleepers)))
				}
				w.Sched.WakeUpQ(c, &q)
				if !q.Empty() {
					t.Error("the queue is not empty after the flush")
				}
			})
		}
		simtest.Run(t, m)
		for i := range sleepers {
			task := w.Sched.Task(sim.TaskID(i))
			if n := w.mem.Read(task.F(sched.TaskLayout.Field("usage")).A, 4); n != 1 {
				t.Errorf("seed %d: task %d has %d references afterwards, want 1", seed, i, n)
			}
			if n := w.mem.Read(task.F(sched.TaskLayout.Field("wake_q.next")).A, 8); n != 0 {
				t.Errorf("seed %d: task %d is still queued", seed, i)
			}
		}
	}
}

// A running task is not disturbed by a wake-up.
func TestWakeUpOfRunningTask(t *testing.T) {
	w := newWorld(2)
	m := simtest.New(w.mem, simtest.Options{})
	m.Kernel(w.Hooks())
	m.Go("waker", 0, func(c *sim.CPU) {
		if w.Sched.WakeUp(c, w.Sched.Task(1)) {
			t.Error("woke a running task")
		}
	})
	m.Go("runner", 1, func(c *sim.CPU) { c.SpinUntil(sim.Microsecond, sim.Cond{Ref: w.turn, Test: sim.Ne}) })
	simtest.Run(t, m)
}

// The tick comes once a period on a busy CPU and stops on an idle one.
func TestTick(t *testing.T) {
	w := newWorld(2)
	ticks := make([]int, 2)
	w.Sched.OnTick(func(c *sim.CPU, idle bool) bool {
		ticks[c.ID()]++
		return false
	})
	m := simtest.New(w.mem, simtest.Options{})
	m.Kernel(w.Hooks())
	m.Go("busy", 0, func(c *sim.CPU) {
		c.Think(30 * sim.Microsecond)
		c.Store(w.turn, 1)
		asleep := ticks[1]
		w.Sched.WakeUp(c, w.Sched.Task(1))
		c.Think(60 * sim.Microsecond)
		if asleep > 3 || ticks[1]-asleep < 50 {
			t.Errorf("%d ticks while idle, %d while busy", asleep, ticks[1]-asleep)
		}
	})
	m.Go("sleeper", 1, func(c *sim.CPU) {
		w.waitFor(c, func() bool { return c.Load(w.turn) != 0 })
		c.Think(90 * sim.Microsecond)
	})
	simtest.Run(t, m)
	if ticks[0] < 150 || ticks[0] > 310 {
		t.Errorf("%d ticks in 90 us of 300 ns each", ticks[0])
	}
}

func TestConfigErrors(t *testing.T) {
	for name, cfg := range map[string]kernel.Config{
		"no tick":       {CPUs: 1, TaskCPU: []int{0}},
		"no CPU for it": {CPUs: 2, TaskCPU: []int{1}, Allowed: [][]int{{0}}, TickPeriod: 1},
		"no such CPU":   {CPUs: 2, TaskCPU: []int{2}, TickPeriod: 1},
	} {
		func() {
			defer func() {
				if e := fmt.Sprint(recover()); !strings.HasPrefix(e, "sched: ") {
					t.Errorf("%s: %v", name, e)
				}
			}()
			kernel.NewBase(sim.NewMemory(), &sim.Symbols{}, cfg)
		}()
	}
}
