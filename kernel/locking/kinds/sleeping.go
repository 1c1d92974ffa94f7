package kinds

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// apart is the distance that keeps two words in different lines of every
// supported size, and out of each other's adjacent-line prefetch.
const apart = 128

// rwsemLayout is the layout of an object with the rw_semaphore called name.
func (f *Factory) rwsemLayout(name string, members []sim.Field) *sim.Layout {
	if f.o.Lines == SplitOwner {
		for i := range members {
			if members[i].Name == name+".owner" {
				members[i].Off = apart
			}
		}
	}
	return lockLayout(members...)
}

func (f *Factory) rwsem(name string) Lock {
	l := f.rwsemLayout("rwsem", locking.RWSemMembers("rwsem", 0))
	s := f.b.RWSems.At(f.b.Arena.Object(l, name), locking.RWSemFieldsOf(l, "rwsem"))
	s.Init(f.cpu)
	return readWrite{semaphore{s}}
}

func (f *Factory) bravo(name string) Lock {
	l := f.rwsemLayout("bravo", append(locking.RWSemMembers("bravo", 0), locking.BravoMembers("bravo", 40)...))
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
