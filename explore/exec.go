package explore

import (
	"fmt"

	"mmsim/sim"
)

var _ sim.Executor = (*machine)(nil)

// enter is the start of every memory operation: it finds the word's location
// (none if the access is of no interest to other CPUs), and tells whether the
// access is a choice point. A word that one CPU alone touches stays out of the
// graph, unless dependencies are to be carried through it, or its accesses
// order others.
func (m *machine) enter(c *sim.CPU, r sim.Ref, write, ordered bool) (x *context, loc int32, point bool) {
	x = m.all[c.Slot]
	if r.A >= sim.MaxAddr {
		m.fail(c, fmt.Sprintf("a wild pointer is used: %d bytes at %#x", r.Size, uint64(r.A)))
	}
	w := m.words.find(r.A &^ 7)
	if w.note(x.cpu, wordMask(r), write, ordered) && m.end == going && !m.allWords {
		m.end = relearn
		x.yield()
	}
	if m.g == nil {
		return x, none, w.shared || m.allWords
	}
	if !w.shared && !w.ordered && !m.allWords && !m.p.ExactDeps {
		return x, none, false
	}
	if w.loc == none {
		w.loc = m.g.addLoc()
	}
	if w.stamp != m.stamp {
		w.stamp = m.stamp
		m.g.locs[w.loc].init = m.mem.Read(w.addr, 8)
		m.g.locs[w.loc].mask = w.mask
		m.g.locs[w.loc].addr = w.addr
	}
	return x, w.loc, w.shared || m.allWords
}

// perform brings x to its operation and carries it out: at once if it is no
// choice point, else when the driver says so.
func (m *machine) perform(x *context, point bool) uint64 {
	if point {
		m.arrive(x)
	} else {
		x.pick = m.newest(x)
	}
	m.ops++
	m.rec.choice(m, x)
	if !m.onGraph(x) {
		return m.direct(x, x.pick)
	}
	m.tr.past(m, x)
	m.step(x)
	if l := m.pickLoc(x); x.op.kind != opStore && x.pick.w != m.g.locs[l].coh[x.cpu] {
		x.polls = false // it has seen something new
	}
	v, e := m.apply(x, x.pick)
	m.wrote(e)
	m.g.consistent(e) // notes what the choice orders
	return v
}

// wrote counts event e if it is a write that changes its word.
func (m *machine) wrote(e int32) {
	if v := &m.g.ev[e]; v.flags&fWrite != 0 {
		before := none
		if v.pos > 0 {
			before = m.g.locs[v.loc].co[v.pos-1]
		}
		if m.g.value(v.loc, before) != v.val {
			m.writes++
		}
	}
}

// onGraph reports whether x's operation, as picked, is an event of the graph.
func (m *machine) onGraph(x *context) bool {
	if m.g == nil {
		return false
	}
	if x.op.kind == opSpin {
		return x.pick.cond >= 0 && x.op.locs[x.pick.cond] != none
	}
	return x.op.loc != none
}

// Load implements sim.Executor.
func (m *machine) Load(c *sim.CPU, r sim.Ref, o sim.Order) (uint64, sim.Dep) {
	x, l, point := m.enter(c, r, false, o != sim.Relaxed)
	if l == none && !point {
		m.ops++
		return m.mem.Read(r.A, r.Size), r.D
	}
	x.op = op{kind: opLoad, ref: r, loc: l, order: o}
	v := m.perform(x, point)
	m.tr.access(m, x, "read", v)
	return v, m.depOf(x)
}

// Store implements sim.Executor.
func (m *machine) Store(c *sim.CPU, r sim.Ref, v uint64, o sim.Order) {
	x, l, point := m.enter(c, r, true, o != sim.Relaxed)
	if l == none && !point {
		m.ops++
		m.poke(r, v)
		return
	}
	x.op = op{kind: opStore, ref: r, loc: l, order: o, arg: v}
	m.perform(x, point)
	m.tr.access(m, x, "write", v&r.Size.Mask())
}

// RMW implements sim.Executor.
func (m *machine) RMW(c *sim.CPU, r sim.Ref, k sim.RMWOp, arg, cmp uint64, o sim.Order) (uint64, sim.Dep) {
	if k == sim.Xchg|sim.Void && o == sim.Full && m.model >= ARM64 { // smp_store_mb
		m.Store(c, r, arg, sim.Relaxed)
		m.Fence(c, sim.MB)
		return 0, 0
	}
	ordered := o != sim.Relaxed && o != sim.ThisCPU || m.model == X86TSO
	x, l, point := m.enter(c, r, true, ordered)
	x.op = op{kind: opRMW, ref: r, loc: l, order: o, rmw: k, arg: arg, cmp: cmp}
	v := m.perform(x, point)
	m.tr.atomic(m, x, v)
	return v, m.depOf(x)
}

func (m *machine) depOf(x *context) sim.Dep {
	if m.g == nil {
		return 0
	}
	return m.g.th[x.cpu].dep
}

// Fence implements sim.Executor.
func (m *machine) Fence(c *sim.CPU, f sim.Fence) {
	x := m.all[c.Slot]
	if m.g != nil {
		m.g.fence(x.cpu, f)
	}
	m.tr.barrier(x, f.String())
}

// Bulk implements sim.Executor, word by word.
func (m *machine) Bulk(c *sim.CPU, dst, src sim.Ptr, bytes uint64) {
	for i := uint64(0); i < bytes; i += 8 {
		var v uint64
		if !src.IsNull() {
			v, _ = m.Load(c, src.Ref(i, 8), sim.Relaxed)
		}
		m.Store(c, dst.Ref(i, 8), v, sim.Relaxed)
	}
}

// Spin implements sim.Executor: it blocks until a condition can hold. A
// deadline may pass at any time.
func (m *machine) Spin(c *sim.CPU, deadline sim.Time) int {
	x := m.all[c.Slot]
	o := op{kind: opSpin, loc: none, timeout: deadline != sim.Never}
	point := o.timeout
	for i := range c.Conds {
		k := &c.Conds[i]
		_, l, p := m.enter(c, k.Ref, false, true)
		o.locs[i], point = l, point || p
	}
	x.op = o
	if !point && len(m.candidates(x, false)) == 0 {
		point = true // for ever, unless the word turns out to be shared
	}
	m.perform(x, point)
	k := int(x.pick.cond)
	m.tr.spin(m, x, k)
	return k
}

// Prefetch implements sim.Executor; it has no effect here.
func (m *machine) Prefetch(*sim.CPU, sim.Ref, bool) {}

// Compute implements sim.Executor; time does not pass here.
func (m *machine) Compute(*sim.CPU, sim.Cycles) {}

// Think implements sim.Executor; time does not pass here.
func (m *machine) Think(*sim.CPU, sim.Time) {}

// Relax implements sim.Executor: the loop around it polls, so others run first,
// and no value is polled again while there is a newer one. A round that saw
// nothing new leads to no other unless some write comes: the context waits.
func (m *machine) Relax(c *sim.CPU) {
	x := m.all[c.Slot]
	x.idle = x.polls && x.polled == m.writes
	x.polls, x.polled, x.yielded = true, m.writes, true
}

// polling reports whether x waits in a polling loop for any write.
func (m *machine) polling(x *context) bool { return x.idle && x.polled == m.writes }

// Lock implements sim.Executor: annotations have no effect here.
func (m *machine) Lock(*sim.CPU, sim.LockEvent, sim.Addr, sim.LockMode) {}

// CPUID implements sim.Executor.
func (m *machine) CPUID(c *sim.CPU) int { return int(m.all[c.Slot].cpu) }

// Now implements sim.Executor: a clock that stands still while anything goes on,
// so that no schedule can be told from another by it, and is put forward to the
// timers and ticks that come.
func (m *machine) Now(*sim.CPU) sim.Time { return m.clock }

// Step implements sim.Executor.
func (m *machine) Step(c *sim.CPU, s sim.Step) sim.Step {
	x := m.all[c.Slot]
	prev := x.step
	x.step = s
	return prev
}

// Count implements sim.Executor.
func (m *machine) Count(*sim.CPU, sim.Counter, int64) {}

// OpBegin implements sim.Executor.
func (m *machine) OpBegin(*sim.CPU) {}

// OpEnd implements sim.Executor.
func (m *machine) OpEnd(*sim.CPU) {}

// poke writes plain memory, to be undone after the execution.
func (m *machine) poke(r sim.Ref, v uint64) {
	a := r.A &^ 7
	old := m.mem.Read(a, 8)
	m.undo = append(m.undo, undoWord{a, old})
	m.mem.Write(r.A, r.Size, v)
	if merge(r, old, v) != old {
		m.writes++
	}
}
