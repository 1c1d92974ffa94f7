package rcu

import "mmsim/sim"

// A grace-period sequence number (rcu_seq) counts grace periods in its upper
// bits; the lower two are nonzero while one is in progress, and may tell its
// phase.
const (
	SeqStateMask = 3
	seqCtrShift  = 2
)

// SeqState is rcu_seq_state: 0 while no grace period is in progress.
func SeqState(seq uint64) uint64 { return seq & SeqStateMask }

func inProgress(seq uint64) bool { return SeqState(seq) != 0 }

// SeqSnap is the arithmetic of rcu_seq_snap: the value at which a full grace
// period that starts after seq was read is over.
func SeqSnap(seq uint64) uint64 { return (seq + 2*SeqStateMask + 1) &^ SeqStateMask }

// SeqEnd is rcu_seq_endval: the value that ends the grace period of seq.
func SeqEnd(seq uint64) uint64 { return (seq | SeqStateMask) + 1 }

// SeqDone is rcu_seq_done: whether the sequence number at r has reached s.
func SeqDone(c *sim.CPU, r sim.Ref, s uint64) bool { return c.Load(r) >= s }

// SeqStart is rcu_seq_start.
func SeqStart(c *sim.CPU, r sim.Ref) {
	c.Store(r, c.Load(r)+1)
	c.SmpMB()
}

// SeqFinish is rcu_seq_end.
func SeqFinish(c *sim.CPU, r sim.Ref) {
	c.SmpMB()
	c.Store(r, SeqEnd(c.Load(r)))
}

// SeqSnapOf is rcu_seq_snap with its barrier.
func SeqSnapOf(c *sim.CPU, r sim.Ref) uint64 {
	s := SeqSnap(c.Load(r))
	c.SmpMB()
	return s
}
