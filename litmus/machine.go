package litmus

import "mmsim/sim"

// machine gives the primitives their meaning on any executor of the CPU
// contract, by algorithms on simulated memory.
//
// A spinlock is one word, taken by an acquiring compare-and-exchange and given
// up by a releasing store (the kernel's queued lock is in kernel/locking). An
// RCU reader keeps interrupts off and does nothing else; a grace period
// interrupts every other CPU and waits until each has answered, with a full
// barrier there: it has then been seen outside of readers with its earlier
// stores performed (litmus-format.md, "Meaning"). SRCU readers count their
// sections, with the full barriers of srcu_read_lock (B) and srcu_read_unlock
// (C); a grace period waits for the sections that it finds. Sections of one
// domain that overlap in a thread are one, from the first lock to the last
// unlock: stronger than the model's.
type machine struct {
	cpus    []int           // of the threads
	periods []uint64        // grace periods that each thread has asked for
	ipis    [][]sim.Handler // by sender and receiver
	// postsUnlockLock tells that smp_mb__after_unlock_lock is a full barrier here
	// (POWER) and not nothing.
	postsUnlockLock bool
}

// newMachine prepares the platform of r.
func newMachine(r *run, cpus []int, postsUnlockLock bool) *machine {
	n := len(r.threads)
	m := &machine{cpus: cpus, periods: make([]uint64, n), ipis: make([][]sim.Handler, n),
		postsUnlockLock: postsUnlockLock}
	if !r.p.uses.rcu {
		return m
	}
	for from := range n {
		for to := range n {
			w := r.ipiWord(from, to)
			m.ipis[from] = append(m.ipis[from], func(c *sim.CPU) { c.FetchAdd(w, 1, sim.Full) })
		}
	}
	return m
}

// ipiWord counts one CPU's requests to another, and the answers.
func (r *run) ipiWord(from, to int) sim.Ref {
	return sim.At(address(r.base, r.p.rcuWords+from*len(r.threads)+to)).Ref(0, 8)
}

// srcuWord tells whether a CPU is in a reader of a domain: it is odd then.
func (r *run) srcuWord(domain, cpu int) sim.Ref {
	return sim.At(address(r.base, r.p.srcuWords+domain*len(r.threads)+cpu)).Ref(0, 8)
}

func (m *machine) longCtrl() bool             { return true }
func (m *machine) storeDeps(*thread, sim.Dep) {}

func (m *machine) storeMB(t *thread, r sim.Ref, v uint64) { t.c.StoreMB(r, v) }

func (m *machine) afterUnlockLock(t *thread) {
	if m.postsUnlockLock {
		t.c.SmpMB()
	}
}

func (m *machine) lock(t *thread, r sim.Ref) {
	for {
		t.c.SpinUntil(sim.Never, sim.Cond{Ref: r, Test: sim.Eq})
		if _, ok := t.c.CmpXchg(r, 0, 1, sim.Acquire); ok {
			break
		}
	}
	t.c.LockAcquired(r.A, sim.Exclusive)
}

func (m *machine) trylock(t *thread, r sim.Ref) bool {
	if t.c.Load(r) != 0 {
		return false
	}
	_, ok := t.c.CmpXchg(r, 0, 1, sim.Acquire)
	if ok {
		t.c.LockTried(r.A, sim.Exclusive)
	}
	return ok
}

func (m *machine) unlock(t *thread, r sim.Ref) {
	t.c.LockReleased(r.A, sim.Exclusive)
	t.c.StoreRelease(r, 0)
}

func (m *machine) readLock(t *thread)   { t.c.IRQDisable() }
func (m *machine) readUnlock(t *thread) { t.c.IRQEnable() }

func (m *machine) synchronize(t *thread) {
	m.periods[t.id]++
	t.c.SmpMB()
	for to := range m.cpus {
		if to != t.id {
			t.c.FetchAdd(t.run.ipiWord(t.id, to), 1, sim.Full)
			t.c.SendIPI(m.cpus[to], m.ipis[t.id][to])
		}
	}
	for to := range m.cpus {
		if to != t.id {
			t.c.SpinUntil(sim.Never, sim.Cond{Ref: t.run.ipiWord(t.id, to), Arg: 2 * m.periods[t.id], Order: sim.Acquire})
		}
	}
	t.c.SmpMB()
}

func (m *machine) srcuLock(t *thread, s section) {
	if t.srcuReaders(s.domain) > 0 {
		return
	}
	own := t.run.srcuWord(s.domain, t.id)
	t.c.Store(own, t.c.Load(own)+1)
	t.c.SmpMB()
}

func (m *machine) srcuUnlock(t *thread, s section) {
	if t.srcuReaders(s.domain) > 0 {
		return
	}
	own := t.run.srcuWord(s.domain, t.id)
	t.c.SmpMB()
	t.c.Store(own, t.c.Load(own)+1)
}

func (m *machine) srcuSynchronize(t *thread, domain int) {
	t.c.SmpMB()
	for cpu := range m.cpus {
		w := t.run.srcuWord(domain, cpu)
		if v := t.c.Load(w); v&1 != 0 {
			t.c.SpinUntil(sim.Never, sim.Cond{Ref: w, Test: sim.Ne, Arg: v, Order: sim.Acquire})
		}
	}
	t.c.SmpMB()
}

// waitIdle never returns.
func (t *thread) waitIdle() {
	for {
		t.c.SpinUntil(sim.Never, sim.Cond{Ref: t.run.idleWord(), Test: sim.Ne})
	}
}

// idleWord is a word that nobody writes.
func (r *run) idleWord() sim.Ref { return sim.At(address(r.base, r.p.words-1)).Ref(0, 8) }

// barrierWord counts the threads that are ready to start.
func (r *run) barrierWord() sim.Ref { return sim.At(address(r.base, r.p.words-2)).Ref(0, 8) }
