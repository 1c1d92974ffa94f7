package kinds

import "mmsim/sim"

// twoSided is a lock with a read side and a write side.
type twoSided interface {
	ReadLock(c *sim.CPU)
	ReadTryLock(c *sim.CPU) bool
	ReadUnlock(c *sim.CPU)
	WriteLock(c *sim.CPU)
	WriteTryLock(c *sim.CPU) bool
	WriteUnlock(c *sim.CPU)
}

// readWrite is the Lock of a lock with two sides.
type readWrite struct{ l twoSided }

func (x readWrite) Lock(c *sim.CPU, m sim.LockMode) {
	if m == sim.Shared {
		x.l.ReadLock(c)
	} else {
		x.l.WriteLock(c)
	}
}

func (x readWrite) TryLock(c *sim.CPU, m sim.LockMode) bool {
	if m == sim.Shared {
		return x.l.ReadTryLock(c)
	}
	return x.l.WriteTryLock(c)
}

func (x readWrite) Unlock(c *sim.CPU, m sim.LockMode) {
	if m == sim.Shared {
		x.l.ReadUnlock(c)
	} else {
		x.l.WriteUnlock(c)
	}
}

// rwSem is what the kernel's semaphores with readers and writers have in
// common, and semaphore gives their functions the names of twoSided.
type rwSem interface {
	DownRead(c *sim.CPU)
	DownReadTrylock(c *sim.CPU) bool
	UpRead(c *sim.CPU)
	DownWrite(c *sim.CPU)
	DownWriteTrylock(c *sim.CPU) bool
	UpWrite(c *sim.CPU)
}

type semaphore struct{ s rwSem }

func (x semaphore) ReadLock(c *sim.CPU)          { x.s.DownRead(c) }
func (x semaphore) ReadTryLock(c *sim.CPU) bool  { return x.s.DownReadTrylock(c) }
func (x semaphore) ReadUnlock(c *sim.CPU)        { x.s.UpRead(c) }
func (x semaphore) WriteLock(c *sim.CPU)         { x.s.DownWrite(c) }
func (x semaphore) WriteTryLock(c *sim.CPU) bool { return x.s.DownWriteTrylock(c) }
func (x semaphore) WriteUnlock(c *sim.CPU)       { x.s.UpWrite(c) }
