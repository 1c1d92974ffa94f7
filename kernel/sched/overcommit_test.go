package sched_test

import (
	"fmt"
	"slices"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// crowd is a kernel with more tasks than CPUs, watched at every operation.
type crowd struct {
	*world
	t    *testing.T
	cfg  kernel.Config
	seed uint64
	lock locking.SpinLock
	// Ghost state: who is inside a section that nobody may be switched out of.
	pinned map[sim.TaskID]bool
	ran    map[sim.TaskID]map[int]bool // CPUs that a task ran on
	kinds  map[string]int              // operations by kind
}

// crowdConfig varies everything that a seed can choose.
func crowdConfig(cpus, tasks int, seed uint64) kernel.Config {
	cfg := kernel.Config{CPUs: cpus, TickPeriod: 300 * sim.Nanosecond, Slice: 500 * sim.Nanosecond,
		Preempt: sched.Preemption(seed % 2), Idle: sched.IdleMode(seed / 2 % 2), NoTTWUQueue: seed/4%2 == 1}
	if seed%3 == 0 {
		for cpu := range cpus {
			cfg.CacheDomain = append(cfg.CacheDomain, cpu/2)
		}
	}
	for i := range tasks {
		cpu := i % cpus
		cfg.TaskCPU = append(cfg.TaskCPU, cpu)
		var allowed []int
		for d := range cpus {
			if seed%4 >= 2 && i%3 > 0 && (d <= cpu || i%3 == 2) { // some pinned, some free
				allowed = append(allowed, d)
			}
		}
		cfg.Allowed = append(cfg.Allowed, allowed)
	}
	return cfg
}

var lockLayout = sim.NewLayout("crowd_lock", 64, 64, sim.F("lock", 0, 4))

func newCrowd(t *testing.T, cfg kernel.Config, seed uint64) *crowd {
	k := &crowd{world: &world{mem: sim.NewMemory()}, t: t, cfg: cfg, seed: seed,
		pinned: map[sim.TaskID]bool{}, ran: map[sim.TaskID]map[int]bool{}, kinds: map[string]int{}}
	k.Base = kernel.NewBase(k.mem, &sim.Symbols{}, cfg)
	d := k.Arena.Object(dataLayout, "")
	k.turn, k.done = d.F(dataLayout.Field("turn")), d.F(dataLayout.Field("done"))
	k.lock = k.Spin.At(k.Arena.Object(lockLayout, "").Ref(0, 4))
	return k
}

func (k *crowd) run(body func(c *sim.CPU, i int)) *simtest.Machine {
	k.t.Helper()
	m := simtest.New(k.mem, simtest.Options{Seed: k.seed, Trace: k.watch})
	m.Kernel(k.Hooks())
	for i, cpu := range k.cfg.TaskCPU {
		m.Go(fmt.Sprintf("task%d", i), cpu, func(c *sim.CPU) { body(c, i) })
	}
	m.Use(k.Sched.InUse()...)
	simtest.Run(k.t, m)
	return m
}

// watch checks every operation of a task: it runs where it may, its on_cpu says
// so, and it is not switched out where it must not be.
func (k *crowd) watch(o simtest.Op) {
	k.kinds[o.Kind]++
	if o.Task < 0 || o.IRQ {
		return
	}
	if k.ran[o.Task] == nil {
		k.ran[o.Task] = map[int]bool{}
	}
	k.ran[o.Task][o.CPU] = true
	if !slices.Contains(k.Sched.Allowed(o.Task), o.CPU) {
		k.t.Errorf("seed %d: task %d runs on CPU %d, it may use %v", k.seed, o.Task, o.CPU, k.Sched.Allowed(o.Task))
	}
	if k.word(o.Task, "on_cpu") != 1 {
		k.t.Errorf("seed %d: task %d runs with on_cpu 0", k.seed, o.Task)
	}
	if k.pinned[o.Task] && (o.Kind == "switch" || o.Kind == "sleep") {
		k.t.Errorf("seed %d: task %d was switched out with preemption off", k.seed, o.Task)
	}
}

func (k *crowd) word(id sim.TaskID, field string) uint64 {
	r := k.Sched.Task(id).F(sched.TaskLayout.Field(field))
	return k.mem.Read(r.A, r.Size)
}

// section is a spinlock section: nobody else is inside, and the holder keeps its
// CPU.
func (k *crowd) section(c *sim.CPU) {
	k.lock.Lock(c)
	k.pinned[c.Task] = true
	n := c.Load(k.done)
	c.Compute(10)
	c.Store(k.done, n+1)
	k.pinned[c.Task] = false
	k.lock.Unlock(c)
}

// eachCrowd calls f for 1 to 16 CPUs with two to four times as many tasks.
func eachCrowd(t *testing.T, seeds int, f func(k *crowd, tasks int)) {
	for _, cpus := range []int{1, 2, 3, 5, 16} {
		for per := 2; per <= 4; per++ {
			for seed := range uint64(max(seeds/cpus, 4)) {
				f(newCrowd(t, crowdConfig(cpus, per*cpus, seed), seed), per*cpus)
				if t.Failed() {
					t.Fatalf("%d CPUs, %d tasks, seed %d", cpus, per*cpus, seed)
				}
			}
		}
	}
}

// Tasks pass a turn around, asleep in between, and take a spinlock: no wake-up
// is lost and the lock excludes, whatever the kernel and the schedule.
func TestOvercommittedTurns(t *testing.T) {
	eachCrowd(t, 40, func(k *crowd, tasks int) {
		const rounds = 3
		k.run(func(c *sim.CPU, i int) {
			for n := range uint64(rounds) {
				mine := n*uint64(tasks) + uint64(i)
				k.waitFor(c, func() bool { return c.Load(k.turn) == mine })
				k.section(c)
				c.Store(k.turn, mine+1)
				k.Sched.WakeUp(c, k.Sched.Task(sim.TaskID((i+1)%tasks)))
				r := sim.NewRand(k.seed, uint64(i), n)
				switch r.Below(4) {
				case 0:
					c.Think(c.Now() + r.TimeBelow(sim.Microsecond))
				case 1:
					k.Sched.Yield(c)
				case 2:
					k.Sched.CondResched(c)
				}
			}
		})
		if n := k.mem.Read(k.done.A, 8); n != uint64(tasks*rounds) {
			t.Errorf("seed %d: %d sections of %d", k.seed, n, tasks*rounds)
		}
		k.quiet(tasks)
	})
}

// quiet checks that nothing is left on the run queues.
func (k *crowd) quiet(tasks int) {
	for i := range sim.TaskID(tasks) {
		if st, rq := k.word(i, "__state"), k.word(i, "on_rq"); st != uint64(sched.Dead) || rq != 0 {
			k.t.Errorf("seed %d: task %d ends in state %#x with on_rq %d", k.seed, i, st, rq)
		}
	}
}

// All others wake one sleeper, from tasks, wake queues and interrupts, while
// tasks share CPUs and move about: it sees each of their stores.
func TestOvercommittedWakers(t *testing.T) {
	eachCrowd(t, 20, func(k *crowd, tasks int) {
		const rounds = 3
		sleeper := k.Sched.Task(0)
		total := uint64((tasks - 1) * rounds)
		k.run(func(c *sim.CPU, i int) {
			if i == 0 {
				for seen := uint64(0); seen < total; {
					k.waitFor(c, func() bool { return c.Load(k.done) != seen })
					seen = c.Load(k.done)
				}
				return
			}
			for n := range rounds {
				wake(c, k.world, sleeper, 1+(i+n)%4)
				k.Sched.ExitToUser(c)
			}
		})
	})
}

// In a kernel without preemption only user mode and cond_resched give the CPU
// away; with full preemption any point does that has preemption enabled.
func TestWherePreemptionHappens(t *testing.T) {
	for _, model := range []sched.Preemption{sched.None, sched.Full} {
		inKernel, offered := 0, 0
		for seed := range uint64(40) {
			cfg := crowdConfig(1, 2, seed)
			cfg.Preempt, cfg.Allowed = model, nil
			k := newCrowd(t, cfg, seed)
			var progress [2]int
			within := func(i int, count *int, f func()) { // counts if the other task ran
				before := progress[1-i]
				f()
				if progress[1-i] > before {
					*count++
				}
			}
			work := func(c *sim.CPU, i int) {
				for range 20 {
					c.Compute(1)
					progress[i]++
				}
			}
			k.run(func(c *sim.CPU, i int) {
				for range 40 {
					within(i, &inKernel, func() { work(c, i) })
					within(i, &offered, func() { k.Sched.CondResched(c) })
					k.Sched.PreemptDisable(c)
					k.pinned[c.Task] = true
					work(c, i)
					k.pinned[c.Task] = false
					k.Sched.PreemptEnable(c)
					if model == sched.Full && k.word(c.Task, "thread_info.flags")&8 != 0 {
						t.Errorf("seed %d: preempt_enable kept the CPU although it should be given up", seed)
					}
					within(i, &offered, func() { c.Think(c.Now() + 100*sim.Nanosecond) })
				}
			})
		}
		if (inKernel > 0) != (model == sched.Full) || offered == 0 {
			t.Errorf("model %d: switched %d times in the kernel, %d times where it offered to", model, inKernel, offered)
		}
	}
}

// Tasks that never sleep share a CPU evenly, a slice at a time.
func TestSlicesAreFair(t *testing.T) {
	for seed := range uint64(20) {
		cfg := crowdConfig(1, 4, seed)
		cfg.Preempt, cfg.Allowed = sched.Full, nil
		k := newCrowd(t, cfg, seed)
		var work [4]int
		stop := false
		k.run(func(c *sim.CPU, i int) {
			for !stop {
				c.Compute(1)
				work[i]++
				stop = stop || c.Now() > 60*sim.Microsecond
			}
		})
		if lo, hi := slices.Min(work[:]), slices.Max(work[:]); lo*3 < hi*2 {
			t.Errorf("seed %d: work done is %v", seed, work)
		}
		if n := k.kinds["switch"]; n < 40 || n > 400 {
			t.Errorf("seed %d: %d switches in 60us with slices of 500ns", seed, n)
		}
	}
}
