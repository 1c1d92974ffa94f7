package cores

import (
	"strings"
	"testing"

	"mmsim/sim"
)

// roundRobin is the least kernel that preempts: a timer interrupt on CPU 0
// gives the CPU to the next task, on the way back to the interrupted one.
func roundRobin(tasks int, period sim.Time) sim.Hooks {
	var tick sim.Handler
	tick = func(c *sim.CPU) { c.SetTimer(period, tick) }
	return sim.Hooks{
		Boot:  func(c *sim.CPU) { c.SetTimer(period, tick) },
		Start: func(c *sim.CPU, _ sim.TaskID) { c.IRQEnable() },
		IRQReturn: func(c *sim.CPU, _ bool) {
			c.SpinUntil(c.Now()+100*sim.Nanosecond, sim.Cond{Ref: word(0x30000), Test: sim.Ne})
			c.IRQDisable()
			c.SwitchTo((c.Task+1)%sim.TaskID(tasks), sim.Runnable)
			c.IRQEnable()
		},
	}
}

// TestPreemptedDelays: tasks that share a CPU compute exactly what they were
// told to, in the accounts of their own groups; what is left of a task's time it
// waited for the CPU.
func TestPreemptedDelays(t *testing.T) {
	const tasks, chunk = 3, 100_000
	m := testMachine(1, 1, 1)
	var done [tasks]sim.Cycles
	p := onCPUs(sim.NewMemory())
	for i := range tasks {
		p.Threads = append(p.Threads, Thread{Name: "t", Path: "test", Group: i, Body: func(c *sim.CPU) {
			for {
				c.OpBegin()
				c.Compute(chunk)
				done[i] += chunk
				c.OpEnd()
			}
		}})
	}
	p.Hooks = roundRobin(tasks, 10*sim.Microsecond)
	const elapsed = 3 * sim.Millisecond
	r, err := Run(m, p, Options{Seed: 1, Duration: elapsed, NoProgress: sim.Second, TaskStall: sim.Second})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.CPUs) != tasks {
		t.Fatalf("%d accounts of the CPU, want one for each group", len(r.CPUs))
	}
	for i := range tasks {
		spent, least := spent(r, i, Compute), cyc(done[i])
		if r.CPUs[i].Group != i || spent < least || spent > least+cyc(chunk+2000) {
			t.Errorf("group %d: %v on account of %d cycles done", r.CPUs[i].Group, spent, done[i])
		}
		tk := &r.Tasks[i]
		if got := tk.Sleeping[sim.Runnable]; got < elapsed/2 || got > elapsed*3/4 || tk.Running < elapsed/4 {
			t.Errorf("task %d: %v running, %v waiting for the CPU, of %v", i, tk.Running, got, elapsed)
		}
		if n := r.Latency[i].TotalCount(); n != tk.Ops || n < 5 {
			t.Errorf("group %d: %d latencies, %d operations", i, n, tk.Ops)
		}
	}
}

// TestPreemptedSpin: a spin-wait that is preempted, and whose way back spins on
// something else, still ends by its own conditions only.
func TestPreemptedSpin(t *testing.T) {
	for delay := range sim.Cycles(20) {
		ended := 0
		spinner := func(c *sim.CPU) {
			if i := c.SpinUntil(sim.Never, sim.Cond{Ref: word(0x20000), Arg: 7}, sim.Cond{Ref: word(0x20000), Arg: 1}); i != 1 {
				t.Errorf("ended by condition %d", i)
			}
			ended++
		}
		writer := func(c *sim.CPU) {
			c.Compute(100_000 + 37*delay)
			c.Store(word(0x20000), 1)
		}
		p := onCPUs(sim.NewMemory(), spinner, spinner, writer)
		for i := range p.Threads {
			p.Threads[i].CPU = 0
		}
		p.Hooks = roundRobin(3, 5*sim.Microsecond)
		p.Hooks.Exit = func(c *sim.CPU) {
			for {
				c.Compute(1000) // until preempted; it gets its turns still
			}
		}
		mustRun(t, testMachine(1, 1, 1), p)
		if ended != 2 {
			t.Errorf("delay %d: %d of 2 spin-waits ended", delay, ended)
		}
	}
}

// TestTasksMove: a task goes on with what is left of a delay on another CPU, and
// CPUs without a thread of their own start idle.
func TestTasksMove(t *testing.T) {
	m := testMachine(1, 2, 1)
	var cpus []int
	mover := func(c *sim.CPU) {
		for range 3 {
			cpus = append(cpus, c.ID())
			c.IRQDisable()
			c.Store(parkedTask(1-c.ID()), 0)
			c.FetchOr(parkToken(1-c.ID()), 1, sim.Full)
			c.SendIPI(1-c.ID(), func(*sim.CPU) {})
			c.SwitchTo(sim.IdleTask, whyTest)
			c.IRQEnable()
			c.Compute(1000)
		}
	}
	p := onCPUs(sim.NewMemory(), mover)
	p.Threads[0].MayUse = []int{0, 1}
	r := mustRun(t, m, p)
	if len(cpus) != 3 || cpus[0] != 0 || cpus[1] != 1 || cpus[2] != 0 {
		t.Errorf("it was on CPUs %v", cpus)
	}
	if len(r.CPUs) != 2 || spent(r, 0, Compute) < cyc(1000) || spent(r, 1, Compute) < cyc(2000) {
		t.Errorf("%d CPUs, %v and %v computed", len(r.CPUs), spent(r, 0, Compute), spent(r, 1, Compute))
	}
}

// TestQueuedTasksInStalls: the report of a stall tells tasks that wait for a CPU
// from those that sleep.
func TestQueuedTasksInStalls(t *testing.T) {
	spin := func(c *sim.CPU) {
		c.OpBegin()
		c.IRQDisable()
		c.SpinUntil(sim.Never, sim.Cond{Ref: word(0x20000), Arg: 1})
	}
	p := namedThreads(onCPUs(sim.NewMemory(), spin, spin), "running", "queued")
	p.Threads[1].CPU = 0
	p.Hooks = roundRobin(2, 10*sim.Microsecond)
	msg := runStalled(t, p, Options{Seed: 1, Duration: 10 * sim.Millisecond}).Error()
	for _, want := range []string{"running on CPU 0: path path-of-running, step user, spinning on 0x20000",
		"queued on CPU 0: path path-of-queued, step user, waiting for a CPU"} {
		if !strings.Contains(msg, want) {
			t.Errorf("the error does not say %q:\n%s", want, msg)
		}
	}
}
