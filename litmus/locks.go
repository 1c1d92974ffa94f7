package litmus

import "mmsim/sim"

// A spinlock is one word here, taken by an acquiring compare-and-exchange and
// given up by a releasing store: the primitive that the memory models know, not
// the kernel's queued algorithm (which kernel/locking has).

// lock is spin_lock: it waits until the word is zero. Taking a lock that the
// thread holds waits for ever.
func (t *thread) lock(r sim.Ref) {
	for {
		t.c.SpinUntil(sim.Never, sim.Cond{Ref: r, Test: sim.Eq})
		if _, ok := t.c.CmpXchg(r, 0, 1, sim.Acquire); ok {
			break
		}
	}
	t.c.LockAcquired(r.A, sim.Exclusive)
}

// unlock is spin_unlock.
func (t *thread) unlock(r sim.Ref) {
	t.c.LockReleased(r.A, sim.Exclusive)
	t.c.StoreRelease(r, 0)
}

// trylock is spin_trylock: a load, and the exchange if it found the lock free.
func (t *thread) trylock(r sim.Ref) val {
	if t.c.Load(r) != 0 {
		return val{}
	}
	if _, ok := t.c.CmpXchg(r, 0, 1, sim.Acquire); !ok {
		return val{}
	}
	t.c.LockTried(r.A, sim.Exclusive)
	return val{v: 1}
}
