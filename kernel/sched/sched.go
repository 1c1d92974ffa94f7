// Package sched is the part of kernel/sched/core.c that sleeping locks need:
// tasks in simulated memory, set_current_state, schedule and try_to_wake_up
// with their barriers, wake queues, the preemption count and the scheduler
// tick (locks-and-barriers.md sections 1 and 12).
//
// Every CPU runs at most one task, pinned to it, and its idle task. So there is
// no choice to make when a task sleeps, and no preemption of one task by
// another; the words that both sides of a wake-up touch are all there.
package sched

import (
	"fmt"

	"mmsim/kernel/kmem"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/sim"
)

// Config describes the tasks and the tick.
type Config struct {
	// TaskCPU is the CPU that each task is pinned to, by task number.
	TaskCPU []int
	// CPUs is the number of CPUs of the machine.
	CPUs int
	// TickPeriod is the time between two scheduler ticks of a CPU (1/HZ).
	TickPeriod sim.Time
}

// Scheduler knows where the tasks and run queues lie; all that changes is in
// simulated memory.
type Scheduler struct {
	spin     *qspinlock.Locks
	tasks    sim.Ptr // array of task_struct, by task number
	ntasks   int
	initial  sim.Ptr // init_task: current where no task of the workload runs
	idle     kmem.PerCPU
	rqs      kmem.PerCPU
	pcpu     kmem.PerCPU
	cfg      Config
	onTick   []TickFunc
	onSwitch []func(c *sim.CPU)
	tick     sim.Handler
}

// New allocates tasks and run queues. Every task starts running on its CPU.
func New(a *kmem.Arena, spin *qspinlock.Locks, cfg Config) *Scheduler {
	if cfg.TickPeriod <= 0 {
		panic("sched: the tick period must be positive")
	}
	n := len(cfg.TaskCPU)
	s := &Scheduler{
		spin:    spin,
		tasks:   a.Bytes(uint64(n)*uint64(TaskLayout.Bytes), 128, TaskLayout),
		ntasks:  n,
		initial: a.Object(TaskLayout, "init_task"),
		idle:    a.PerCPU(TaskLayout, cfg.CPUs),
		rqs:     a.PerCPU(rqLayout, cfg.CPUs),
		pcpu:    a.PerCPU(pcpuLayout, cfg.CPUs),
		cfg:     cfg,
	}
	s.tick = s.tickHandler
	c := sim.NewDirect(a.Mem)
	for cpu := range cfg.CPUs {
		s.bootCPU(c, cpu)
	}
	taken := make([]bool, cfg.CPUs)
	for t, cpu := range cfg.TaskCPU {
		if cpu < 0 || cpu >= cfg.CPUs || taken[cpu] {
			panic(fmt.Sprintf("sched: task %d cannot have CPU %d: it does not exist or has a task", t, cpu))
		}
		taken[cpu] = true
		s.bootTask(c, s.Task(sim.TaskID(t)), cpu)
	}
	return s
}

func (s *Scheduler) bootCPU(c *sim.CPU, cpu int) {
	c.Store(s.idle.Of(cpu).F(taskCPU), uint64(cpu))
	c.Store(s.rqs.Of(cpu).F(rqIdle), uint64(s.idle.Of(cpu).A))
	c.Store(s.rqs.Of(cpu).F(rqCurr), uint64(s.idle.Of(cpu).A))
	c.Store(s.pcpu.Of(cpu).F(pcpuContext), 1)
}

func (s *Scheduler) bootTask(c *sim.CPU, t sim.Ptr, cpu int) {
	c.Store(t.F(taskCPU), uint64(cpu))
	c.Store(t.F(taskUsage), 1)
	c.Store(t.F(taskOnCPU), 1)
	c.Store(t.F(taskOnRQ), 1)
	c.Store(s.rqs.Of(cpu).F(rqCurr), uint64(t.A))
	c.Store(s.rqs.Of(cpu).F(rqNrRunning), 1)
}

// Task is the task_struct of a task; -1 is init_task, which stands for
// everything that runs outside the workload's tasks.
func (s *Scheduler) Task(id sim.TaskID) sim.Ptr {
	if id == -1 {
		return s.initial
	}
	if id < 0 || int(id) >= s.ntasks {
		panic(fmt.Sprintf("sched: task %d of %d", id, s.ntasks))
	}
	return s.tasks.Add(uint64(id) * uint64(TaskLayout.Bytes))
}

// Current is the running task. It costs nothing: the kernel keeps it in a
// register or in a per-CPU line that is always close.
func (s *Scheduler) Current(c *sim.CPU) sim.Ptr { return s.Task(c.Task) }

// CPUs is the number of CPUs of the machine.
func (s *Scheduler) CPUs() int { return s.cfg.CPUs }

// TaskCPUs lists the CPU of each task, by task number.
func (s *Scheduler) TaskCPUs() []int { return append([]int(nil), s.cfg.TaskCPU...) }

// Tasks is the number of tasks.
func (s *Scheduler) Tasks() int { return s.ntasks }

// id is the number of the task at p.
func (s *Scheduler) id(p sim.Ptr) sim.TaskID {
	return sim.TaskID(uint64(p.A-s.tasks.A) / uint64(TaskLayout.Bytes))
}

func (s *Scheduler) rqLockOf(rq sim.Ptr) qspinlock.SpinLock { return s.spin.At(rq.F(rqLock)) }

// PreemptDisable is preempt_disable: an increment of this CPU's own count,
// which is also what a non-preemptible RCU reader does.
func (s *Scheduler) PreemptDisable(c *sim.CPU) {
	c.ThisCPUAdd(s.pcpu.This(c).F(pcpuPreempt), 1)
}

// PreemptEnable is preempt_enable.
func (s *Scheduler) PreemptEnable(c *sim.CPU) {
	c.ThisCPUAdd(s.pcpu.This(c).F(pcpuPreempt), ^uint64(0))
}

// Preemptible reports whether this CPU's preemption count is zero. In an
// interrupt handler it tells whether the interrupted code was.
func (s *Scheduler) Preemptible(c *sim.CPU) bool {
	return c.Load(s.pcpu.This(c).F(pcpuPreempt)) == 0
}

// GetTask is get_task_struct.
func (s *Scheduler) GetTask(c *sim.CPU, t sim.Ptr) { c.FetchAdd(t.F(taskUsage), 1, sim.Relaxed) }

// PutTask is put_task_struct. The workload's tasks never die, so the count
// does not reach zero.
func (s *Scheduler) PutTask(c *sim.CPU, t sim.Ptr) {
	if c.FetchAdd(t.F(taskUsage), ^uint64(0), sim.Release) <= 1 {
		panic("sched: the last reference to a task was dropped")
	}
}
