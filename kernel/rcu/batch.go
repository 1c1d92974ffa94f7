package rcu

import (
	"mmsim/kernel/rcu/segcblist"
	"mmsim/sim"
)

// How many callbacks run in a row (module parameters of tree.c).
const (
	blimit          = 10    // at least
	maxBLimit       = 10000 // on overload
	qhimark         = 10000 // callbacks queued that are an overload
	qlowmark        = 100   // callbacks left that end it
	rcuDivisor      = 7     // a batch is at least this shift of the callbacks that may run
	softirqRestarts = 10    // MAX_SOFTIRQ_RESTART
)

// softirqTime is MAX_SOFTIRQ_TIME.
const softirqTime = 2 * sim.Millisecond

// checkOverload is __call_rcu_core: with very many callbacks queued the limit is
// lifted.
func (r *RCU) checkOverload(c *sim.CPU, d sim.Ptr) {
	if n := cbsOf(d).Len(c); n > c.Load(d.F(dataLastCheck))+qhimark {
		c.Store(d.F(dataBLimit), maxBLimit)
		c.Store(d.F(dataLastCheck), n)
	}
}

// doBatches is the RCU softirq: batches until no callback is left that may run,
// until the time or the number of rounds is used up, or until somebody else
// wants the CPU. The rest goes on in an interrupt of its own as much later as
// this took: the stand-in for ksoftirqd, which shares the CPU with the current
// task.
func (r *RCU) doBatches(c *sim.CPU, d sim.Ptr, idle bool) {
	start := c.Now()
	for range softirqRestarts {
		r.doBatch(c, d, idle)
		if !cbsOf(d).Ready(c) {
			return
		}
		if c.Now()-start >= softirqTime || r.sched.NeedResched(c) {
			break
		}
	}
	c.Store(d.F(dataHasWork), 1)
	c.SetTimer(c.Now()-start, r.moreWork)
}

// runMoreWork goes on where doBatches stopped.
func (r *RCU) runMoreWork(c *sim.CPU) {
	idle := r.sched.IRQEnter(c)
	d := r.data.This(c)
	c.Store(d.F(dataHasWork), 0)
	r.doBatches(c, d, idle)
	r.sched.IRQExit(c, idle)
}

// doBatch is rcu_do_batch: run callbacks whose grace period is over, up to the
// limit unless the CPU has nothing else to do.
func (r *RCU) doBatch(c *sim.CPU, d sim.Ptr, idle bool) {
	cbs := cbsOf(d)
	limit := max(c.Load(d.F(dataBLimit)), cbs.SegLen(c, segcblist.Done)>>rcuDivisor)
	b := cbs.ExtractDone(c)
	ran := uint64(0)
	for ran < limit || idle {
		h := b.Dequeue(c)
		if h.IsNull() {
			break
		}
		ran++
		r.Invoke(c, h)
	}
	cbs.InsertDone(c, &b)
	cbs.AddLen(c, -ran)
	r.checkUnderload(c, d, cbs.Len(c))
}

// checkUnderload reinstates the batch limit once the excess is worked off.
func (r *RCU) checkUnderload(c *sim.CPU, d sim.Ptr, left uint64) {
	if c.Load(d.F(dataBLimit)) >= maxBLimit && left <= qlowmark {
		c.Store(d.F(dataBLimit), blimit)
	}
	if last := c.Load(d.F(dataLastCheck)); left == 0 && last != 0 {
		c.Store(d.F(dataLastCheck), 0)
	} else if left+qhimark < last {
		c.Store(d.F(dataLastCheck), left)
	}
}
