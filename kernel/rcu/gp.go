package rcu

import (
	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// gp_seq counts grace periods in its upper bits; the lower two are nonzero
// while one is in progress (rcu_seq_start, rcu_seq_end, rcu_seq_snap).
const seqStateMask = 3

func inProgress(seq uint64) bool { return seq&seqStateMask != 0 }

// seqSnap is the value of gp_seq at which a full grace period after now is
// over.
func seqSnap(seq uint64) uint64 { return (seq + 2*seqStateMask + 1) &^ seqStateMask }

func seqEnd(seq uint64) uint64 { return (seq | seqStateMask) + 1 }

// lockNode is raw_spin_lock_rcu_node. Its smp_mb__after_unlock_lock, a full
// barrier on POWER only, is taken as smp_mb__after_spinlock.
func (r *RCU) lockNode(c *sim.CPU, n sim.Ptr) locking.SpinLock {
	l := r.spin.At(n.F(nodeLock))
	l.Lock(c)
	c.Fence(sim.MBAfterSpinlock)
	return l
}

// tick is rcu_sched_clock_irq and rcu_core: what RCU does in a scheduler tick.
// It needs the next tick even on an idle CPU while callbacks are queued here.
func (r *RCU) tick(c *sim.CPU, idle bool) (needed bool) {
	d := r.data.This(c)
	n := c.LoadPtr(d.F(dataNode))
	r.noteGPChanges(c, d, n)
	if c.Load(d.F(dataNeedsQS)) != 0 && (idle || r.sched.Preemptible(c)) {
		r.reportQS(c, d, n)
	}
	if hasCallbacks(c, d) {
		r.requestGP(c, d, n)
		r.invoke(c, d)
	}
	r.forceQuiescentStates(c)
	return hasCallbacks(c, d)
}

// noteGPChanges is note_gp_changes: learn from the leaf that a grace period
// has ended or begun.
func (r *RCU) noteGPChanges(c *sim.CPU, d, n sim.Ptr) {
	if c.Load(n.F(nodeGPSeq)) == c.Load(d.F(dataGPSeq)) {
		return
	}
	l := r.lockNode(c, n)
	seq := c.Load(n.F(nodeGPSeq))
	needsQS := uint64(0)
	if inProgress(seq) && c.Load(n.F(nodeQSMask))&c.Load(d.F(dataGrpMask)) != 0 {
		needsQS = 1
	}
	c.Store(d.F(dataNeedsQS), needsQS)
	advance(c, d, seq)
	c.Store(d.F(dataGPSeq), seq)
	l.Unlock(c)
}

// reportQS is rcu_report_qs_rdp: this CPU has passed a quiescent state.
func (r *RCU) reportQS(c *sim.CPU, d, n sim.Ptr) {
	l := r.lockNode(c, n)
	if c.Load(n.F(nodeGPSeq)) != c.Load(d.F(dataGPSeq)) {
		l.Unlock(c) // reported by somebody else, and the grace period ended
		return
	}
	c.Store(d.F(dataNeedsQS), 0)
	r.reportNode(c, n, l, c.Load(d.F(dataGrpMask)))
}

// reportNode is rcu_report_qs_rnp: clear mask in n, whose lock l is held, and
// where that leaves n empty go on with its parent. It drops the lock.
func (r *RCU) reportNode(c *sim.CPU, n sim.Ptr, l locking.SpinLock, mask uint64) {
	for {
		before := c.Load(n.F(nodeQSMask))
		if before&mask == 0 {
			l.Unlock(c)
			return
		}
		c.Store(n.F(nodeQSMask), before&^mask)
		if before&^mask != 0 {
			l.Unlock(c)
			return
		}
		mask = c.Load(n.F(nodeGrpMask))
		n = c.LoadPtr(n.F(nodeParent))
		l.Unlock(c)
		if n.IsNull() {
			r.endGP(c)
			return
		}
		l = r.lockNode(c, n)
	}
}

// requestGP assigns new callbacks to a grace period and asks for it
// (rcu_accelerate_cbs, rcu_start_this_gp): marks run from the leaf to the
// root, and stop where somebody asked before.
func (r *RCU) requestGP(c *sim.CPU, d, n sim.Ptr) {
	if !unassigned(c, d) {
		return
	}
	leafLock := r.lockNode(c, n)
	need := seqSnap(c.Load(r.state.F(stateGPSeq)))
	accelerate(c, d, need)
	if c.Load(n.F(nodeNeeded)) >= need {
		leafLock.Unlock(c)
		return
	}
	c.Store(n.F(nodeNeeded), need)
	if root := c.LoadPtr(n.F(nodeParent)); !root.IsNull() {
		rootLock := r.lockNode(c, root)
		if c.Load(root.F(nodeNeeded)) < need {
			c.Store(root.F(nodeNeeded), need)
		}
		rootLock.Unlock(c)
	}
	leafLock.Unlock(c)
	r.startGP(c)
}

// startGP is rcu_gp_init: begin a grace period if one is asked for and none is
// in progress. Nodes are set up from the root down, so none can finish early.
func (r *RCU) startGP(c *sim.CPU) {
	root := r.nodes[0]
	l := r.lockNode(c, root)
	seq := c.Load(r.state.F(stateGPSeq))
	if inProgress(seq) || seq >= c.Load(root.F(nodeNeeded)) {
		l.Unlock(c)
		return
	}
	c.Store(r.state.F(stateForceQS), uint64(c.Now()+r.forceQS))
	c.Store(r.state.F(stateGPSeq), seq+1)
	c.SmpMB()
	l.Unlock(c)
	for _, n := range r.nodes {
		l := r.lockNode(c, n)
		c.Store(n.F(nodeQSMask), c.Load(n.F(nodeQSMaskInit)))
		c.Store(n.F(nodeGPSeq), seq+1)
		l.Unlock(c)
	}
}

// endGP is rcu_gp_cleanup: tell every leaf that the grace period is over, and
// begin the next one if it is asked for.
func (r *RCU) endGP(c *sim.CPU) {
	end := seqEnd(c.Load(r.state.F(stateGPSeq)))
	for _, n := range r.nodes {
		l := r.lockNode(c, n)
		c.Store(n.F(nodeGPSeq), end)
		l.Unlock(c)
	}
	l := r.lockNode(c, r.nodes[0])
	c.SmpMB()
	c.Store(r.state.F(stateGPSeq), end)
	l.Unlock(c)
	r.startGP(c)
}

// forceQuiescentStates is rcu_gp_fqs: once in a while somebody's tick reports
// for the CPUs that are idle, whose own ticks are stopped.
func (r *RCU) forceQuiescentStates(c *sim.CPU) {
	if !inProgress(c.Load(r.state.F(stateGPSeq))) {
		return
	}
	due := c.Load(r.state.F(stateForceQS))
	if now := c.Now(); uint64(now) >= due {
		_, mine := c.CmpXchg(r.state.F(stateForceQS), due, uint64(now+r.forceQS), sim.Relaxed)
		if mine {
			r.scanIdle(c)
		}
	}
}

func (r *RCU) scanIdle(c *sim.CPU) {
	for _, lf := range r.leaves {
		if c.Load(lf.node.F(nodeQSMask)) == 0 {
			continue
		}
		l := r.lockNode(c, lf.node)
		if mask := r.idleCPUs(c, lf, c.Load(lf.node.F(nodeQSMask))); mask != 0 {
			r.reportNode(c, lf.node, l, mask)
		} else {
			l.Unlock(c)
		}
	}
}

// idleCPUs are the CPUs of mask that RCU does not watch (force_qs_rnp).
func (r *RCU) idleCPUs(c *sim.CPU, lf leaf, mask uint64) (idle uint64) {
	for i := range leafFanout {
		if mask>>i&1 != 0 && !sched.Watching(c.LoadAcquire(r.sched.Context(lf.first+i))) {
			idle |= 1 << i
		}
	}
	return idle
}
