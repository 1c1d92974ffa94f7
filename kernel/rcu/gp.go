package rcu

import (
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/rcu/segcblist"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// lockNode is raw_spin_lock_rcu_node. Its smp_mb__after_unlock_lock, a full
// barrier on POWER only, is taken as smp_mb__after_spinlock.
func (r *RCU) lockNode(c *sim.CPU, n sim.Ptr) qspinlock.SpinLock {
	l := r.spin.At(n.F(nodeLock))
	l.Lock(c)
	c.Fence(sim.MBAfterSpinlock)
	return l
}

// schedClockIRQ is rcu_sched_clock_irq and rcu_core: what RCU does in a
// scheduler tick. It needs the next tick even on an idle CPU while callbacks are
// queued here.
func (r *RCU) schedClockIRQ(c *sim.CPU, idle bool) (needed bool) {
	d := r.data.This(c)
	n := c.LoadPtr(d.F(dataNode))
	r.noteGPChanges(c, d, n)
	if idle || r.sched.Preemptible(c) {
		r.quiescent(c, d)
	}
	if c.Load(d.F(dataNeedsQS)) != 0 && c.Load(d.F(dataNoQSNorm)) == 0 {
		r.reportQS(c, d, n)
	}
	cbs := cbsOf(d)
	if !inProgress(c.Load(r.state.F(stateGPSeq))) && !cbs.RestEmpty(c, segcblist.NextReady) {
		r.accelerateUnlocked(c, d, n)
	}
	if cbs.Ready(c) && c.Load(d.F(dataHasWork)) == 0 {
		r.doBatches(c, d, idle)
	}
	r.forceQuiescentStates(c)
	return cbs.Len(c) != 0
}

// NoteContextSwitch is rcu_note_context_switch, with interrupts off: no reader
// runs on this CPU now. The next tick reports it; an expedited grace period
// gets its report at once.
func (r *RCU) NoteContextSwitch(c *sim.CPU) {
	r.quiescent(c, r.data.This(c))
	r.traceNoteSwitch(c)
}

// quiescent is rcu_qs: note a quiescent state in this CPU's own line.
func (r *RCU) quiescent(c *sim.CPU, d sim.Ptr) {
	if c.Load(d.F(dataNoQSNorm)) != 0 {
		c.Store(d.F(dataNoQSNorm), 0)
	}
	if c.Load(d.F(dataNoQSExp)) != 0 {
		r.reportExp(c, d)
	}
}

// noteGPChanges is note_gp_changes: learn from the leaf that a grace period
// has ended or begun, and let callbacks move on accordingly.
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
	c.Store(d.F(dataNoQSNorm), needsQS)
	c.Store(d.F(dataNeedsQS), needsQS)
	cbsOf(d).Advance(c, seq)
	start := r.accelerate(c, d, n)
	c.Store(d.F(dataGPSeq), seq)
	l.Unlock(c)
	if start {
		r.startGP(c)
	}
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
func (r *RCU) reportNode(c *sim.CPU, n sim.Ptr, l qspinlock.SpinLock, mask uint64) {
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

// accelerate is rcu_accelerate_cbs, under the leaf's lock: assign new callbacks
// to a grace period and ask for it. It reports whether that one is to be
// started.
func (r *RCU) accelerate(c *sim.CPU, d, leaf sim.Ptr) (start bool) {
	need := SeqSnapOf(c, r.state.F(stateGPSeq))
	return cbsOf(d).Accelerate(c, need) && r.askFor(c, d, leaf, need)
}

// accelerateUnlocked is rcu_accelerate_cbs_unlocked: without the lock where
// this CPU has asked for the grace period already.
func (r *RCU) accelerateUnlocked(c *sim.CPU, d, leaf sim.Ptr) {
	if need := SeqSnapOf(c, r.state.F(stateGPSeq)); c.Load(d.F(dataNeeded)) >= need {
		cbsOf(d).Accelerate(c, need)
		return
	}
	l := r.lockNode(c, leaf)
	start := r.accelerate(c, d, leaf)
	l.Unlock(c)
	if start {
		r.startGP(c)
	}
}

// askFor is rcu_start_this_gp, under the leaf's lock: marks run from the leaf to
// the root, and stop where somebody asked before.
func (r *RCU) askFor(c *sim.CPU, d, leaf sim.Ptr, need uint64) (start bool) {
	c.Store(d.F(dataNeeded), need)
	if c.Load(leaf.F(nodeNeeded)) >= need {
		return false
	}
	c.Store(leaf.F(nodeNeeded), need)
	if root := c.LoadPtr(leaf.F(nodeParent)); !root.IsNull() {
		rootLock := r.lockNode(c, root)
		if c.Load(root.F(nodeNeeded)) < need {
			c.Store(root.F(nodeNeeded), need)
		}
		rootLock.Unlock(c)
	}
	return true
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
	c.Store(r.state.F(stateForceQS), uint64(c.Now()+r.ticks(r.opt.FirstFQS)))
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
	end := SeqEnd(c.Load(r.state.F(stateGPSeq)))
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
		_, mine := c.CmpXchg(r.state.F(stateForceQS), due, uint64(now+r.ticks(r.opt.NextFQS)), sim.Relaxed)
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

// ticks is the time of n scheduler ticks.
func (r *RCU) ticks(n int) sim.Time { return sim.Time(n) * r.tick }

// idleCPUs are the CPUs of mask that RCU does not watch (force_qs_rnp).
func (r *RCU) idleCPUs(c *sim.CPU, lf leaf, mask uint64) (idle uint64) {
	for i := range leafFanout {
		if mask>>i&1 != 0 && !sched.Watching(c.LoadAcquire(r.sched.Context(lf.first+i))) {
			idle |= 1 << i
		}
	}
	return idle
}
