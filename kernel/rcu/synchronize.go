package rcu

import (
	"mmsim/kernel/rcu/segcblist"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// Synchronize is synchronize_rcu: it returns after every reader that was inside
// has left.
func (r *RCU) Synchronize(c *sim.CPU) {
	if m := r.opt.Model; m != nil {
		m.Synchronize(c, DomainRCU)
		return
	}
	r.WaitGP(c, waitRCU, r.CallRCU)
}

// WaitGP is __wait_rcu_gp: it sleeps until the callback that it hands to call has
// run. call is call_rcu of some flavour.
func (r *RCU) WaitGP(c *sim.CPU, why sim.WaitReason, call func(c *sim.CPU, head sim.Ptr, cb Callback)) {
	if c.InIRQ || c.Task < 0 {
		panic("rcu: waiting for a grace period outside a task: " + c.Name)
	}
	head := r.syncs[c.Task]
	done := r.completionOf(head)
	done.Init(c)
	call(c, head, r.wakeme)
	done.Wait(c, why)
}

func (r *RCU) completionOf(head sim.Ptr) wait.Completion {
	return r.wait.CompletionAt(head.Add(offSyncCompletion))
}

// wakeSynchronize is wakeme_after_rcu.
func (r *RCU) wakeSynchronize(c *sim.CPU, head sim.Ptr) { r.completionOf(head).Complete(c) }

// Cookie names a point of time that a grace period may come after.
type Cookie uint64

// GetState is get_state_synchronize_rcu: the cookie of now.
func (r *RCU) GetState(c *sim.CPU) Cookie {
	r.algorithmOnly("get_state_synchronize_rcu")
	c.SmpMB()
	return Cookie(SeqSnap(c.Load(r.state.F(stateGPSeq))))
}

// StartPoll is start_poll_synchronize_rcu: the cookie of now, and a grace period
// is asked for.
func (r *RCU) StartPoll(c *sim.CPU) Cookie {
	s := r.GetState(c)
	irq := c.IRQSave()
	d := r.data.This(c)
	leaf := c.LoadPtr(d.F(dataNode))
	l := r.lockNode(c, leaf)
	start := r.askFor(c, d, leaf, uint64(s))
	l.Unlock(c)
	if start {
		r.startGP(c)
	}
	c.IRQRestore(irq)
	return s
}

// PollState is poll_state_synchronize_rcu: whether a grace period has passed
// since the cookie. Only normal grace periods count; the kernel counts
// expedited ones as well.
func (r *RCU) PollState(c *sim.CPU, s Cookie) bool {
	if !SeqDone(c, r.state.F(stateGPSeq), uint64(s)) {
		return false
	}
	c.SmpMB()
	return true
}

// CondSynchronize is cond_synchronize_rcu: Synchronize, unless a grace period
// has passed since the cookie.
func (r *RCU) CondSynchronize(c *sim.CPU, s Cookie) {
	if !r.PollState(c, s) {
		r.Synchronize(c)
	}
}

func (r *RCU) barrierMutex() wait.Semaphore {
	return r.wait.SemaphoreAt(r.state.Add(offBarrierMutex), waitRCU)
}

func (r *RCU) barrierCompletion() wait.Completion {
	return r.wait.CompletionAt(r.state.Add(offBarrierCompletion))
}

// Barrier is rcu_barrier: it returns when every callback queued before has run.
// Each CPU with callbacks gets one more behind its last, by IPI. barrier_mutex
// is a semaphore here.
func (r *RCU) Barrier(c *sim.CPU) {
	r.algorithmOnly("rcu_barrier")
	seq := r.state.F(stateBarrierSeq)
	s := SeqSnapOf(c, seq)
	r.barrierMutex().Down(c)
	if SeqDone(c, seq, s) {
		c.SmpMB()
		r.barrierMutex().Up(c)
		return
	}
	lock := r.spin.At(r.state.F(stateBarrierLock))
	irq := lock.LockIRQSave(c)
	SeqStart(c, seq)
	gseq := c.Load(seq)
	r.barrierCompletion().Reinit(c)
	c.Store(r.state.F(stateBarrierCPUCount), 2) // so that it cannot end while CPUs are added
	lock.UnlockIRQRestore(c, irq)
	for _, cpu := range r.cpus {
		r.barrierCPU(c, cpu, gseq)
	}
	if c.FetchAdd(r.state.F(stateBarrierCPUCount), neg(2), sim.Full) == 2 {
		r.barrierCompletion().Complete(c)
	}
	r.barrierCompletion().Wait(c, waitRCU)
	SeqFinish(c, seq)
	r.barrierMutex().Up(c)
}

// barrierCPU makes one CPU's callbacks count.
func (r *RCU) barrierCPU(c *sim.CPU, cpu int, gseq uint64) {
	d := r.data.Of(cpu)
	snap := d.F(dataBarrier)
	if c.LoadAcquire(snap) == gseq {
		return
	}
	lock := r.spin.At(r.state.F(stateBarrierLock))
	irq := lock.LockIRQSave(c)
	if cbsOf(d).Len(c) == 0 {
		c.Store(snap, gseq)
		lock.UnlockIRQRestore(c, irq)
		return
	}
	lock.UnlockIRQRestore(c, irq)
	c.SendIPI(cpu, r.barrierIPI) // smp_call_function_single, which waits
	c.SpinUntil(sim.Never, sim.Cond{Ref: snap, Arg: gseq, Order: sim.Acquire})
}

// barrierHandler is rcu_barrier_handler and rcu_barrier_entrain. Its last store
// is the acknowledgement too.
func (r *RCU) barrierHandler(c *sim.CPU) {
	idle := r.sched.IRQEnter(c)
	d := r.data.This(c)
	lock := r.spin.At(r.state.F(stateBarrierLock))
	lock.Lock(c)
	gseq := c.Load(r.state.F(stateBarrierSeq))
	head := d.Add(offBarrierHead)
	c.Store(segcblist.HeadFunc(head), uint64(r.barrierDone))
	if cbsOf(d).Entrain(c, head) {
		c.AtomicAdd(r.state.F(stateBarrierCPUCount), 1)
	}
	c.StoreRelease(d.F(dataBarrier), gseq)
	lock.Unlock(c)
	r.sched.IRQExit(c, idle)
}

// barrierCallback is rcu_barrier_callback.
func (r *RCU) barrierCallback(c *sim.CPU, _ sim.Ptr) {
	if c.FetchAdd(r.state.F(stateBarrierCPUCount), neg(1), sim.Full) == 1 {
		r.barrierCompletion().Complete(c)
	}
}

func neg(n uint64) uint64 { return -n }
