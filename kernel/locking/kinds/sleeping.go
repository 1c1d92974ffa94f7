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

// percpuRWSem adds the trylock that the kernel does not have.
type percpuRWSem struct{ locking.PercpuRWSem }

// DownWriteTrylock fails: a writer always has to wait for a grace period.
func (percpuRWSem) DownWriteTrylock(*sim.CPU) bool { return false }

func (f *Factory) percpu(name string) Lock {
	l := lockLayout(locking.PercpuRWSemMembers("percpu.", 0)...)
	return readWrite{semaphore{percpuRWSem{f.b.PercpuRWSems.New(f.b.Arena, f.b.Arena.Object(l, name))}}}
}
