package explore

import "mmsim/sim"

// orderRead fills the rows of read e and adds it to its CPU's sets.
func (g *graph) orderRead(t *thread, e, w int32, addr sim.Dep) {
	p := g.row(g.ppo, e)
	union(p, t.set(g, acAny))
	switch g.model {
	case SC:
		t.replace(g, acAny, e)
	case X86TSO: // loads come before everything later
		t.replace(g, acAny, e)
	case ARM64:
		g.armRead(t, p, e, w, addr)
	case LKMM:
		g.lkmmRead(t, p, e, w, addr)
	}
}

// orderWrite fills the rows of write e, the second half of an atomic if rd is
// not none, and adds it to its CPU's sets.
func (g *graph) orderWrite(t *thread, e, rd int32, addr sim.Dep) {
	p := g.row(g.ppo, e)
	union(p, t.set(g, acAny))
	switch g.model {
	case SC:
		t.replace(g, acAny, e)
	case X86TSO: // the store buffer is first in, first out
		union(p, t.set(g, acNextW))
		t.replace(g, acNextW, e)
	case ARM64:
		g.armWrite(t, p, e, rd, addr)
	case LKMM:
		g.lkmmWrite(t, p, e, rd, addr)
	}
}

// replace makes e the only member of set k: what was there precedes e.
func (t *thread) replace(g *graph, k int, e int32) {
	s := t.set(g, k)
	clear(s)
	setBit(s, e)
}

// into adds the dependencies that write e has to its predecessors: of its
// address, its data and the branches before it.
func (g *graph) into(p []uint64, t *thread, addr sim.Dep) {
	if !g.exact {
		union(p, t.set(g, acLoads))
		return
	}
	g.depSet(p, t, addr|t.data|t.ctrl)
}

// ownBefore adds this CPU's earlier accesses to the location of write e, back
// to its last write there: po-loc to a write is order in Armv8 (lws) and in the
// kernel model (overwrite & int).
func (g *graph) ownBefore(p []uint64, e int32) {
	for q := g.ev[e].prev; q != none; q = g.ev[q].prev {
		setBit(p, q)
		if g.ev[q].flags&fWrite != 0 {
			return
		}
	}
}

// fromOwn adds the dependencies of an own write that read e is served from:
// (addr | data); rfi.
func (g *graph) fromOwn(p []uint64, t *thread, e, w int32) {
	if g.exact && w != none && g.ev[w].cpu == g.ev[e].cpu {
		g.depSet(p, t, g.ev[w].deps|g.ev[w].addr)
	}
}

// armRead is the local order of the Armv8 model (bob, dob, aob) into a read.
func (g *graph) armRead(t *thread, p []uint64, e, w int32, addr sim.Dep) {
	fl := g.ev[e].flags
	g.depSet(p, t, addr)
	g.fromOwn(p, t, e, w)
	if fl&fAcquire != 0 {
		union(p, t.set(g, acRel)) // [L]; po; [A]
		if w != none && g.ev[w].cpu == g.ev[e].cpu && g.ev[w].rf != none {
			setBit(p, w) // [range(rmw)]; rfi; [A]
		}
		setBit(t.set(g, acAny), e)
	}
	g.depSet(t.set(g, acNextW), t, addr) // addr; po; [W]
	setBit(t.set(g, acAll), e)
	// DMB ISHLD does not order the load half of STADD, but that of an LDXR/STXR
	// loop, which kernels without LSE run. What holds on both is shown.
	setBit(t.set(g, acLoads), e)
}

// armWrite is the local order of the Armv8 model into a write.
func (g *graph) armWrite(t *thread, p []uint64, e, rd int32, addr sim.Dep) {
	fl := g.ev[e].flags
	union(p, t.set(g, acNextW))
	g.into(p, t, addr)
	g.ownBefore(p, e)
	if rd != none {
		setBit(p, rd)
	}
	if fl&fRelease != 0 {
		union(p, t.set(g, acAll))
		setBit(t.set(g, acRel), e)
	}
	g.depSet(t.set(g, acNextW), t, addr)
	setBit(t.set(g, acAll), e)
	setBit(t.set(g, acStores), e)
	if fl&fFull != 0 { // [range([A]; amo; [L])]; po
		setBit(t.set(g, acAny), e)
	}
}

// fence adds a barrier to cpu's program order.
func (g *graph) fence(cpu int32, f sim.Fence) {
	t := &g.th[cpu]
	switch g.model {
	case X86TSO:
		if f == sim.MB {
			union(t.set(g, acAny), t.set(g, acNextW))
		}
	case ARM64:
		switch f {
		case sim.RMB, sim.AcquireAfterCtrlDep: // DMB ISHLD
			union(t.set(g, acAny), t.set(g, acLoads))
		case sim.WMB: // DMB ISHST
			union(t.set(g, acNextW), t.set(g, acStores))
		default: // DMB ISH
			union(t.set(g, acAny), t.set(g, acAll))
		}
	case LKMM:
		g.lkmmFence(t, f)
	}
}

// locked is what an atomic instruction does to the store buffer on x86, be its
// compare successful or not.
func (g *graph) locked(cpu int32) {
	if g.model == X86TSO {
		g.fence(cpu, sim.MB)
	}
}
