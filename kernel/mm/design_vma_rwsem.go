package mm

import "mmsim/sim"

// vmaRWSemWriter is sections 2b and 2c: VMAs are stamped under their rwsem;
// mm_lock_seq moves once, with release, when mmap_lock is let go.
type vmaRWSemWriter struct{}

func (vmaRWSemWriter) vmaLocks() bool              { return true }
func (vmaRWSemWriter) locked(*sim.CPU, *MM)        {}
func (vmaRWSemWriter) unlocking(c *sim.CPU, m *MM) { endWriteAllRelease(c, m) }

func (vmaRWSemWriter) startWrite(c *sim.CPU, m *MM, vma sim.Ptr) {
	seq, locked := m.isWriteLocked(c, vma)
	if locked {
		return
	}
	l := m.vmaLock(c, vma)
	l.DownWrite(c)
	m.stamp(c, vma, seq)
	l.UpWrite(c)
}

// endWriteAllRelease is vma_end_write_all of 6.4.8 to 6.13: all VMA write
// locks end with one release store, which pairs with the acquire in
// vma_start_read.
func endWriteAllRelease(c *sim.CPU, m *MM) { c.StoreRelease(m.seq, c.Load(m.seq)+1) }
