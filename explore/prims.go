package explore

import "mmsim/sim"

// The functions below are what exploration offers beyond the CPU contract.
// They work on handles of this package's executor only.

// Fail reports a broken invariant. The execution stops there: Fail does not
// return.
func Fail(c *sim.CPU, invariant string) { of(c).fail(c, invariant) }

// GhostAccess tells the search that the code about to run on this CPU reads or
// writes checker state that other CPUs' code also touches. Accesses to one key
// are explored in every order. It costs no simulated operation and orders no
// memory.
func GhostAccess(c *sim.CPU, key uint64) { of(c).ghost(c, key) }

// LastDep is the dependency carried by the value that the CPU's latest load or
// read-modify-write returned. Dependencies are merged with |.
func LastDep(c *sim.CPU) sim.Dep { return of(c).lastDep(c) }

// StoreDeps announces the dependencies of the CPU's next store or
// read-modify-write: of its data, and of the branches taken before it.
func StoreDeps(c *sim.CPU, data, ctrl sim.Dep) { of(c).storeDeps(c, data, ctrl) }

// ReadLock is rcu_read_lock as the models define it; domain 0 is RCU, any other
// number an SRCU structure.
func ReadLock(c *sim.CPU, domain uint64) { of(c).readLock(c, domain, 0) }

// ReadUnlock is rcu_read_unlock.
func ReadUnlock(c *sim.CPU, domain uint64) { of(c).readUnlock(c, domain, 0) }

// ReadLockSlot is srcu_read_lock: sections of one CPU and domain may overlap if
// they are in different slots. Within a slot they nest; slot 0 is that of
// ReadLock.
func ReadLockSlot(c *sim.CPU, domain uint64, slot int) { of(c).readLock(c, domain, slot) }

// ReadUnlockSlot is srcu_read_unlock.
func ReadUnlockSlot(c *sim.CPU, domain uint64, slot int) { of(c).readUnlock(c, domain, slot) }

// Synchronize is synchronize_rcu as the models define it.
func Synchronize(c *sim.CPU, domain uint64) { of(c).synchronize(c, domain) }

// SpinLock is spin_lock as the models define it, on a word that is 0 when free.
func SpinLock(c *sim.CPU, lock sim.Ref) { of(c).spinLock(c, lock, true) }

// SpinTrylock is spin_trylock.
func SpinTrylock(c *sim.CPU, lock sim.Ref) bool { return of(c).spinLock(c, lock, false) }

// SpinUnlock is spin_unlock.
func SpinUnlock(c *sim.CPU, lock sim.Ref) { of(c).spinUnlock(c, lock) }

// AfterUnlockLock is smp_mb__after_unlock_lock.
func AfterUnlockLock(c *sim.CPU) { of(c).afterUnlockLock(c) }

// of is the machine that runs a handle.
func of(c *sim.CPU) *machine {
	m, ok := c.Executor().(*machine)
	if !ok {
		panic("explore: " + c.Name + " does not run under exploration")
	}
	return m
}

func (m *machine) lastDep(c *sim.CPU) sim.Dep { return m.depOf(m.all[c.Slot]) }

func (m *machine) storeDeps(c *sim.CPU, data, ctrl sim.Dep) {
	if m.g != nil {
		t := &m.g.th[m.all[c.Slot].cpu]
		t.data, t.ctrl = data, ctrl
	}
}

// ghostWord is checker state that several CPUs touch: its accesses are ordered
// in time, as by reads-from.
type ghostWord struct {
	clock  []uint16
	count  int32   // accesses so far
	points []int32 // choice points of accesses, for the race check
	stamp  uint32
}

func (m *machine) ghost(c *sim.CPU, key uint64) {
	x := m.all[c.Slot]
	x.op = op{kind: opGhost, loc: none, key: key}
	m.arrive(x)
	m.ops++
	if m.g == nil {
		return
	}
	m.step(x)
	w, t := m.ghostOf(key), &m.g.th[x.cpu]
	for i, n := range w.clock {
		t.clock[i] = max(t.clock[i], n)
	}
	copy(w.clock, t.clock)
	w.count++
}

func (m *machine) ghostOf(key uint64) *ghostWord {
	w := m.ghosts[key]
	if w == nil {
		w = &ghostWord{clock: make([]uint16, len(m.cpus))}
		m.ghosts[key] = w
	}
	if w.stamp != m.stamp {
		w.stamp, w.count, w.points = m.stamp, 0, w.points[:0]
		clear(w.clock)
	}
	return w
}

func (m *machine) spinLock(c *sim.CPU, r sim.Ref, wait bool) bool {
	x, l, point := m.enter(c, r, true, true)
	x.op = op{kind: opRMW, ref: r, loc: l, order: sim.Acquire, rmw: sim.CmpXchg, arg: 1, flags: fLock, must: wait}
	if wait && !point && m.lockHeld(x) {
		m.hang(x)
	}
	old := m.perform(x, point)
	m.tr.atomic(m, x, old)
	return old == 0
}

// lockHeld reports whether a lock that no other CPU touches is held already.
func (m *machine) lockHeld(x *context) bool { return len(m.candidates(x, false)) == 0 }

// hang stops x for ever.
func (m *machine) hang(x *context) {
	x.state = stuck
	m.arrive(x)
}

func (m *machine) spinUnlock(c *sim.CPU, r sim.Ref) {
	x, l, point := m.enter(c, r, true, true)
	x.op = op{kind: opStore, ref: r, loc: l, order: sim.Release, flags: fUnlock}
	m.perform(x, point)
	m.tr.access(m, x, "write", 0)
}

func (m *machine) afterUnlockLock(c *sim.CPU) {
	x := m.all[c.Slot]
	if m.g != nil {
		m.g.afterUnlockLock(x.cpu)
	}
	m.tr.text(x, "smp_mb__after_unlock_lock")
}
