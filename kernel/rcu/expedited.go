package rcu

import (
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// numExpWQ is the number of wait queues of a node, by the last bits of the grace
// period's number.
const numExpWQ = 4

func (r *RCU) expMutex() wait.Semaphore {
	return r.wait.SemaphoreAt(r.state.Add(offExpMutex), waitRCU)
}

func (r *RCU) expWakeMutex() wait.Semaphore {
	return r.wait.SemaphoreAt(r.state.Add(offExpWakeMutex), waitRCU)
}

func (r *RCU) expeditedWQ() wait.Simple { return r.wait.SimpleAt(r.state.Add(offExpeditedWQ)) }

func (r *RCU) expWQ(n sim.Ptr, s uint64) wait.Queue {
	i := s >> seqCtrShift & (numExpWQ - 1)
	return r.wait.At(n.Add(offExpWQ + i*wait.HeadBytes))
}

// SynchronizeExpedited is synchronize_rcu_expedited (tree_exp.h): as
// Synchronize, but CPUs that are not idle are interrupted and asked.
// Concurrent callers share a grace period. The grace period runs on the
// caller, where the kernel has a kworker do it; exp_mutex and exp_wake_mutex are
// semaphores here.
func (r *RCU) SynchronizeExpedited(c *sim.CPU) {
	if m := r.opt.Model; m != nil {
		m.Synchronize(c, DomainRCU)
		return
	}
	seq := r.state.F(stateExpSeq)
	c.SmpMB()
	s := SeqSnapOf(c, seq)
	if r.expFunnelLock(c, s) {
		return
	}
	r.selectCPUs(c)
	root := r.nodes[0]
	r.expeditedWQ().Event(c, waitRCU, func() bool { return r.expDone(c, root) })
	r.expWakeMutex().Down(c)
	SeqFinish(c, seq)
	r.expWake(c, s)
	r.expWakeMutex().Up(c)
	r.expMutex().Up(c)
}

// expFunnelLock is exp_funnel_lock: on the way from the leaf to the root,
// callers that want the same grace period gather and one goes on. It reports
// whether somebody else has done the work; if not, a grace period has begun and
// exp_mutex is held.
func (r *RCU) expFunnelLock(c *sim.CPU, s uint64) (done bool) {
	leaf := c.LoadPtr(r.data.This(c).F(dataNode))
	root := r.nodes[0]
	fast := c.Load(leaf.F(nodeExpSeqRq)) < s && (leaf.A == root.A || c.Load(root.F(nodeExpSeqRq)) < s) &&
		r.expMutex().TryDown(c)
	if !fast {
		for n := leaf; !n.IsNull(); n = c.LoadPtr(n.F(nodeParent)) {
			if r.expWorkDone(c, s) || r.joinExp(c, n, s) {
				return true
			}
		}
		r.expMutex().Down(c)
	}
	if r.expWorkDone(c, s) {
		r.expMutex().Up(c)
		return true
	}
	SeqStart(c, r.state.F(stateExpSeq))
	return false
}

// joinExp marks n as asked for s. Where it is already, it waits for the one who
// did that and returns true.
func (r *RCU) joinExp(c *sim.CPU, n sim.Ptr, s uint64) bool {
	lock := r.spin.At(n.F(nodeExpLock))
	lock.Lock(c)
	if c.Load(n.F(nodeExpSeqRq)) >= s {
		lock.Unlock(c)
		r.expWQ(n, s).Event(c, waitRCU, func() bool { return r.expWorkDone(c, s) })
		return true
	}
	c.Store(n.F(nodeExpSeqRq), s)
	lock.Unlock(c)
	return false
}

// expWorkDone is sync_exp_work_done.
func (r *RCU) expWorkDone(c *sim.CPU, s uint64) bool {
	if !SeqDone(c, r.state.F(stateExpSeq), s) {
		return false
	}
	c.SmpMB()
	return true
}

// expDone is sync_rcu_exp_done_unlocked.
func (r *RCU) expDone(c *sim.CPU, root sim.Ptr) bool {
	l := r.lockNodeIRQ(c, root)
	done := c.Load(root.F(nodeExpMask)) == 0
	l.unlock(c)
	return done
}

// selectCPUs is sync_rcu_exp_select_cpus: every CPU owes a quiescent state;
// idle ones and this one have passed it, the others get an IPI.
func (r *RCU) selectCPUs(c *sim.CPU) {
	for _, n := range r.nodes { // sync_exp_reset_tree
		l := r.lockNodeIRQ(c, n)
		c.Store(n.F(nodeExpMask), c.Load(n.F(nodeExpMaskInit)))
		l.unlock(c)
	}
	for _, lf := range r.leaves {
		r.selectLeaf(c, lf)
	}
}

// selectLeaf is __sync_rcu_exp_select_node_cpus.
func (r *RCU) selectLeaf(c *sim.CPU, lf leaf) {
	l := r.lockNodeIRQ(c, lf.node)
	mask := c.Load(lf.node.F(nodeExpMask))
	passed := r.idleCPUs(c, lf, mask)
	if me := c.ID() - lf.first; me >= 0 && me < leafFanout {
		passed |= mask & (1 << me)
	}
	l.unlock(c)
	for i := range leafFanout {
		bit := uint64(1) << i
		if mask&^passed&bit == 0 {
			continue
		}
		// This task may have moved to that CPU since: then it is no reader.
		r.sched.PreemptDisable(c)
		if c.ID() == lf.first+i {
			passed |= bit
		} else {
			c.SendIPI(lf.first+i, r.expHandler)
		}
		r.sched.PreemptEnable(c)
	}
	if passed != 0 {
		r.reportExpMask(c, lf.node, passed)
	}
}

// expeditedIPI is rcu_exp_handler without preemptible readers: report at once if
// the interrupt came over no reader, else at the next quiescent state, which is
// asked for.
func (r *RCU) expeditedIPI(c *sim.CPU) {
	idle := r.sched.IRQEnter(c)
	d := r.data.This(c)
	n := c.LoadPtr(d.F(dataNode))
	owed := c.Load(n.F(nodeExpMask))&c.Load(d.F(dataGrpMask)) != 0
	switch {
	case !owed || c.Load(d.F(dataNoQSExp)) != 0:
	case idle || r.sched.Preemptible(c):
		r.reportExp(c, d)
	default:
		c.Store(d.F(dataNoQSExp), 1)
		r.sched.SetNeedResched(c)
	}
	r.sched.IRQExit(c, idle)
}

// reportExp is rcu_report_exp_rdp.
func (r *RCU) reportExp(c *sim.CPU, d sim.Ptr) {
	c.Store(d.F(dataNoQSExp), 0)
	r.reportExpMask(c, c.LoadPtr(d.F(dataNode)), c.Load(d.F(dataGrpMask)))
}

// reportExpMask is rcu_report_exp_cpu_mult and __rcu_report_exp_rnp: clear mask
// in n, and where that leaves n empty go on with its parent.
func (r *RCU) reportExpMask(c *sim.CPU, n sim.Ptr, mask uint64) {
	for {
		l := r.lockNodeIRQ(c, n)
		before := c.Load(n.F(nodeExpMask))
		c.Store(n.F(nodeExpMask), before&^mask)
		empty := before&^mask == 0
		mask = c.Load(n.F(nodeGrpMask))
		parent := c.LoadPtr(n.F(nodeParent))
		l.unlock(c)
		if before == 0 || !empty {
			return
		}
		if parent.IsNull() {
			c.SmpMB()
			r.expeditedWQ().WakeUpOne(c)
			return
		}
		n = parent
	}
}

// expWake is the end of rcu_exp_wait_wake: wake those that wait in the nodes.
func (r *RCU) expWake(c *sim.CPU, s uint64) {
	for _, n := range r.nodes {
		if c.Load(n.F(nodeExpSeqRq)) < s {
			lock := r.spin.At(n.F(nodeExpLock))
			lock.Lock(c)
			if c.Load(n.F(nodeExpSeqRq)) < s {
				c.Store(n.F(nodeExpSeqRq), s)
			}
			lock.Unlock(c)
		}
		c.SmpMB()
		r.expWQ(n, s).WakeUpAll(c)
	}
}

// nodeLockIRQ is a held node lock and the interrupt state before it.
type nodeLockIRQ struct {
	l   qspinlock.SpinLock
	irq bool
}

// lockNodeIRQ is raw_spin_lock_irqsave_rcu_node.
func (r *RCU) lockNodeIRQ(c *sim.CPU, n sim.Ptr) nodeLockIRQ {
	irq := c.IRQSave()
	return nodeLockIRQ{r.lockNode(c, n), irq}
}

func (l nodeLockIRQ) unlock(c *sim.CPU) { l.l.UnlockIRQRestore(c, l.irq) }
