package kinds

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

func (f *Factory) rwsem(name string) Lock {
	l := lockLayout(locking.RWSemMembers("rwsem", 0)...)
	s := f.b.RWSems.At(f.b.Arena.Object(l, name), locking.RWSemFieldsOf(l, "rwsem"))
	s.Init(f.cpu)
	return readWrite{semaphore{s}}
}

func (f *Factory) bravo(name string) Lock {
	l := lockLayout(append(locking.RWSemMembers("bravo", 0), locking.BravoMembers("bravo", 40)...)...)
	s := f.bravos.At(f.b.Arena.Object(l, name), l, "bravo")
	s.Init(f.cpu)
	return readWrite{semaphore{s}}
}

func (f *Factory) mutex(name string) Lock {
	l := lockLayout(locking.MutexMembers("mutex", 0)...)
	m := f.b.Mutexes.At(f.b.Arena.Object(l, name), locking.MutexFieldsOf(l, "mutex"))
	m.Init(f.cpu)
	return exclusive{m}
}

// percpuSem gives a percpu_rw_semaphore the names of twoSided.
type percpuSem struct{ s locking.PercpuRWSem }

func (x percpuSem) ReadLock(c *sim.CPU)         { x.s.DownRead(c) }
func (x percpuSem) ReadTryLock(c *sim.CPU) bool { return x.s.DownReadTrylock(c) }
func (x percpuSem) ReadUnlock(c *sim.CPU)       { x.s.UpRead(c) }
func (x percpuSem) WriteLock(c *sim.CPU)        { x.s.DownWrite(c) }
func (x percpuSem) WriteTryLock(*sim.CPU) bool  { return false }
func (x percpuSem) WriteUnlock(c *sim.CPU)      { x.s.UpWrite(c) }

func (f *Factory) percpuRWSem(name string) Lock {
	l := lockLayout(locking.PercpuRWSemMembers("percpu_rwsem.", 0)...)
	return readWrite{percpuSem{f.b.PercpuRWSems.New(f.b.Arena, f.b.Arena.Object(l, name))}}
}
