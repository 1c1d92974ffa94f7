package rcu

import (
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// intMin marks an unlock in progress in trc_reader_nesting.
const intMin = 1 << 31

// Values of the need_qs byte of trc_reader_special.
const (
	trcNeedQS  = 1 // a grace period waits for the end of this section
	trcChecked = 2 // the grace period has seen this task
)

// trcBlocked and trcNeed are the bytes of trc_reader_special: whether the task
// was switched out in a section, and what a grace period wants of it.
func trcBlocked(t sim.Ptr) sim.Ref { return t.Ref(uint64(sched.TaskTrcSpecial.Off), 1) }
func trcNeed(t sim.Ptr) sim.Ref    { return t.Ref(uint64(sched.TaskTrcSpecial.Off)+1, 1) }

func blkdNode(t sim.Ptr) sim.Ptr { return t.Add(uint64(sched.TaskTrcBlkd.Off)) }

// cmpXchgNeed is rcu_trc_cmpxchg_need_qs.
func cmpXchgNeed(c *sim.CPU, t sim.Ptr, old, v uint64) { c.CmpXchg(trcNeed(t), old, v, sim.Full) }

// TraceReadLock is rcu_read_lock_trace up to 6.19 (section 11): a load and a
// store on the task's own line, no fence.
func (r *RCU) TraceReadLock(c *sim.CPU) {
	if m := r.opt.Model; m != nil {
		m.ReadLock(c, DomainTasksTrace)
		return
	}
	n := r.sched.Current(c).F(sched.TaskTrcNesting)
	c.Store(n, c.Load(n)+1)
}

// TraceReadUnlock is rcu_read_unlock_trace: while the nesting word is negative
// a grace period that scans this task leaves it alone.
func (r *RCU) TraceReadUnlock(c *sim.CPU) {
	if m := r.opt.Model; m != nil {
		m.ReadUnlock(c, DomainTasksTrace)
		return
	}
	task := r.sched.Current(c)
	n := task.F(sched.TaskTrcNesting)
	nesting := c.Load(n) - 1
	c.Store(n, intMin+nesting)
	if c.Load(task.F(sched.TaskTrcSpecial)) == 0 || nesting != 0 {
		c.Store(n, nesting)
		return
	}
	r.traceUnlockSpecial(c, task)
	c.Store(n, 0)
}

// traceUnlockSpecial is rcu_read_unlock_trace_special: tell the grace period
// that waits for this section, and leave the list of blocked readers.
func (r *RCU) traceUnlockSpecial(c *sim.CPU, task sim.Ptr) {
	c.SmpMB()
	special := c.LoadAcquire(task.F(sched.TaskTrcSpecial))
	if special>>8&0xff == trcNeedQS|trcChecked {
		cmpXchgNeed(c, task, trcNeedQS|trcChecked, trcChecked)
	}
	if special&0xff == 0 {
		return
	}
	lock := r.traceLock(r.trace.percpu.Of(int(c.Load(task.F(sched.TaskTrcBlkdCPU)))))
	irq := lock.LockIRQSave(c)
	list.DelInit(c, blkdNode(task))
	c.Store(trcBlocked(task), 0)
	lock.UnlockIRQRestore(c, irq)
}

// traceNoteSwitch is rcu_tasks_trace_qs: a task that leaves the CPU within a
// section joins this CPU's list of blocked readers.
func (r *RCU) traceNoteSwitch(c *sim.CPU) {
	if c.Task < 0 {
		return // the idle task has no sections
	}
	task := r.sched.Current(c)
	nesting := c.Load(task.F(sched.TaskTrcNesting))
	switch {
	case nesting == 0 && c.Load(trcNeed(task)) == trcNeedQS:
		cmpXchgNeed(c, task, trcNeedQS, trcChecked)
	case nesting != 0 && nesting != intMin && c.Load(trcBlocked(task)) == 0:
		p := r.trace.percpu.This(c)
		lock := r.traceLock(p)
		lock.Lock(c)
		c.Store(task.F(sched.TaskTrcBlkdCPU), uint64(c.ID()))
		list.Add(c, blkdNode(task), p.Add(offTraceBlkd))
		c.Store(trcBlocked(task), 1)
		lock.Unlock(c)
	}
}
