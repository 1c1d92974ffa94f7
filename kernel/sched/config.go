package sched

import (
	"fmt"
	"slices"

	"mmsim/sim"
)

// Preemption says where the kernel takes the CPU from a task that was asked to
// give it up.
type Preemption uint8

const (
	// None is PREEMPT_NONE: on the way back to user mode, and at cond_resched.
	None Preemption = iota
	// Full is PREEMPT_FULL: also wherever the preemption count is zero.
	Full
)

// IdleMode says how an idle CPU waits.
type IdleMode uint8

const (
	// Halt: until an interrupt comes; a wake-up sends one.
	Halt IdleMode = iota
	// Poll: watching its need_resched flag; a wake-up is a store to that.
	Poll
)

// DefaultSlice is the time slice of a task when others wait.
const DefaultSlice = 3 * sim.Millisecond

// Config describes the tasks, the CPUs and the scheduler's parameters.
type Config struct {
	// TaskCPU is the CPU that each task starts on, by task number. The first task
	// of a CPU runs from the start, the others are on its run queue.
	TaskCPU []int
	// Allowed are the CPUs that a task may run on, by task number; nil stands
	// for the one that it starts on.
	Allowed [][]int
	// CPUs is the number of CPUs of the machine.
	CPUs int
	// CacheDomain numbers the last-level cache of each CPU. CPUs that share one
	// enqueue woken tasks for each other; others send the wake-up by an
	// interrupt. nil means that all share one.
	CacheDomain []int
	// NoTTWUQueue makes every waker enqueue the task itself (the scheduler
	// feature NO_TTWU_QUEUE).
	NoTTWUQueue bool
	// TickPeriod is the time between two scheduler ticks of a CPU (1/HZ).
	TickPeriod sim.Time
	// Slice is how long a task runs while others wait; zero means DefaultSlice. It
	// ends with a tick.
	Slice   sim.Time
	Preempt Preemption
	Idle    IdleMode
}

// check panics at an impossible configuration, and fills in what is left out.
func (cfg *Config) check() {
	if cfg.TickPeriod <= 0 {
		panic("sched: the tick period must be positive")
	}
	if cfg.Slice == 0 {
		cfg.Slice = DefaultSlice
	}
	allowed := make([][]int, len(cfg.TaskCPU))
	copy(allowed, cfg.Allowed)
	cfg.Allowed = allowed
	for t, cpu := range cfg.TaskCPU {
		if cfg.Allowed[t] == nil {
			cfg.Allowed[t] = []int{cpu}
		}
		for _, a := range cfg.Allowed[t] {
			if a < 0 || a >= cfg.CPUs {
				panic(fmt.Sprintf("sched: task %d cannot have CPU %d: it does not exist", t, a))
			}
		}
		if !slices.Contains(cfg.Allowed[t], cpu) {
			panic(fmt.Sprintf("sched: task %d starts on CPU %d, where it may not run", t, cpu))
		}
	}
}

// inUse lists the CPUs that some task may run on, ascending.
func (cfg *Config) inUse() (cpus []int) {
	for _, a := range cfg.Allowed {
		cpus = append(cpus, a...)
	}
	slices.Sort(cpus)
	return slices.Compact(cpus)
}
