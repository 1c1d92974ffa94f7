package explore

import "mmsim/sim"

// step counts one step of x's CPU in its clock.
func (m *machine) step(x *context) {
	m.g.th[x.cpu].clock[x.cpu]++
}

// apply carries out x's operation in the graph as k says. It returns the value
// loaded and the last event added, or none.
func (m *machine) apply(x *context, k cand) (uint64, int32) {
	o := &x.op
	switch o.kind {
	case opLoad:
		e := m.g.read(x.cpu, o.loc, k.w, orderFlags(o.order), o.ref.D)
		return part(o.ref, m.g.ev[e].val), e
	case opStore:
		return 0, m.store(x, k.w)
	case opRMW:
		return m.atomic(x, k.w)
	case opSpin:
		if k.cond < 0 {
			return 0, none
		}
		c := &x.c.Conds[k.cond]
		e := m.g.read(x.cpu, o.locs[k.cond], k.w, orderFlags(c.Order), c.Ref.D)
		return part(c.Ref, m.g.ev[e].val), e
	}
	return 0, none
}

func orderFlags(o sim.Order) evFlags {
	switch o {
	case sim.Acquire:
		return fAcquire
	case sim.Release:
		return fRelease
	}
	return 0
}

func (m *machine) store(x *context, after int32) int32 {
	o := &x.op
	lo := &m.g.locs[o.loc]
	fl := o.flags | orderFlags(o.order)
	if wordMask(o.ref) != lo.mask {
		fl |= fPartial
	}
	v := merge(o.ref, m.g.value(o.loc, after), o.arg)
	return m.g.write(x.cpu, o.loc, after, v, fl, o.ref.D, none)
}

// atomic is a read-modify-write that reads from w. Which instructions it is made
// of is in locks-and-barriers.md section 16.
func (m *machine) atomic(x *context, w int32) (uint64, int32) {
	o, g := &x.op, m.g
	word := g.value(o.loc, w)
	old := part(o.ref, word)
	v, writes := o.rmw.Apply(old, o.arg, o.cmp, o.ref.Size)
	full := o.order == sim.Full && writes
	locked := o.order != sim.ThisCPU && (writes || o.flags&fLock == 0) // a failed trylock only loads
	if locked {
		g.locked(x.cpu)
	}
	g.beforeAtomic(x.cpu)
	if full && g.model == LKMM {
		g.fence(x.cpu, sim.MB)
	}
	rd := g.read(x.cpu, o.loc, w, m.readFlags(o, writes), o.ref.D)
	e := rd
	if writes {
		e = g.write(x.cpu, o.loc, w, merge(o.ref, word, v), m.writeFlags(o), o.ref.D, rd)
	}
	if locked {
		g.locked(x.cpu)
	}
	if full && g.model == LKMM {
		g.fence(x.cpu, sim.MB)
	}
	return old, e
}

// readFlags are those of an atomic's read. One that does not write is a plain
// load.
func (m *machine) readFlags(o *op, writes bool) evFlags {
	fl := fRMW
	if o.rmw&sim.Void != 0 {
		fl |= fNoReturn
	}
	if !writes {
		return fl
	}
	if o.order == sim.Acquire || o.order == sim.Full && m.model == ARM64 {
		fl |= fAcquire
	}
	return fl | o.flags
}

func (m *machine) writeFlags(o *op) evFlags {
	fl := fRMW | o.flags
	if wordMask(o.ref) != m.g.locs[o.loc].mask {
		fl |= fPartial
	}
	switch {
	case o.order == sim.Release:
		fl |= fRelease
	case o.order == sim.Full && m.model == ARM64:
		fl |= fRelease | fFull
	}
	return fl
}

// direct carries out x's operation in plain memory.
func (m *machine) direct(x *context, k cand) uint64 {
	o := &x.op
	switch o.kind {
	case opLoad:
		return m.mem.Read(o.ref.A, o.ref.Size)
	case opStore:
		m.poke(o.ref, o.arg)
	case opRMW:
		old := m.mem.Read(o.ref.A, o.ref.Size)
		if v, writes := o.rmw.Apply(old, o.arg, o.cmp, o.ref.Size); writes {
			m.poke(o.ref, v)
		}
		return old
	case opSpin:
		if k.cond >= 0 {
			c := &x.c.Conds[k.cond]
			return m.mem.Read(c.Ref.A, c.Ref.Size)
		}
	}
	return 0
}
