package workloads

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mmsim/cores"
	"mmsim/kernel"
	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

var (
	waitTurn   = sim.NewWaitReason("test-turn")
	crowdWords = sim.NewLayout("crowd", 192, 64, append(locking.RWSemMembers("rwsem", 0),
		sim.F("spin", 64, 4), sim.F("count", 128, 8), sim.F("asleep", 136, 8))...)
)

// crowd is a kernel with more tasks than CPUs and a few things to share.
type crowd struct {
	*kernel.Base
	cfg           kernel.Config
	prog          *cores.Program
	spin          locking.SpinLock
	rwsem         locking.RWSem
	count, asleep sim.Ref
}

func newCrowd(cfg kernel.Config) *crowd {
	k := &crowd{cfg: cfg, prog: &cores.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}}}
	k.Base = kernel.NewBase(k.prog.Mem, k.prog.Syms, cfg)
	o := k.Arena.Object(crowdWords, "")
	f := func(name string) sim.Ref { return o.F(crowdWords.Field(name)) }
	k.spin, k.count, k.asleep = k.Spin.At(f("spin")), f("count"), f("asleep")
	k.rwsem = k.RWSems.At(o, locking.RWSemFieldsOf(crowdWords, "rwsem"))
	k.rwsem.Init(sim.NewDirect(k.prog.Mem))
	k.prog.Hooks = k.Hooks()
	return k
}

// repeat adds one thread per task that repeats the operation; its group is its
// number modulo groups.
func (k *crowd) repeat(groups int, op func(c *sim.CPU, i int, n uint64)) {
	for i, cpu := range k.cfg.TaskCPU {
		k.prog.Threads = append(k.prog.Threads, cores.Thread{Name: fmt.Sprintf("task%d", i), Path: "test", Group: i % groups, CPU: cpu,
			MayUse: k.Sched.Allowed(sim.TaskID(i)), Body: func(c *sim.CPU) {
				for n := uint64(0); ; n++ {
					c.OpBegin()
					op(c, i, n)
					k.Sched.ExitToUser(c)
					c.OpEnd()
				}
			}})
	}
}

// Threads that compute for ever share a CPU evenly, in slices, and the rest of
// their time is waiting for it; what they wait in sum is exact.
func TestSlicesOnTheClock(t *testing.T) {
	const tasks, slice, elapsed = 4, sim.Millisecond, 40 * sim.Millisecond
	for _, model := range []sched.Preemption{sched.None, sched.Full} {
		k := newCrowd(kernel.Config{CPUs: 8, TaskCPU: make([]int, tasks), TickPeriod: 250 * sim.Microsecond, Slice: slice, Preempt: model})
		k.repeat(1, func(c *sim.CPU, _ int, _ uint64) { c.Compute(5000) })
		r, err := cores.Run(testMachine(), k.prog, cores.Options{Seed: 1, Duration: elapsed})
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Tasks {
			tk := &r.Tasks[i]
			on := tk.Running + tk.IRQ
			if on < elapsed/tasks*9/10 || on > elapsed/tasks*11/10 || tk.Sleeping[sim.Runnable] != elapsed-on {
				t.Errorf("model %d, task %d: %v on the CPU, %v waiting for it, of %v", model, i, on, tk.Sleeping[sim.Runnable], elapsed)
			}
		}
		if n := r.CPUs[0].Metrics[cores.Switches]; n < int64(elapsed/slice)*3/4 || n > int64(elapsed/slice)+1 {
			t.Errorf("model %d: %d switches in %v with slices of %v", model, n, elapsed, slice)
		}
	}
}

// mixed is a run in which tasks of two groups on few CPUs compute, think, take a
// spinlock and an rwsem, sleep and wake each other.
func mixed(t *testing.T, seed uint64, warmup sim.Time) *cores.Result {
	t.Helper()
	cpus := 1 + int(seed%4)
	tasks := cpus * (2 + int(seed/4%3))
	cfg := kernel.Config{CPUs: 8, TickPeriod: 20 * sim.Microsecond, Slice: 50 * sim.Microsecond,
		Preempt: sched.Preemption(seed % 2), Idle: sched.IdleMode(seed / 2 % 2), NoTTWUQueue: seed%5 == 0}
	for i := range tasks {
		cfg.TaskCPU = append(cfg.TaskCPU, i%cpus*2)
		var all []int
		for cpu := range cpus {
			if seed%3 > 0 && i%3 > 0 {
				all = append(all, cpu*2)
			}
		}
		cfg.Allowed = append(cfg.Allowed, all)
	}
	k := newCrowd(cfg)
	k.repeat(2, func(c *sim.CPU, i int, n uint64) {
		r := sim.NewRand(seed, uint64(i), n)
		switch r.Below(6) {
		case 0:
			c.Compute(sim.Cycles(r.Below(20_000)))
		case 1:
			c.Think(c.Now() + r.TimeBelow(3*sim.Microsecond))
		case 2:
			k.spin.Lock(c)
			c.Store(k.count, c.Load(k.count)+1)
			c.Compute(200)
			k.spin.Unlock(c)
		case 3:
			k.rwsem.DownRead(c)
			c.Compute(sim.Cycles(r.Below(3000)))
			k.rwsem.UpRead(c)
		case 4:
			k.rwsem.DownWrite(c)
			c.Compute(sim.Cycles(r.Below(3000)))
			k.rwsem.UpWrite(c)
		case 5:
			k.Sched.SetCurrentState(c, sched.Interruptible)
			k.Sched.ScheduleTimeout(c, 5*sim.Microsecond+r.TimeBelow(50*sim.Microsecond), waitTurn)
			k.Sched.WakeUp(c, k.Sched.Task(sim.TaskID(r.Below(uint64(tasks)))))
		}
	})
	r, err := cores.Run(testMachine(), k.prog, cores.Options{Seed: seed, Warmup: warmup, Duration: sim.Millisecond})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return r
}

// The accounts of CPUs, groups and tasks are exact (Run checks the sums) and
// everything in them happens; a run repeats to the byte.
func TestOvercommittedAccounts(t *testing.T) {
	var queued, asleep, switched, woken int64
	for seed := range uint64(24) {
		r := mixed(t, seed, sim.Time(seed%3)*100*sim.Microsecond)
		for i := range r.Tasks {
			tk := &r.Tasks[i]
			queued += int64(tk.Sleeping[sim.Runnable])
			asleep += int64(tk.Sleeping[waitTurn])
			if tk.Ops == 0 {
				t.Errorf("seed %d: task %d did nothing", seed, i)
			}
		}
		byCPU := map[int]sim.Time{}
		for i := range r.CPUs {
			switched += r.CPUs[i].Metrics[cores.Switches]
			woken += r.CPUs[i].Events[sim.NewCounter("wakeups")]
			for _, step := range r.CPUs[i].Time {
				for _, d := range step {
					byCPU[r.CPUs[i].CPU] += d
				}
			}
		}
		for cpu, d := range byCPU {
			if d != r.Elapsed {
				t.Errorf("seed %d: CPU %d accounts for %v of %v", seed, cpu, d, r.Elapsed)
			}
		}
	}
	if queued == 0 || asleep == 0 || switched == 0 || woken == 0 {
		t.Errorf("%v queued, %v asleep, %d switches, %d wake-ups", sim.Time(queued), sim.Time(asleep), switched, woken)
	}
	text := func() string {
		r := mixed(t, 7, 0)
		b, err := json.Marshal([]any{r.CPUs, r.Tasks, r.Bounces, r.HostEvents})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := text()
	if again := text(); again != first {
		t.Error("two runs of one seed differ")
	}
}

// When every task sleeps for ever that is noticed, however many share a CPU and
// whatever still ticks.
func TestSleepersDeadlock(t *testing.T) {
	k := newCrowd(kernel.Config{CPUs: 8, TaskCPU: []int{0, 0, 0, 2}, TickPeriod: 50 * sim.Microsecond})
	k.repeat(1, func(c *sim.CPU, i int, n uint64) {
		c.Compute(1000)
		if n == 10 {
			k.Sched.SetCurrentState(c, sched.Uninterruptible)
			k.Sched.Schedule(c, waitTurn)
		}
	})
	_, err := cores.Run(testMachine(), k.prog, cores.Options{Seed: 1, Duration: 2 * sim.Millisecond})
	var stall *cores.StallError
	if !errors.As(err, &stall) {
		t.Fatalf("the run ended with %v", err)
	}
	msg := err.Error()
	for _, want := range []string{"deadlock", "task0 on CPU 0", "task3 on CPU 2", "sleeping: test-turn"} {
		if !strings.Contains(msg, want) {
			t.Errorf("the error does not say %q:\n%s", want, msg)
		}
	}
}

// A CPU that spins while the task it waits for is queued behind is no deadlock:
// the slice ends. One that waits for nobody is, although its tick goes on.
func TestSpinnersUnderTicks(t *testing.T) {
	run := func(tasks int) error {
		k := newCrowd(kernel.Config{CPUs: 8, TaskCPU: make([]int, tasks), TickPeriod: 100 * sim.Microsecond,
			Slice: 300 * sim.Microsecond, Preempt: sched.Full})
		k.repeat(1, func(c *sim.CPU, i int, n uint64) {
			c.SpinUntil(sim.Never, sim.Cond{Ref: k.count, Mask: 1, Arg: uint64(i)})
			c.Store(k.count, uint64(1-i))
		})
		_, err := cores.Run(testMachine(), k.prog, cores.Options{Seed: 1, Duration: 5 * sim.Millisecond})
		return err
	}
	if err := run(2); err != nil {
		t.Errorf("two tasks that take turns: %v", err)
	}
	if err := run(1); err == nil || !strings.Contains(err.Error(), "deadlock") {
		t.Errorf("a task that waits for nobody: %v", err)
	}
}
