package srcu

import (
	"mmsim/kernel/rcu"
	"mmsim/sim"
)

// scan is try_check_zero for the phase of the grace period: as many unlocks as
// locks at the other index, on all CPUs together. It ends in scanned, or in a
// later scan.
func (s *Struct) scan(c *sim.CPU) {
	tries := int64(tryCountScan1)
	if rcu.SeqState(c.Load(s.sup.F(supGPSeq))) == stateScan2 {
		tries = tryCountScan2
	}
	if s.delay(c) == 0 {
		tries++
	}
	if s.flavor == Fast {
		c.Store(s.sup.F(supTryCount), uint64(tries))
		s.scanBehindRCU(c)
		return
	}
	for {
		unlocks := s.sum(c, s.other(c), offUnlocks)
		c.SmpMB() // A: a lock is counted if its unlock is
		if s.sum(c, s.other(c), offLocks) == unlocks {
			s.scanned(c)
			return
		}
		if tries--; tries <= 0 {
			s.endWork(c)
			return
		}
		s.udelay(c)
	}
}

// sum is srcu_readers_lock_idx and srcu_readers_unlock_idx: one line of every
// possible CPU.
func (s *Struct) sum(c *sim.CPU, idx Index, off uint64) (n uint64) {
	for cpu := range s.k.cpus {
		n += c.Load(s.data.Of(cpu).Ref(uint64(idx)*ctrBytes+off, 8))
	}
	return n
}

// scanBehindRCU is a scan for readers without barriers: an RCU grace period (X)
// between the two sums stands in for A and for theirs. The worker of the kernel
// sleeps in synchronize_rcu, or its expedited form; here call_rcu brings the
// interrupt that goes on.
func (s *Struct) scanBehindRCU(c *sim.CPU) {
	c.Store(s.sup.F(supUnlocks), s.sum(c, s.other(c), offUnlocks))
	s.k.rcu.CallRCU(c, s.sup.Add(offStackHead), s.scannedCb)
}

// afterRCU is the second half of scanBehindRCU.
func (s *Struct) afterRCU(c *sim.CPU, _ sim.Ptr) {
	if s.sum(c, s.other(c), offLocks) == c.Load(s.sup.F(supUnlocks)) {
		s.scanned(c)
		return
	}
	tries := c.Load(s.sup.F(supTryCount)) - 1
	if tries == 0 {
		s.endWork(c)
		return
	}
	c.Store(s.sup.F(supTryCount), tries)
	s.udelay(c)
	s.scanBehindRCU(c)
}

// udelay waits out the time between two tries; no store ends the wait.
func (s *Struct) udelay(c *sim.CPU) {
	c.SpinUntil(c.Now()+s.k.opt.RetryDelay, sim.Cond{Ref: s.sup.F(supGPStart), Arg: ^uint64(0)})
}

// Readers is srcu_readers_active: how many sections are open, of both indexes,
// if nobody enters or leaves meanwhile.
func (s *Struct) Readers(c *sim.CPU) int64 {
	n := uint64(0)
	for idx := range Index(2) {
		n += s.sum(c, idx, offLocks) - s.sum(c, idx, offUnlocks)
	}
	return int64(n)
}
