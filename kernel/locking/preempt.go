package locking

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// preemption is what a spinlock does about it: a kernel's lock disables it
// while the lock is waited for and held; the lock of user-space code cannot (no
// scheduler), so its waiters and its holder lose the CPU at any time.
type preemption struct{ sched *sched.Scheduler }

func (p preemption) disable(c *sim.CPU) {
	if p.sched != nil {
		p.sched.PreemptDisable(c)
	}
}

func (p preemption) enable(c *sim.CPU) {
	if p.sched != nil {
		p.sched.PreemptEnable(c)
	}
}
