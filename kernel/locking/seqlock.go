package locking

import "mmsim/sim"

// SeqLockMembers declares the members of a seqlock_t called name at offset off
// of the embedding struct, for sim.NewLayout: name.sequence at 0 and name.lock
// at 4; 8 bytes.
func SeqLockMembers(name string, off uint32) []sim.Field {
	return []sim.Field{sim.F(name+".sequence", off, 4), sim.F(name+".lock", off+4, 4)}
}

// SeqLock is a seqlock_t: a sequence counter whose writers a spinlock
// serialises (locks-and-barriers.md section 9). Zero words are its initial
// state.
type SeqLock struct {
	seq  Seqcount
	lock SpinLock
}

// SeqLockAt is the lock called name of the object at p with layout l.
func SeqLockAt(p sim.Ptr, l *sim.Layout, name string, spin *SpinLocks) SeqLock {
	return SeqLock{Seqcount(p.F(l.Field(name + ".sequence"))), spin.At(p.F(l.Field(name + ".lock")))}
}

// ReadBegin is read_seqbegin.
func (l SeqLock) ReadBegin(c *sim.CPU) (seq uint64) { return l.seq.ReadBegin(c) }

// ReadRetry is read_seqretry.
func (l SeqLock) ReadRetry(c *sim.CPU, seq uint64) bool { return l.seq.Retry(c, seq) }

// WriteLock is write_seqlock.
func (l SeqLock) WriteLock(c *sim.CPU) {
	l.lock.Lock(c)
	l.seq.WriteBegin(c)
}

// WriteTryLock takes the lock for writing if nobody holds its spinlock. The
// kernel spells it spin_trylock and write_seqcount_begin.
func (l SeqLock) WriteTryLock(c *sim.CPU) bool {
	if !l.lock.TryLock(c) {
		return false
	}
	l.seq.WriteBegin(c)
	return true
}

// WriteUnlock is write_sequnlock.
func (l SeqLock) WriteUnlock(c *sim.CPU) {
	l.seq.WriteEnd(c)
	l.lock.Unlock(c)
}

// ReadLockExcl is read_seqlock_excl: a reader that keeps writers and other
// such readers out, and does not disturb the readers that retry.
func (l SeqLock) ReadLockExcl(c *sim.CPU) { l.lock.Lock(c) }

// ReadTryLockExcl is the trylock of the same.
func (l SeqLock) ReadTryLockExcl(c *sim.CPU) bool { return l.lock.TryLock(c) }

// ReadUnlockExcl is read_sequnlock_excl.
func (l SeqLock) ReadUnlockExcl(c *sim.CPU) { l.lock.Unlock(c) }

// ReadBeginOrLock is read_seqbegin_or_lock: without the lock when *seq is even,
// as it is at first, and with it when *seq is odd. The caller makes *seq odd
// (seq = 1) when a lockless pass failed.
func (l SeqLock) ReadBeginOrLock(c *sim.CPU, seq *uint64) {
	if *seq&1 == 0 {
		*seq = l.ReadBegin(c)
	} else {
		l.ReadLockExcl(c)
	}
}

// NeedRetry is need_seqretry: whether a lockless pass was in vain.
func (l SeqLock) NeedRetry(c *sim.CPU, seq uint64) bool { return seq&1 == 0 && l.ReadRetry(c, seq) }

// DoneRetry is done_seqretry, after the last pass.
func (l SeqLock) DoneRetry(c *sim.CPU, seq uint64) {
	if seq&1 != 0 {
		l.ReadUnlockExcl(c)
	}
}

// SeqcountLatch is a seqcount_latch_t: the writer keeps two copies of the data
// and one of them is whole at any time, so a reader, even one in an interrupt
// over the writer, never waits for it. Writers are serialised by the caller.
type SeqcountLatch sim.Ref

// WriteBegin is write_seqcount_latch_begin: readers go to copy 1, and copy 0
// may be written.
func (s SeqcountLatch) WriteBegin(c *sim.CPU) { s.flip(c) }

// Write is write_seqcount_latch: readers go to copy 0, and copy 1 may be
// written.
func (s SeqcountLatch) Write(c *sim.CPU) { s.flip(c) }

// flip is raw_write_seqcount_latch.
func (s SeqcountLatch) flip(c *sim.CPU) {
	c.SmpWMB()
	Seqcount(s).bump(c)
	c.SmpWMB()
}

// Read is raw_read_seqcount_latch: the copy to read is the value's lowest bit,
// and what is reached through it is ordered by the address dependency.
func (s SeqcountLatch) Read(c *sim.CPU) sim.Value { return c.LoadValue(sim.Ref(s)) }

// Retry is read_seqcount_latch_retry.
func (s SeqcountLatch) Retry(c *sim.CPU, seq sim.Value) bool { return Seqcount(s).Retry(c, seq.V) }
