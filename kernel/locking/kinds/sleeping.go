package kinds

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// rwSem is what the semaphores with readers and writers have in common.
type rwSem interface {
	DownRead(c *sim.CPU)
	DownReadTrylock(c *sim.CPU) bool
	UpRead(c *sim.CPU)
	DownWrite(c *sim.CPU)
	DownWriteTrylock(c *sim.CPU) bool
	UpWrite(c *sim.CPU)
}

type semaphore struct{ s rwSem }

func (x semaphore) Lock(c *sim.CPU, m sim.LockMode) {
	if m == sim.Shared {
		x.s.DownRead(c)
	} else {
		x.s.DownWrite(c)
	}
}

func (x semaphore) TryLock(c *sim.CPU, m sim.LockMode) bool {
	if m == sim.Shared {
		return x.s.DownReadTrylock(c)
	}
	return x.s.DownWriteTrylock(c)
}

func (x semaphore) Unlock(c *sim.CPU, m sim.LockMode) {
	if m == sim.Shared {
		x.s.UpRead(c)
	} else {
		x.s.UpWrite(c)
	}
}

func (f *Factory) rwsem(name string) Lock {
	l := lockLayout(locking.RWSemMembers("rwsem", 0)...)
	s := f.b.RWSems.At(f.b.Arena.Object(l, name), locking.RWSemFieldsOf(l, "rwsem"))
	s.Init(f.cpu)
	return semaphore{s}
}
