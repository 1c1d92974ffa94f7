package kinds

import "mmsim/kernel/locking"

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
