package mm

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// mmSeqcount is section 2d, the kernel of 6.14: mm_lock_seq is a seqcount that
// is odd while mmap_lock is held for writing, and VMAs are stamped with the odd
// value under their rwsem.
type mmSeqcount struct{ vmaRWSem }

// locked is mm_lock_seqcount_begin: the store barrier keeps what the writer
// changes behind the odd number.
func (mmSeqcount) locked(c *sim.CPU, m *MM) {
	if !c.Breaks(breakBeginOdd) {
		m.bumpSeq(c)
	}
	if !c.Breaks(breakBeginWMB) {
		writeBeginBarrier(c)
	}
}

// unlocking is mm_lock_seqcount_end: the store barrier keeps what the writer
// changed before the even number.
func (mmSeqcount) unlocking(c *sim.CPU, m *MM) {
	if !c.Breaks(breakEndWMB) {
		writeEndBarrier(c)
	}
	m.bumpSeq(c)
	if c.Breaks(breakBeginOdd) {
		m.bumpSeq(c)
	}
}

// bumpSeq is a plain increment: a load and a store.
func (m *MM) bumpSeq(c *sim.CPU) { c.Store(m.seq, m.s.nextSeq(c.Load(m.seq))) }

func writeBeginBarrier(c *sim.CPU) { c.SmpWMB() }
func writeEndBarrier(c *sim.CPU)   { c.SmpWMB() }

// SpeculateTryBegin is mmap_lock_speculate_try_begin: false while somebody
// holds mmap_lock for writing. Designs whose mm_lock_seq is a seqcount only:
// MMSeqcount, MMSeqcount64, VMARefcnt.
func (m *MM) SpeculateTryBegin(c *sim.CPU) (seq uint64, ok bool) {
	if c.Breaks(breakAcquire) {
		seq = c.Load(m.seq)
		return seq, seq&1 == 0
	}
	return locking.Seqcount(m.seq).TryBegin(c)
}

// SpeculateRetry is mmap_lock_speculate_retry: true if mmap_lock was taken for
// writing since SpeculateTryBegin, so that what was read in between means
// nothing.
func (m *MM) SpeculateRetry(c *sim.CPU, seq uint64) bool {
	switch {
	case c.Breaks(breakRecheck):
		return false
	case c.Breaks(breakReaderRMB):
		return c.Load(m.seq) != seq
	}
	return locking.Seqcount(m.seq).Retry(c, seq)
}
