package locking

import "mmsim/sim"

// ownerState is enum owner_state: what a spinning writer makes of the owner
// word.
type ownerState uint8

const (
	ownerNull ownerState = iota
	ownerWriter
	ownerReader
	ownerNonspinnable
)

// maxSpinReaders bounds the readers that lengthen a writer's spinning.
const maxSpinReaders = 30

func ownerStateOf(owner uint64) ownerState {
	switch {
	case owner&rwsemNonspinnable != 0:
		return ownerNonspinnable
	case owner&rwsemReaderOwned != 0:
		return ownerReader
	case owner != 0:
		return ownerWriter
	}
	return ownerNull
}

// canSpinOnOwner is rwsem_can_spin_on_owner.
func (l RWSem) canSpinOnOwner(c *sim.CPU) bool {
	if !l.k.opt.OptimisticSpin || l.k.sched.NeedResched(c) {
		return false
	}
	owner := c.Load(l.owner())
	switch ownerStateOf(owner) {
	case ownerNonspinnable:
		return false
	case ownerWriter:
		return c.Load(l.onCPU(owner)) != 0
	}
	return true
}

// onCPU is the word that tells whether a writing owner runs.
func (l RWSem) onCPU(owner uint64) sim.Ref { return l.k.sched.OnCPU(sim.At(sim.Addr(owner))) }

// optimisticSpin is rwsem_optimistic_spin (section 2.5): at the head of the
// spinners' queue, wait for the owner to leave and take the lock past those who
// sleep.
func (l RWSem) optimisticSpin(c *sim.CPU) (taken bool) {
	q := l.osq()
	if !q.Lock(c) {
		return false
	}
	prev, deadline := ownerNull, sim.Never
	for {
		state, owner := l.spinOnOwner(c)
		if state == ownerNonspinnable {
			break
		}
		if taken = l.tryWriteLockUnqueued(c); taken {
			break
		}
		if state != ownerReader {
			deadline = sim.Never
		} else if prev != ownerReader {
			if c.Load(l.owner())&rwsemNonspinnable != 0 {
				break
			}
			deadline = l.readerSpinDeadline(c)
		} else if c.Now() >= deadline {
			l.setNonspinnable(c)
			break
		}
		if state != ownerWriter && l.k.sched.NeedResched(c) {
			break
		}
		prev = state
		l.spinOnce(c, state, owner, deadline)
	}
	q.Unlock(c)
	return taken
}

// spinOnce waits for what would let the next iteration of the spinning loop
// come to another end than this one: owner is not what it was, the lock can be
// taken, the caller should reschedule, or the time for spinning on readers is
// over. The kernel looks at the clock in one of 16 iterations only, and so may
// spin on for up to 15 more.
func (l RWSem) spinOnce(c *sim.CPU, state ownerState, owner uint64, deadline sim.Time) {
	if state == ownerWriter {
		c.Relax()
		return
	}
	c.SpinUntil(deadline,
		sim.Cond{Ref: l.owner(), Test: sim.Ne, Arg: owner},
		sim.Cond{Ref: l.count(), Mask: rwsemLockMask | rwsemHandoff},
		l.k.sched.NeedReschedCond(c))
}

// spinOnOwner is rwsem_spin_on_owner: it returns the state of an owner that is
// no writer, or not the same writer any more, and the owner word. A writer that
// does not run is not worth waiting for.
func (l RWSem) spinOnOwner(c *sim.CPU) (ownerState, uint64) {
	if !l.k.opt.OptimisticSpin {
		return ownerNonspinnable, 0
	}
	owner := c.Load(l.owner())
	if state := ownerStateOf(owner); state != ownerWriter {
		return state, owner
	}
	if c.SpinUntil(sim.Never,
		sim.Cond{Ref: l.owner(), Test: sim.Ne, Arg: owner},
		sim.Cond{Ref: l.onCPU(owner)},
		l.k.sched.NeedReschedCond(c)) != 0 {
		return ownerNonspinnable, owner
	}
	owner = c.Load(l.owner())
	return ownerStateOf(owner), owner
}

// tryWriteLockUnqueued is rwsem_try_write_lock_unqueued: waiters do not keep a
// spinner out, a handoff does.
func (l RWSem) tryWriteLockUnqueued(c *sim.CPU) bool {
	v, ok := c.Load(l.count()), false
	for !ok && v&(rwsemLockMask|rwsemHandoff) == 0 {
		v, ok = c.CmpXchg(l.count(), v, v|rwsemWriterLocked, sim.Acquire)
	}
	if ok {
		l.setOwner(c)
	}
	return ok
}

// readerSpinDeadline is rwsem_rspin_threshold: more readers take longer to
// leave.
func (l RWSem) readerSpinDeadline(c *sim.CPU) sim.Time {
	readers := min(c.Load(l.count())&rwsemReaderMask>>rwsemReaderShift, maxSpinReaders)
	return c.Now() + l.k.opt.ReaderSpin + sim.Time(readers)*l.k.opt.ReaderSpinEach
}

// setNonspinnable is rwsem_set_nonspinnable: no writer spins on these readers
// any more.
func (l RWSem) setNonspinnable(c *sim.CPU) {
	v, ok := c.Load(l.owner()), false
	for !ok && v&rwsemOwnerFlags == rwsemReaderOwned {
		v, ok = c.CmpXchg(l.owner(), v, v|rwsemNonspinnable, sim.Full)
	}
}

// clearNonspinnable lets writers spin on readers again.
func (l RWSem) clearNonspinnable(c *sim.CPU) {
	if l.k.opt.OptimisticSpin && c.Load(l.owner())&rwsemNonspinnable != 0 {
		c.AtomicAnd(l.owner(), ^uint64(rwsemNonspinnable))
	}
}
