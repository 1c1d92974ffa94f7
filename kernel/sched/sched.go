// Package sched is kernel/sched/core.c on simulated memory
// (locks-and-barriers.md section 12): tasks and run queues, schedule with its
// context switch, try_to_wake_up with its barriers, wake queues, the preemption
// count, time slices, idle tasks and the scheduler tick.
//
// There are no priorities and no fair-share clocks: every run queue is a round
// robin. A woken task goes to its end and does not preempt what runs there.
// A task may be bound to any set of CPUs; a waker looks for an idle one, and a
// CPU that runs out of work pulls a waiting task. Load is not balanced beyond
// that, and waker and wakee are not drawn together (wake_affine). CPU masks are
// constants and not read from memory. All tasks share one mm, so a switch does
// not change the page table. What changes a context but no words (FPU, segment
// registers) is the machine's cost of a switch.
package sched

import (
	"fmt"

	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/preempt"
	"mmsim/sim"
)

// Scheduler knows where the tasks and run queues lie; all that changes is in
// simulated memory.
type Scheduler struct {
	spin    *qspinlock.Locks
	preempt *preempt.Counts
	tasks   sim.Ptr // array of task_struct, by task number
	ntasks  int
	idle    kmem.PerCPU
	rqs     kmem.PerCPU
	ticks   kmem.PerCPU
	domain  sim.Ptr // root_domain
	cfg     Config
	cpus    []int // in use
	roam    bool  // some task may run on several CPUs

	onTick   []TickFunc
	onSwitch []func(c *sim.CPU)
	tick     sim.Handler
	resched  sim.Handler
	wakeup   sim.Handler
}

// New allocates tasks and run queues.
func New(a *kmem.Arena, spin *qspinlock.Locks, cfg Config) *Scheduler {
	cfg.check()
	n := len(cfg.TaskCPU)
	s := &Scheduler{
		spin:    spin,
		preempt: spin.Preempt(),
		tasks:   a.Bytes(uint64(n)*uint64(TaskLayout.Bytes), 128, TaskLayout),
		ntasks:  n,
		idle:    a.PerCPU(TaskLayout, cfg.CPUs),
		rqs:     a.PerCPU(rqLayout, cfg.CPUs),
		ticks:   a.PerCPU(tickLayout, cfg.CPUs),
		domain:  a.Object(rdLayout, ""),
		cfg:     cfg,
		cpus:    cfg.inUse(),
	}
	s.tick, s.resched, s.wakeup = s.tickHandler, s.reschedHandler, s.wakeHandler
	if cfg.Preempt == Full {
		s.preempt.PreemptWith(s.preemptSchedule)
	}
	s.boot(sim.NewDirect(a.Mem))
	return s
}

// boot makes the state in which the machine starts: the first task of each CPU
// runs, or its idle task, and the other tasks wait in its run queue.
func (s *Scheduler) boot(c *sim.CPU) {
	for cpu := range s.cfg.CPUs {
		idle, rq := s.idle.Of(cpu), s.rqs.Of(cpu)
		c.Store(idle.F(taskCPU), uint64(cpu))
		c.Store(rq.F(rqIdle), uint64(idle.A))
		list.Init(c, queueOf(rq))
		c.Store(s.ticks.Of(cpu).F(tickContext), 1)
	}
	for t, cpu := range s.cfg.TaskCPU {
		p := s.Task(sim.TaskID(t))
		s.roam = s.roam || len(s.cfg.Allowed[t]) > 1
		c.Store(p.F(taskCPU), uint64(cpu))
		c.Store(p.F(taskUsage), 1)
		s.enqueue(c, s.rqs.Of(cpu), p)
	}
	for _, cpu := range s.cpus {
		rq := s.rqs.Of(cpu)
		first := s.takeFirst(c, rq)
		if first.IsNull() {
			first = s.idle.Of(cpu)
			s.preempt.BeginIdle(c, cpu)
			c.Store(first.F(TaskFlags), 1<<tifNeedResched) // look for work at once
		}
		c.Store(first.F(taskOnCPU), 1)
		c.Store(rq.F(rqCurr), uint64(first.A))
	}
}

// Task is the task_struct of a task.
func (s *Scheduler) Task(id sim.TaskID) sim.Ptr {
	if id < 0 || int(id) >= s.ntasks {
		panic(fmt.Sprintf("sched: task %d of %d", id, s.ntasks))
	}
	return s.tasks.Add(uint64(id) * uint64(TaskLayout.Bytes))
}

// taskOn is the task_struct of a task, or of the idle task of this CPU.
func (s *Scheduler) taskOn(c *sim.CPU, id sim.TaskID) sim.Ptr {
	if id == sim.IdleTask {
		return s.idle.This(c)
	}
	return s.Task(id)
}

// Current is the running task, the interrupted one in an interrupt. It costs
// nothing: the kernel keeps it in a register or in a per-CPU line that is always
// close.
func (s *Scheduler) Current(c *sim.CPU) sim.Ptr { return s.taskOn(c, c.Task) }

// CPUs is the number of CPUs of the machine.
func (s *Scheduler) CPUs() int { return s.cfg.CPUs }

// InUse lists the CPUs that some task may run on, ascending.
func (s *Scheduler) InUse() []int { return append([]int(nil), s.cpus...) }

// Allowed lists the CPUs that a task may run on.
func (s *Scheduler) Allowed(id sim.TaskID) []int { return append([]int(nil), s.cfg.Allowed[id]...) }

// Tasks is the number of tasks.
func (s *Scheduler) Tasks() int { return s.ntasks }

// id is the number of the task at p.
func (s *Scheduler) id(p sim.Ptr) sim.TaskID {
	return sim.TaskID(uint64(p.A-s.tasks.A) / uint64(TaskLayout.Bytes))
}

func (s *Scheduler) rqLockOf(rq sim.Ptr) qspinlock.SpinLock { return s.spin.At(rq.F(rqLock)) }

// GetTask is get_task_struct.
func (s *Scheduler) GetTask(c *sim.CPU, t sim.Ptr) { c.FetchAdd(t.F(taskUsage), 1, sim.Relaxed) }

// PutTask is put_task_struct. The workload's tasks are never freed, so the count
// does not reach zero.
func (s *Scheduler) PutTask(c *sim.CPU, t sim.Ptr) {
	if c.FetchAdd(t.F(taskUsage), ^uint64(0), sim.Release) <= 1 {
		panic("sched: the last reference to a task was dropped")
	}
}
