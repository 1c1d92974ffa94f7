package locking

import "mmsim/sim"

// Seqcount is a seqcount_t: a 4-byte sequence number that is odd while a
// writer is inside (locks-and-barriers.md section 9). Writers are serialised by
// the caller. It wraps after 2^31 write sections.
type Seqcount sim.Ref

// ReadBegin is read_seqcount_begin: it waits until no writer is inside.
func (s Seqcount) ReadBegin(c *sim.CPU) (seq uint64) {
	for {
		if seq = c.LoadAcquire(sim.Ref(s)); seq&1 == 0 {
			return seq
		}
		c.SpinUntil(sim.Never, sim.Cond{Ref: sim.Ref(s), Mask: 1, Order: sim.Acquire})
	}
}

// TryBegin is raw_seqcount_try_begin: false while a writer is inside.
func (s Seqcount) TryBegin(c *sim.CPU) (seq uint64, ok bool) {
	seq = c.LoadAcquire(sim.Ref(s))
	return seq, seq&1 == 0
}

// Read is raw_read_seqcount: the sequence as it is, perhaps odd.
func (s Seqcount) Read(c *sim.CPU) (seq uint64) { return c.LoadAcquire(sim.Ref(s)) }

// Retry is read_seqcount_retry: true if a writer came in since seq was read,
// so what was read in between means nothing.
func (s Seqcount) Retry(c *sim.CPU, seq uint64) bool {
	c.FenceUnless(breakSeqReaderRMB, sim.RMB)
	return c.Load(sim.Ref(s)) != seq
}

// WriteBegin is write_seqcount_begin.
func (s Seqcount) WriteBegin(c *sim.CPU) {
	s.bump(c)
	c.FenceUnless(breakSeqBeginWMB, sim.WMB)
}

// WriteEnd is write_seqcount_end.
func (s Seqcount) WriteEnd(c *sim.CPU) {
	c.FenceUnless(breakSeqEndWMB, sim.WMB)
	s.bump(c)
}

// bump is a plain increment: a load and a store.
func (s Seqcount) bump(c *sim.CPU) { c.Store(sim.Ref(s), c.Load(sim.Ref(s))+1) }
