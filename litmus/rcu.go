package litmus

import "mmsim/sim"

// RCU is the primitive of the models, not the kernel's tree of nodes
// (kernel/rcu has that). Readers do nothing but keep interrupts off. A grace
// period interrupts every other CPU and waits until each has answered: none can
// while it is in a reader. The answer is a full barrier there, so that a CPU has
// been seen outside of readers with its earlier stores performed
// (litmus-format.md, "Meaning"): what a real quiescent state gives.

// makeIPIs makes the handlers of every pair of CPUs. The word of a pair counts
// the sender's requests and the receiver's answers.
func (r *run) makeIPIs() {
	n := len(r.threads)
	r.ipis = make([][]sim.Handler, n)
	for from := range n {
		for to := range n {
			w := r.ipiWord(from, to)
			r.ipis[from] = append(r.ipis[from], func(c *sim.CPU) { c.FetchAdd(w, 1, sim.Full) })
		}
	}
}

func (r *run) ipiWord(from, to int) sim.Ref {
	return sim.At(address(r.base, r.p.rcuWords+from*len(r.threads)+to)).Ref(0, 8)
}

// rcu executes the primitives of RCU.
func (t *thread) rcu(n *node) {
	switch n.op {
	case opReadLock:
		if t.readers == 0 {
			t.c.IRQDisable()
		}
		t.readers++
	case opReadUnlock:
		if t.readers == 0 {
			t.fail(n.at, "rcu_read_unlock outside of a reader")
			return
		}
		if t.readers--; t.readers == 0 {
			t.c.IRQEnable()
		}
	default:
		t.synchronize()
	}
}

// synchronize is synchronize_rcu. Inside a reader it waits for the caller
// itself, for ever.
func (t *thread) synchronize() {
	if t.readers > 0 {
		t.c.SpinUntil(sim.Never, sim.Cond{Ref: t.run.ipiWord(t.id, t.id), Test: sim.Ne})
	}
	t.periods++
	t.c.SmpMB()
	for to := range t.run.threads {
		if to != t.id {
			t.c.FetchAdd(t.run.ipiWord(t.id, to), 1, sim.Full)
			t.c.SendIPI(t.run.cpus[to], t.run.ipis[t.id][to])
		}
	}
	for to := range t.run.threads {
		if to != t.id {
			t.c.SpinUntil(sim.Never, sim.Cond{Ref: t.run.ipiWord(t.id, to), Arg: uint64(2 * t.periods), Order: sim.Acquire})
		}
	}
	t.c.SmpMB()
}

// srcuWord tells whether a CPU is in a reader of a domain: it is odd then.
func (t *thread) srcuWord(domain, cpu int) sim.Ref {
	r := t.run
	return sim.At(address(r.base, r.p.srcuWords+domain*len(r.threads)+cpu)).Ref(0, 8)
}

// srcuOp executes the primitives of SRCU. Readers count their sections in a
// word of their own, with the full barriers of the kernel's srcu_read_lock (B)
// and srcu_read_unlock (C); a grace period waits for the sections that it finds.
// srcu_read_lock returns 0, as in the models.
func (t *thread) srcuOp(n *node, r sim.Ref) {
	domain := t.run.p.variableAt(t.run.base, int64(r.A))
	switch n.op {
	case opSRCULock:
		if t.srcu[domain]++; t.srcu[domain] == 1 {
			own := t.srcuWord(domain, t.id)
			t.c.Store(own, t.c.Load(own)+1)
			t.c.SmpMB()
		}
	case opSRCUUnlock:
		if t.srcu[domain] == 0 {
			t.fail(n.at, "srcu_read_unlock outside of a reader of this domain")
			return
		}
		if t.srcu[domain]--; t.srcu[domain] == 0 {
			own := t.srcuWord(domain, t.id)
			t.c.SmpMB()
			t.c.Store(own, t.c.Load(own)+1)
		}
	default:
		t.srcuSynchronize(domain)
	}
}

// srcuSynchronize is synchronize_srcu. Inside a reader of the domain it waits for
// the caller itself, for ever.
func (t *thread) srcuSynchronize(domain int) {
	t.c.SmpMB()
	for cpu := range t.run.threads {
		w := t.srcuWord(domain, cpu)
		if v := t.c.Load(w); v&1 != 0 {
			t.c.SpinUntil(sim.Never, sim.Cond{Ref: w, Test: sim.Ne, Arg: v, Order: sim.Acquire})
		}
	}
	t.c.SmpMB()
}
