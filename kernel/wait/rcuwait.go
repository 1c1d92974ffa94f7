package wait

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// RCUWait is a struct rcuwait: the one task that waits, or null.
type RCUWait struct {
	k    *Queues
	task sim.Ref
}

// RCUWaitAt is the rcuwait in the 8-byte word at r.
func (k *Queues) RCUWaitAt(r sim.Ref) RCUWait { return RCUWait{k, r} }

// Event is rcuwait_wait_event: sleep until cond holds. Only one task may wait.
func (w RCUWait) Event(c *sim.CPU, why sim.WaitReason, cond func() bool) {
	task(c)
	c.StoreRelease(w.task, uint64(w.k.sched.Current(c).A))
	for {
		w.k.sched.SetCurrentState(c, sched.Uninterruptible)
		if cond() {
			break
		}
		w.k.sched.Schedule(c, why)
	}
	c.Store(w.task, 0)
	w.k.sched.SetRunning(c)
}

// WakeUp is rcuwait_wake_up: the caller's store of the condition, a full
// barrier, then a look at who waits. The read section is preempt_disable, as
// RCU readers have it here.
func (w RCUWait) WakeUp(c *sim.CPU) {
	w.k.sched.PreemptDisable(c)
	c.SmpMB()
	if p := c.LoadPtr(w.task); !p.IsNull() {
		w.k.sched.WakeUp(c, p)
	}
	w.k.sched.PreemptEnable(c)
}
