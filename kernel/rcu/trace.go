package rcu

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// intMin marks an unlock in progress in trc_reader_nesting.
const intMin = 1 << 31

// TraceReadLock is rcu_read_lock_trace up to 6.19 (section 11): a load and a
// store on the task's own line, no fence.
func (r *RCU) TraceReadLock(c *sim.CPU) {
	n := r.sched.Current(c).F(sched.TaskTrcNesting)
	c.Store(n, c.Load(n)+1)
}

// TraceReadUnlock is rcu_read_unlock_trace: while the nesting word is negative
// a grace period that scans this task leaves it alone.
func (r *RCU) TraceReadUnlock(c *sim.CPU) {
	task := r.sched.Current(c)
	n := task.F(sched.TaskTrcNesting)
	nesting := c.Load(n) - 1
	c.Store(n, intMin+nesting)
	c.Load(task.F(sched.TaskTrcSpecial)) // zero: no grace period waits for this task
	c.Store(n, nesting)
}
