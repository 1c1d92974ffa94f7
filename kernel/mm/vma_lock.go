package mm

import (
	"mmsim/sim"
)

var (
	retries       = sim.NewCounter("retries")
	vmaWriteLocks = sim.NewCounter("vma_write_locks")
	lockWaits     = sim.NewCounter("lock_waits")
)

// isWriteLocked is __is_vma_write_locked: the VMA bears the stamp of this
// write section. It returns the number to stamp with.
func (m *MM) isWriteLocked(c *sim.CPU, vma sim.Ptr) (seq uint64, locked bool) {
	stamp := c.Load(vma.F(m.s.vf.lockSeq))
	seq = c.Load(m.seq)
	return seq, stamp == seq
}

func (m *MM) stamp(c *sim.CPU, vma sim.Ptr, seq uint64) { c.Store(vma.F(m.s.vf.lockSeq), seq) }

// neverLocked is the stamp of a VMA that was never write-locked (-1).
func (s *System) neverLocked() uint64 { return s.seqMask }

// nextSeq is the sequence number behind n. Numbers wrap at the width of the
// run's sequences (Config.SeqBits).
func (s *System) nextSeq(n uint64) uint64 { return (n + 1) & s.seqMask }

// covers tests the VMA's range, with loads of vm_start and vm_end.
func (m *MM) covers(c *sim.CPU, vma sim.Ptr, addr uint64) bool {
	return addr >= c.Load(vma.F(m.s.vf.start)) && addr < c.Load(vma.F(m.s.vf.end))
}

// StartWrite is vma_start_write: the caller, who holds mmap_lock for writing,
// is about to change the VMA. The lock ends with mmap_lock's.
func (m *MM) StartWrite(c *sim.CPU, vma sim.Ptr) { m.s.locking.startWrite(c, m, vma) }

// LockVMAUnderRCU is lock_vma_under_rcu: the VMA at addr, locked for reading,
// or false where the caller has to fall back to mmap_lock. Designs with VMA
// locks only (all but MMapLock).
func (m *MM) LockVMAUnderRCU(c *sim.CPU, addr uint64) (vma sim.Ptr, ok bool) {
	return m.s.locking.lockVMA(c, m, addr)
}

// VMAEndRead is vma_end_read.
func (m *MM) VMAEndRead(c *sim.CPU, vma sim.Ptr) { m.s.locking.endRead(c, m, vma) }
