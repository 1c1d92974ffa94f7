package srcu

import (
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/rcu"
	"mmsim/sim"
)

// Phases of a grace period, in the state bits of srcu_gp_seq.
const (
	stateIdle  = 0
	stateScan1 = 1
	stateScan2 = 2
)

// Scans of the counters one after the other before the work item waits.
const (
	tryCountScan1 = 1
	tryCountScan2 = 2 // sections are short: look twice after the flip
)

func (s *Struct) jiffies(c *sim.CPU) uint64 { return uint64(c.Now() / s.k.sched.TickPeriod()) }

func (s *Struct) lockOf(r sim.Ref) qspinlock.SpinLock { return s.k.spin.At(r) }

// call is __call_srcu and srcu_gp_start_if_needed.
func (s *Struct) call(c *sim.CPU, head sim.Ptr, cb rcu.Callback, expedited bool) {
	if s.model != nil {
		s.k.rcu.CallModel(c, s.domain, head, cb)
		return
	}
	s.k.rcu.SetFunc(c, head, cb)
	idx := s.ReadLock(c)
	d := s.data.Of(s.k.boot)
	lock, cbs := s.lockOf(d.F(dataLock)), cbsOf(d)
	irq := lock.LockIRQSave(c)
	cbs.Enqueue(c, head)
	seq := rcu.SeqSnapOf(c, s.sup.F(supGPSeq))
	cbs.Advance(c, c.Load(s.sup.F(supGPSeq)))
	cbs.Accelerate(c, seq)
	needGP := raise(c, d.F(dataNeeded), seq)
	needExp := expedited && raise(c, d.F(dataNeededExp), seq)
	lock.UnlockIRQRestore(c, irq)
	if needGP {
		s.funnelGPStart(c, seq, expedited)
	} else if needExp {
		lock := s.lockOf(s.sup.F(supLock))
		irq := lock.LockIRQSave(c)
		raise(c, s.sup.F(supNeededExp), seq)
		lock.UnlockIRQRestore(c, irq)
	}
	s.ReadUnlock(c, idx)
}

// raise stores v where the word is below it, and reports that.
func raise(c *sim.CPU, r sim.Ref, v uint64) bool {
	if c.Load(r) >= v {
		return false
	}
	c.Store(r, v)
	return true
}

// funnelGPStart is srcu_funnel_gp_start: note that grace period seq is needed,
// and start one if none is in progress.
func (s *Struct) funnelGPStart(c *sim.CPU, seq uint64, expedited bool) {
	lock := s.lockOf(s.sup.F(supLock))
	irq := lock.LockIRQSave(c)
	if c.Load(s.sup.F(supNeeded)) < seq {
		c.StoreRelease(s.sup.F(supNeeded), seq)
	}
	if expedited {
		raise(c, s.sup.F(supNeededExp), seq)
	}
	if now := c.Load(s.sup.F(supGPSeq)); now < seq && rcu.SeqState(now) == stateIdle {
		s.gpStart(c)
		s.queueWork(c, min(s.delay(c), 1))
	}
	lock.UnlockIRQRestore(c, irq)
}

// gpStart is srcu_gp_start, under the lock.
func (s *Struct) gpStart(c *sim.CPU) {
	c.Store(s.sup.F(supGPStart), s.jiffies(c))
	c.Store(s.sup.F(supExpNoDelay), 0)
	c.SmpMB()
	rcu.SeqStart(c, s.sup.F(supGPSeq))
}

// expedited is srcu_gp_is_expedited.
func (s *Struct) expedited(c *sim.CPU) bool {
	return c.Load(s.sup.F(supGPSeq)) < c.Load(s.sup.F(supNeededExp))
}

// delay is srcu_get_delay: jiffies until the next scan.
func (s *Struct) delay(c *sim.CPU) uint64 {
	d := uint64(s.k.opt.Interval)
	if s.expedited(c) {
		d = 0
	}
	if rcu.SeqState(c.Load(s.sup.F(supGPSeq))) != stateIdle {
		if j, start := s.jiffies(c), c.Load(s.sup.F(supGPStart)); j > start+1 {
			d += j - 1 - start
		}
		if d == 0 {
			n := c.Load(s.sup.F(supExpNoDelay)) + 1
			c.Store(s.sup.F(supExpNoDelay), n)
			if n > uint64(s.k.opt.MaxNoDelay) {
				d = 1
			}
		}
	}
	return min(d, uint64(s.k.opt.MaxInterval))
}

// process is process_srcu: begin a grace period if one is needed, or scan for
// the one in progress (srcu_advance_state).
func (s *Struct) process(c *sim.CPU) {
	if rcu.SeqState(c.LoadAcquire(s.sup.F(supGPSeq))) == stateIdle && !s.startNeeded(c) {
		s.endWork(c)
		return
	}
	s.scan(c)
}

// startNeeded begins a grace period if one is needed.
func (s *Struct) startNeeded(c *sim.CPU) bool {
	lock := s.lockOf(s.sup.F(supLock))
	irq := lock.LockIRQSave(c)
	seq := c.Load(s.sup.F(supGPSeq))
	needed := seq < c.Load(s.sup.F(supNeeded))
	if needed && rcu.SeqState(seq) == stateIdle {
		s.gpStart(c)
	}
	lock.UnlockIRQRestore(c, irq)
	return needed
}

// scanned goes on when no reader is left at the other index: flip and scan
// again, or end the grace period.
func (s *Struct) scanned(c *sim.CPU) {
	if rcu.SeqState(c.Load(s.sup.F(supGPSeq))) == stateScan1 {
		s.flip(c)
		lock := s.lockOf(s.sup.F(supLock))
		irq := lock.LockIRQSave(c)
		seq := s.sup.F(supGPSeq)
		c.Store(seq, c.Load(seq)&^rcu.SeqStateMask|stateScan2)
		c.Store(s.sup.F(supExpNoDelay), 0)
		lock.UnlockIRQRestore(c, irq)
		s.scan(c)
		return
	}
	s.gpEnd(c)
	s.endWork(c)
}

// flip is srcu_flip: new readers enter at the other index.
func (s *Struct) flip(c *sim.CPU) {
	c.SmpMB() // E
	c.Store(s.ctrp, uint64(s.base.A)+uint64(s.other(c))*ctrBytes)
	c.SmpMB() // D
}

// gpEnd is srcu_gp_end.
func (s *Struct) gpEnd(c *sim.CPU) {
	lock := s.lockOf(s.sup.F(supLock))
	irq := lock.LockIRQSave(c)
	cbDelay := min(s.delay(c), 1)
	c.Store(s.sup.F(supLastGPEnd), uint64(c.Now()))
	rcu.SeqFinish(c, s.sup.F(supGPSeq))
	raise(c, s.sup.F(supNeededExp), c.Load(s.sup.F(supGPSeq)))
	lock.UnlockIRQRestore(c, irq)
	s.scheduleCallbacks(c, cbDelay)
	irq = lock.LockIRQSave(c)
	seq := c.Load(s.sup.F(supGPSeq))
	start := rcu.SeqState(seq) == stateIdle && seq < c.Load(s.sup.F(supNeeded))
	if start {
		s.gpStart(c)
	}
	lock.UnlockIRQRestore(c, irq)
	if start {
		s.reschedule(c, 0)
	}
}
