package sched_test

import (
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// free is a kernel whose tasks start on CPU 0 and may run on every CPU.
func free(cpus, tasks int) kernel.Config {
	cfg := kernel.Config{CPUs: cpus, TickPeriod: 300 * sim.Nanosecond, Slice: sim.Microsecond, TaskCPU: make([]int, tasks)}
	for range tasks {
		var all []int
		for cpu := range cpus {
			all = append(all, cpu)
		}
		cfg.Allowed = append(cfg.Allowed, all)
	}
	return cfg
}

// Tasks that all start on one CPU end up on all of them: idle CPUs pull those
// that wait.
func TestIdleCPUsPull(t *testing.T) {
	for seed := range uint64(40) {
		const cpus = 4
		k := newCrowd(t, free(cpus, cpus), seed)
		k.run(func(c *sim.CPU, i int) {
			for range 300 {
				c.Compute(1)
			}
		})
		used := map[int]bool{}
		for _, on := range k.ran {
			for cpu := range on {
				used[cpu] = true
			}
		}
		if len(used) < cpus {
			t.Errorf("seed %d: only %d of %d CPUs were used by %d tasks", seed, len(used), cpus, cpus)
		}
	}
}

// A CPU whose task goes to sleep takes one that waits elsewhere.
func TestNewIdleBalance(t *testing.T) {
	for seed := range uint64(40) {
		cfg := free(2, 3)
		cfg.Allowed[0], cfg.Allowed[1], cfg.TaskCPU[1] = []int{0}, []int{1}, 1
		cfg.Preempt = sched.None
		k := newCrowd(t, cfg, seed)
		k.run(func(c *sim.CPU, i int) {
			switch i {
			case 0: // keeps CPU 0 in the kernel
				c.SpinUntil(sim.Never, sim.Cond{Ref: k.done, Test: sim.Ne})
			case 1:
				c.Think(c.Now() + sim.Microsecond)
				k.waitFor(c, func() bool { return c.Load(k.done) != 0 })
			case 2: // waits behind task 0
				c.Store(k.done, 1)
				k.Sched.WakeUp(c, k.Sched.Task(1))
			}
		})
		if len(k.ran[2]) != 1 || !k.ran[2][1] {
			t.Errorf("seed %d: the waiting task ran on %v", seed, k.ran[2])
		}
	}
}

// A woken task goes to an idle CPU when its own is busy.
func TestWakeUpFindsAnIdleCPU(t *testing.T) {
	for seed := range uint64(40) {
		cfg := free(3, 3)
		cfg.Allowed[1], cfg.Allowed[2], cfg.TaskCPU[2] = []int{0}, []int{1}, 1
		k := newCrowd(t, cfg, seed)
		var on int
		k.run(func(c *sim.CPU, i int) {
			switch i {
			case 0: // sleeps; task 1 has its CPU then
				k.waitFor(c, func() bool { return c.Load(k.turn) == 1 })
				on = c.ID()
				c.Store(k.done, 1)
			case 1:
				c.Store(k.turn, 2)
				c.SpinUntil(sim.Never, sim.Cond{Ref: k.done, Test: sim.Ne})
			case 2:
				c.SpinUntil(sim.Never, sim.Cond{Ref: k.turn, Arg: 2})
				c.Store(k.turn, 1)
				k.Sched.WakeUp(c, k.Sched.Task(0))
				c.SpinUntil(sim.Never, sim.Cond{Ref: k.done, Test: sim.Ne})
			}
		})
		if on != 2 {
			t.Errorf("seed %d: the sleeper went to CPU %d, CPU 2 is the idle one", seed, on)
		}
	}
}

// A task that is woken while it is on its way off the CPU does not go on
// elsewhere before it has left.
func TestWakeUpOfALeavingTask(t *testing.T) {
	for seed := range uint64(60) {
		cfg := free(3, 3)
		cfg.Allowed[1], cfg.Allowed[2], cfg.TaskCPU[2] = []int{0}, []int{2}, 2
		cfg.NoTTWUQueue = seed%2 == 0
		k := newCrowd(t, cfg, seed)
		const rounds = 10
		k.run(func(c *sim.CPU, i int) {
			switch i {
			case 0:
				for n := uint64(1); n <= rounds; n++ {
					k.Sched.SetCurrentState(c, sched.Uninterruptible)
					c.Store(k.turn, n)
					k.Sched.Schedule(c, waitTest)
				}
				c.Store(k.done, 1)
			case 1: // keeps a CPU busy, so that task 0 may be sent to another
				for c.Load(k.done) == 0 {
					k.Sched.CondResched(c)
				}
			case 2:
				for n := uint64(1); n <= rounds; n++ {
					c.SpinUntil(sim.Never, sim.Cond{Ref: k.turn, Arg: n})
					for !k.Sched.WakeUp(c, k.Sched.Task(0)) {
						c.Relax()
					}
				}
			}
		})
	}
}

// An idle CPU that polls is woken by a store, one that halts by an interrupt.
func TestIdleModes(t *testing.T) {
	for _, mode := range []sched.IdleMode{sched.Halt, sched.Poll} {
		for seed := range uint64(20) {
			cfg := kernel.Config{CPUs: 2, TaskCPU: []int{0, 1}, TickPeriod: 300 * sim.Nanosecond, Idle: mode, NoTTWUQueue: seed%2 == 1}
			k := newCrowd(t, cfg, seed)
			k.run(func(c *sim.CPU, i int) {
				if i == 0 {
					k.waitFor(c, func() bool { return c.Load(k.done) != 0 })
					return
				}
				c.Think(5 * sim.Microsecond)
				c.Store(k.done, 1)
				k.Sched.WakeUp(c, k.Sched.Task(0))
			})
			if sent := k.kinds["ipi"]; (sent > 0) != (mode == sched.Halt) {
				t.Errorf("mode %d, seed %d: %d interrupts", mode, seed, sent)
			}
			if halted := k.kinds["idle"]; (halted > 0) != (mode == sched.Halt) {
				t.Errorf("mode %d, seed %d: halted %d times", mode, seed, halted)
			}
		}
	}
}

// A sleep with a time limit ends by it, and a timer of one that ended before
// disturbs no later sleep.
func TestScheduleTimeout(t *testing.T) {
	for seed := range uint64(30) {
		k := newCrowd(t, kernel.Config{CPUs: 2, TaskCPU: []int{0, 1}, TickPeriod: 300 * sim.Nanosecond}, seed)
		k.run(func(c *sim.CPU, i int) {
			if i == 1 {
				c.Think(2 * sim.Microsecond)
				k.Sched.WakeUp(c, k.Sched.Task(0))
				c.Think(60 * sim.Microsecond)
				c.Store(k.done, 1)
				k.Sched.WakeUp(c, k.Sched.Task(0))
				return
			}
			k.Sched.SetCurrentState(c, sched.Uninterruptible)
			k.Sched.ScheduleTimeout(c, 20*sim.Microsecond, waitTest)
			if now := c.Now(); now < 2*sim.Microsecond || now > 15*sim.Microsecond {
				t.Errorf("seed %d: woken at %v", seed, now)
			}
			k.Sched.SetCurrentState(c, sched.Uninterruptible)
			k.Sched.ScheduleTimeout(c, sim.Millisecond, waitTest)
			if c.Load(k.done) == 0 {
				t.Errorf("seed %d: an old timer ended a later sleep at %v", seed, c.Now())
			}
			start := c.Now()
			k.Sched.SetCurrentState(c, sched.Uninterruptible)
			k.Sched.ScheduleTimeout(c, 10*sim.Microsecond, waitTest)
			if d := c.Now() - start; d < 10*sim.Microsecond || d > 13*sim.Microsecond {
				t.Errorf("seed %d: a sleep of 10us took %v", seed, d)
			}
		})
	}
}

// Sleeping with preemption disabled is caught.
func TestSchedulingWhileAtomic(t *testing.T) {
	w := newWorld(1)
	m := simtest.New(w.mem, simtest.Options{})
	m.Kernel(w.Hooks())
	m.Go("task", 0, func(c *sim.CPU) {
		w.Sched.PreemptDisable(c)
		w.Sched.Schedule(c, waitTest)
	})
	defer func() {
		if e := recover(); e != "sched: scheduling while atomic: task" {
			t.Errorf("got %v", e)
		}
	}()
	simtest.Run(t, m)
}
