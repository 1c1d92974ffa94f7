package kinds

import (
	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// spinner is what the spinlocks with nothing but a word have in common.
type spinner interface {
	Lock(c *sim.CPU)
	TryLock(c *sim.CPU) bool
	Unlock(c *sim.CPU)
}

// exclusive is the Lock of a lock without a read side.
type exclusive struct{ l spinner }

func (x exclusive) Lock(c *sim.CPU, _ sim.LockMode)         { x.l.Lock(c) }
func (x exclusive) TryLock(c *sim.CPU, _ sim.LockMode) bool { return x.l.TryLock(c) }
func (x exclusive) Unlock(c *sim.CPU, _ sim.LockMode)       { x.l.Unlock(c) }

// word places one word, called "kind.field" in reports, on a line of its own.
func (f *Factory) word(field string, size sim.Size, name string) sim.Ref {
	l := lockLayout(sim.F(field, 0, size))
	return f.b.Arena.Object(l, name).F(l.Field(field))
}

// lockLayout is the layout of a lock object: its struct is called "lock".
func lockLayout(fs ...sim.Field) *sim.Layout {
	bytes := uint32(64)
	for _, f := range fs {
		bytes = max(bytes, (f.End()+63)&^63)
	}
	return sim.NewLayout("lock", bytes, 64, fs...)
}

// preemption is the scheduler that the simple spinlocks disable preemption
// with, if they do.
func (f *Factory) preemption() *sched.Scheduler {
	if f.o.Preemptible {
		return nil
	}
	return f.b.Sched
}

func (f *Factory) tas(name string) Lock {
	return exclusive{locking.TASLockAt(f.word("tas.val", 4, name), f.preemption())}
}

func (f *Factory) ticket(name string) Lock {
	return exclusive{locking.TicketLockAt(f.word("ticket.val", 4, name), f.preemption())}
}

func (f *Factory) qspinlock(name string) Lock {
	return exclusive{f.b.Spin.At(f.word("qspinlock.val", 4, name))}
}

// mcsLock has a node for each task, so that locks may be nested and released
// in any order.
type mcsLock struct {
	l     locking.MCSLock
	nodes sim.Ptr
}

func (f *Factory) mcs(name string) Lock {
	n := locking.MCSNodeLayout
	return mcsLock{
		l:     locking.MCSLockAt(f.word("mcs.tail", 8, name), f.preemption()),
		nodes: f.b.Arena.Bytes(uint64(f.b.Sched.Tasks())*uint64(n.Bytes), uint64(n.Align), n),
	}
}

func (x mcsLock) node(c *sim.CPU) sim.Ptr {
	if c.InIRQ || c.Task < 0 {
		panic("kinds: an MCS lock outside a task: " + c.Name)
	}
	return x.nodes.Add(uint64(c.Task) * uint64(locking.MCSNodeLayout.Bytes))
}

func (x mcsLock) Lock(c *sim.CPU, _ sim.LockMode)         { x.l.Lock(c, x.node(c)) }
func (x mcsLock) TryLock(c *sim.CPU, _ sim.LockMode) bool { return x.l.TryLock(c, x.node(c)) }
func (x mcsLock) Unlock(c *sim.CPU, _ sim.LockMode)       { x.l.Unlock(c, x.node(c)) }

func (f *Factory) qrwlock(name string) Lock {
	l := lockLayout(locking.QRWLockMembers("qrwlock", 0)...)
	return readWrite{locking.QRWLockAt(f.b.Arena.Object(l, name), l, "qrwlock", f.b.Spin, f.b.Sched)}
}

// seqLock is a seqlock_t whose locking readers are read_seqlock_excl.
type seqLock struct{ locking.SeqLock }

func (x seqLock) ReadLock(c *sim.CPU)         { x.ReadLockExcl(c) }
func (x seqLock) ReadTryLock(c *sim.CPU) bool { return x.ReadTryLockExcl(c) }
func (x seqLock) ReadUnlock(c *sim.CPU)       { x.ReadUnlockExcl(c) }

// optimistic adds the readers that do not lock.
type optimistic struct {
	readWrite
	l locking.SeqLock
}

func (x optimistic) ReadBegin(c *sim.CPU) uint64           { return x.l.ReadBegin(c) }
func (x optimistic) ReadRetry(c *sim.CPU, seq uint64) bool { return x.l.ReadRetry(c, seq) }

func (f *Factory) seqlock(name string) Lock {
	l := lockLayout(locking.SeqLockMembers("seqlock", 0)...)
	s := locking.SeqLockAt(f.b.Arena.Object(l, name), l, "seqlock", f.b.Spin)
	return optimistic{readWrite{seqLock{s}}, s}
}
