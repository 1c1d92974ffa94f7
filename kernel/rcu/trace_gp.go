package rcu

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/rcu/segcblist"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// traceFract is gp_sleep and init_fract of Tasks-Trace RCU without the READ_MB
// configuration: HZ/200, in jiffies at HZ=1000. Each further wait is a jiffy
// longer.
const traceFract = 5

// kthreadWakeup is the time until a woken kthread runs: about a context switch
// (section 12.1).
const kthreadWakeup = 1100 * sim.Nanosecond

// Offsets of members that are structs.
const (
	offTraceCBs      = 8
	offTraceBlkd     = 120
	offTraceHoldouts = 32
	offTraceHead     = 48
)

var (
	// tracePercpuLayout is rcu_tasks_percpu.
	tracePercpuLayout = sim.NewLayout("rcu_tasks_percpu", 192, 64, append(segcblist.Members("cblist.", offTraceCBs),
		sim.F("lock", 0, 4), list.Field("rtp_blkd_tasks", offTraceBlkd))...)
	tracePercpuLock = tracePercpuLayout.Field("lock")

	// traceLayout is struct rcu_tasks. What starts with "stack." is on the
	// kthread's stack.
	traceLayout = sim.NewLayout("rcu_tasks", 64, 64,
		sim.F("tasks_gp_seq", 0, 8),
		sim.F("kthread_running", 8, 4),
		sim.F("stack.fract", 12, 4),
		list.Field("stack.holdouts", offTraceHoldouts),
		sim.Arr("stack.rcu", offTraceHead, 8, 2),
	)
	traceGPSeq   = traceLayout.Field("tasks_gp_seq")
	traceRunning = traceLayout.Field("kthread_running")
	traceFractF  = traceLayout.Field("stack.fract")
)

// tasksTrace is the update side of Tasks-Trace RCU up to 6.19 (kernel/rcu/tasks.h).
// All callbacks are in the boot CPU's list, as the kernel has it until its lock
// is contended. The kthread's work runs in timer interrupts of the CPU whose
// call_rcu_tasks_trace found it asleep.
type tasksTrace struct {
	p        sim.Ptr
	percpu   kmem.PerCPU
	scanned  Callback
	kthread  sim.Handler
	holdouts sim.Handler
}

func (r *RCU) initTasksTrace(a *kmem.Arena, c *sim.CPU) {
	t := &r.trace
	t.p = a.Object(traceLayout, "rcu_tasks_trace")
	t.percpu = a.PerCPU(tracePercpuLayout, r.sched.CPUs())
	for cpu := range r.sched.CPUs() {
		p := t.percpu.Of(cpu)
		segcblist.At(p.Add(offTraceCBs)).Init(c)
		list.Init(c, p.Add(offTraceBlkd))
		initTraceTask(c, r.sched.IdleTaskOf(cpu))
	}
	for id := range r.sched.Tasks() {
		initTraceTask(c, r.sched.Task(sim.TaskID(id)))
	}
	list.Init(c, t.p.Add(offTraceHoldouts))
	t.scanned = r.Register("rcu_tasks_trace_postscan", r.traceScanned)
	t.kthread, t.holdouts = r.inIRQ(r.traceKthread), r.inIRQ(r.traceCheckHoldouts)
}

func initTraceTask(c *sim.CPU, t sim.Ptr) {
	list.Init(c, holdoutNode(t))
	list.Init(c, blkdNode(t))
}

// inIRQ wraps what RCU does in an interrupt of its own.
func (r *RCU) inIRQ(f func(c *sim.CPU)) sim.Handler {
	return func(c *sim.CPU) {
		idle := r.sched.IRQEnter(c)
		f(c)
		r.sched.IRQExit(c, idle)
	}
}

func holdoutNode(t sim.Ptr) sim.Ptr { return t.Add(uint64(sched.TaskTrcHoldout.Off)) }

func taskOfHoldout(n sim.Ptr) sim.Ptr {
	return sim.Ptr{A: n.A - sim.Addr(sched.TaskTrcHoldout.Off), D: n.D}
}

func (r *RCU) traceLock(p sim.Ptr) qspinlock.SpinLock { return r.spin.At(p.F(tracePercpuLock)) }

// SynchronizeTasksTrace is synchronize_rcu_tasks_trace.
func (r *RCU) SynchronizeTasksTrace(c *sim.CPU) {
	if m := r.opt.Model; m != nil {
		m.Synchronize(c, DomainTasksTrace)
		return
	}
	r.WaitGP(c, waitRCU, r.CallRCUTasksTrace)
}

// CallRCUTasksTrace is call_rcu_tasks_trace: cb gets head after every Tasks-Trace
// reader that is now inside has left.
func (r *RCU) CallRCUTasksTrace(c *sim.CPU, head sim.Ptr, cb Callback) {
	if r.opt.Model != nil {
		r.CallModel(c, DomainTasksTrace, head, cb)
		return
	}
	r.SetFunc(c, head, cb)
	p := r.trace.percpu.Of(r.BootCPU())
	lock := r.traceLock(p)
	irq := lock.LockIRQSave(c)
	segcblist.At(p.Add(offTraceCBs)).Enqueue(c, head)
	running := c.Load(r.trace.p.F(traceRunning)) != 0
	c.Store(r.trace.p.F(traceRunning), 1)
	lock.UnlockIRQRestore(c, irq)
	if !running {
		c.SetTimer(kthreadWakeup, r.trace.kthread)
	}
}

// traceKthread is the loop of rcu_tasks_kthread: begin a grace period if
// callbacks wait for one, run those that may, or sleep.
func (r *RCU) traceKthread(c *sim.CPU) {
	seq := r.trace.p.F(traceGPSeq)
	p := r.trace.percpu.Of(r.BootCPU())
	cbs, lock := segcblist.At(p.Add(offTraceCBs)), r.traceLock(p)
	lock.Lock(c)
	cbs.Advance(c, c.Load(seq)) // rcu_tasks_need_gpcb
	cbs.Accelerate(c, SeqSnapOf(c, seq))
	needGP := cbs.Pending(c)
	if !needGP && !cbs.Ready(c) {
		c.Store(r.trace.p.F(traceRunning), 0)
		lock.Unlock(c)
		return
	}
	lock.Unlock(c)
	if needGP {
		SeqStart(c, seq)
		r.traceScan(c)
		return
	}
	r.traceInvoke(c)
}

// traceScan is rcu_tasks_trace_pregp_step: the task that runs on each CPU and
// each task that left a CPU within a section are looked at. The grace period
// of RCU behind it (postscan) is call_rcu here.
func (r *RCU) traceScan(c *sim.CPU) {
	for _, cpu := range r.cpus {
		if t := r.sched.CurrSnapshot(c, cpu); r.tracePrep(c, t) {
			r.addHoldout(c, t)
		}
	}
	for cpu := range r.sched.CPUs() {
		r.scanBlocked(c, r.trace.percpu.Of(cpu))
	}
	r.CallRCU(c, r.trace.p.Add(offTraceHead), r.trace.scanned)
}

// scanBlocked looks at the blocked readers of one CPU. The list is held locked
// on the whole way: the kernel splices it off and puts its tasks back one by
// one.
func (r *RCU) scanBlocked(c *sim.CPU, p sim.Ptr) {
	lock, head := r.traceLock(p), p.Add(offTraceBlkd)
	lock.Lock(c)
	for n := list.First(c, head); n.A != head.A; n = list.Next(c, n) {
		t := sim.Ptr{A: n.A - sim.Addr(sched.TaskTrcBlkd.Off), D: n.D}
		if r.tracePrep(c, t) {
			r.addHoldout(c, t)
		}
	}
	lock.Unlock(c)
}

// tracePrep is rcu_tasks_trace_pertask_prep.
func (r *RCU) tracePrep(c *sim.CPU, t sim.Ptr) bool {
	if !list.Empty(c, holdoutNode(t)) {
		return false
	}
	c.StoreRelease(trcNeed(t), 0)
	c.SmpMB()
	c.Store(t.F(sched.TaskTrcIPI), 0)
	return true
}

// addHoldout is trc_add_holdout.
func (r *RCU) addHoldout(c *sim.CPU, t sim.Ptr) {
	if list.Empty(c, holdoutNode(t)) {
		list.Add(c, holdoutNode(t), r.trace.p.Add(offTraceHoldouts))
	}
}

// traceScanned begins to wait for the holdouts.
func (r *RCU) traceScanned(c *sim.CPU, _ sim.Ptr) {
	c.Store(r.trace.p.F(traceFractF), traceFract)
	r.traceWait(c)
}

// traceWait is one turn of rcu_tasks_wait_gp's loop: sleep, longer each time,
// and look again; without holdouts the grace period is over.
func (r *RCU) traceWait(c *sim.CPU) {
	if list.Empty(c, r.trace.p.Add(offTraceHoldouts)) {
		c.SmpMB()
		SeqFinish(c, r.trace.p.F(traceGPSeq))
		r.traceInvoke(c)
		return
	}
	fract := c.Load(r.trace.p.F(traceFractF))
	c.Store(r.trace.p.F(traceFractF), fract+1)
	c.SetTimer(sim.Time(fract)*r.tick, r.trace.holdouts)
}

// traceCheckHoldouts is check_all_holdout_tasks_trace.
func (r *RCU) traceCheckHoldouts(c *sim.CPU) {
	head := r.trace.p.Add(offTraceHoldouts)
	for n := list.First(c, head); n.A != head.A; {
		next := list.Next(c, n)
		t := taskOfHoldout(n)
		if c.Load(t.F(sched.TaskTrcIPI)) == 0 && r.loadNeed(c, t)&trcChecked == 0 {
			r.traceInspect(c, t)
		}
		if c.LoadAcquire(t.F(sched.TaskTrcIPI)) == 0 && r.loadNeed(c, t) == trcChecked {
			list.DelInit(c, n)
		}
		n = next
	}
	r.traceWait(c)
}

// loadNeed is rcu_ld_need_qs.
func (r *RCU) loadNeed(c *sim.CPU, t sim.Ptr) uint64 {
	c.SmpMB()
	return c.LoadAcquire(trcNeed(t))
}

// traceInspect is trc_wait_for_one_reader: a task that does not run is judged
// from here (trc_inspect_reader), one that does gets an IPI.
func (r *RCU) traceInspect(c *sim.CPU, t sim.Ptr) {
	runs, on := false, 0
	r.sched.TaskCall(c, t, func(curr bool, cpu int) {
		if runs, on = curr, cpu; !curr {
			r.traceJudge(c, t)
		}
	})
	if !runs {
		return
	}
	sent := r.data.Of(on).F(dataTrcIPI)
	if c.Load(sent) != 0 || c.Load(t.F(sched.TaskTrcIPI)) != 0 {
		return
	}
	c.Store(sent, 1)
	c.Store(t.F(sched.TaskTrcIPI), uint64(on)+1)
	c.SendIPI(on, r.inIRQ(func(c *sim.CPU) { r.traceReadCheck(c, t) }))
}

// traceJudge notes whether the task is in a section; one that is just leaving it
// is looked at again later.
func (r *RCU) traceJudge(c *sim.CPU, t sim.Ptr) {
	switch nesting := c.Load(t.F(sched.TaskTrcNesting)); {
	case nesting == 0:
		cmpXchgNeed(c, t, 0, trcChecked)
	case nesting < intMin:
		cmpXchgNeed(c, t, 0, trcNeedQS|trcChecked)
	}
}

// traceReadCheck is trc_read_check_handler, on the CPU where the task ran.
func (r *RCU) traceReadCheck(c *sim.CPU, t sim.Ptr) {
	if c.LoadPtr(r.sched.Curr(c)).A == t.A {
		r.traceJudge(c, t)
	}
	c.StoreRelease(r.data.This(c).F(dataTrcIPI), 0)
	c.StoreRelease(t.F(sched.TaskTrcIPI), 0)
}

// traceInvoke is rcu_tasks_invoke_cbs and the kthread's pause behind it.
func (r *RCU) traceInvoke(c *sim.CPU) {
	p := r.trace.percpu.Of(r.BootCPU())
	cbs, lock := segcblist.At(p.Add(offTraceCBs)), r.traceLock(p)
	lock.Lock(c)
	cbs.Advance(c, c.Load(r.trace.p.F(traceGPSeq)))
	b := cbs.ExtractDone(c)
	n := b.Len()
	lock.Unlock(c)
	for h := b.Dequeue(c); !h.IsNull(); h = b.Dequeue(c) {
		r.Invoke(c, h)
	}
	lock.Lock(c)
	cbs.AddLen(c, -n)
	lock.Unlock(c)
	c.SetTimer(traceFract*r.tick, r.trace.kthread)
}
