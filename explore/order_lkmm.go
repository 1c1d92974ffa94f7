package explore

import (
	"math/bits"

	"mmsim/sim"
)

// The Linux-kernel model (tools/memory-model/linux-kernel.cat) in terms of
// sets that each CPU carries along. Rows of an event e: ppo, the direct
// predecessors by preserved program order; sf, those by a strong fence; cf, the
// closure of cumul-fence into e; cs, cf of e and of the external write it
// reads, so that prop = (overwrite & ext)?; cs.

func (g *graph) lkmmRead(t *thread, p []uint64, e, w int32, addr sim.Dep) {
	fl := g.ev[e].flags
	union(p, t.set(g, acNextR))
	g.depSet(p, t, addr)
	g.fromOwn(p, t, e, w)
	g.propagation(t, p, e)
	cs := g.row(g.cs, e)
	if g.external(g.ev[e].cpu, w) {
		union(cs, g.row(g.cf, w))
	}
	g.propInt(t, e)
	g.lkmmAdd(t, e)
	if fl&fNoReturn == 0 {
		setBit(t.set(g, acLoads), e)
	}
	if fl&fAcquire != 0 {
		setBit(t.set(g, acAny), e) // acq-po
	}
	if fl&fLock != 0 {
		g.unlockLock(t, w)
	}
}

func (g *graph) lkmmWrite(t *thread, p []uint64, e, rd int32, addr sim.Dep) {
	fl := g.ev[e].flags
	union(p, t.set(g, acNextW))
	g.into(p, t, addr)
	g.ownBefore(p, e)
	cf := g.row(g.cf, e)
	union(cf, t.set(g, acWMBc))
	if fl&(fRelease|fUnlock) != 0 { // po-rel
		union(p, t.set(g, acAll))
		union(cf, t.set(g, acCsAll))
	}
	if fl&fUnlock != 0 {
		union(t.set(g, acUL), t.set(g, acAll))
	}
	g.propagation(t, p, e)
	if rd != none {
		setBit(p, rd)
		g.rmwSequence(cf, rd)
		union(g.row(g.cs, e), cf)
	}
	g.propInt(t, e)
	g.lkmmAdd(t, e)
	setBit(t.set(g, acStores), e)
	union(t.set(g, acCfW), g.row(g.cf, e))
	if fl&fLock != 0 {
		copy(t.set(g, acLock), t.set(g, acAll))
	}
}

// propagation fills sf, cf and cs with what the CPU's fences put before e. cf
// may hold what is particular to e already.
func (g *graph) propagation(t *thread, p []uint64, e int32) {
	sf, cf := g.row(g.sf, e), g.row(g.cf, e)
	union(sf, t.set(g, acSF))
	for i, own := range t.set(g, acAll) { // fence & int, po-unlock-lock-po & int
		p[i] |= own & (sf[i] | t.set(g, acPulp)[i])
	}
	union(cf, t.set(g, acSFc))
	union(cf, t.set(g, acPulpC))
	setBit(cf, e)
	union(g.row(g.cs, e), cf)
}

// rmwSequence adds (rf; rmw)* behind a cumul-fence: what propagates before the
// write that the atomic read propagates before its own write.
func (g *graph) rmwSequence(cf []uint64, rd int32) {
	w := g.ev[rd].rf
	if w == none {
		return
	}
	own := hasBit(cf, w)
	union(cf, g.row(g.cf, w))
	if !own {
		clearBit(cf, w)
	}
}

func (g *graph) lkmmAdd(t *thread, e int32) {
	all := t.set(g, acAll)
	setBit(all, e)
	union(t.set(g, acCsAll), g.row(g.cs, e))
	if g.ev[e].flags&fRMW != 0 {
		copy(t.set(g, acRMW), all)
	}
}

// unlockLock is po-unlock-lock-po: events before a spin_unlock of this CPU, or
// before the one that this lock read from, come before all behind the lock.
func (g *graph) unlockLock(t *thread, w int32) {
	before := g.work
	copy(before, t.set(g, acUL))
	if w != none && g.ev[w].flags&fUnlock != 0 {
		union(before, g.row(g.ppo, w))
	}
	union(t.set(g, acPulp), before)
	closure := t.set(g, acPulpC)
	for e := nextBit(before, 0); e != none; e = nextBit(before, e+1) {
		union(closure, g.row(g.cf, e))
	}
}

// nextBit is the first member of a row from e on, or none.
func nextBit(row []uint64, e int32) int32 {
	i := int(e >> 6)
	if i >= len(row) {
		return none
	}
	w := row[i] >> (e & 63) << (e & 63)
	for w == 0 {
		if i++; i == len(row) {
			return none
		}
		w = row[i]
	}
	return int32(i<<6 + bits.TrailingZeros64(w))
}

func (g *graph) lkmmFence(t *thread, f sim.Fence) {
	if f == sim.MBAfterSpinlock && !g.exact {
		f = sim.MB
	}
	switch f {
	case sim.MB:
		union(t.set(g, acSF), t.set(g, acAll))
		union(t.set(g, acSFc), t.set(g, acCsAll))
	case sim.RMB, sim.AcquireAfterCtrlDep:
		union(t.set(g, acNextR), t.set(g, acLoads))
	case sim.WMB:
		union(t.set(g, acNextW), t.set(g, acStores))
		union(t.set(g, acWMBc), t.set(g, acCfW))
	case sim.MBBeforeAtomic:
		union(t.set(g, acBefore), t.set(g, acAll))
	case sim.MBAfterAtomic:
		g.strong(t, t.set(g, acRMW))
	case sim.MBAfterSpinlock:
		g.strong(t, t.set(g, acLock))
	}
}

// strong puts a strong fence between the events before and all later ones.
func (g *graph) strong(t *thread, before []uint64) {
	union(t.set(g, acSF), before)
	closure := t.set(g, acSFc)
	for e := nextBit(before, 0); e != none; e = nextBit(before, e+1) {
		union(closure, g.row(g.cs, e))
	}
}

// beforeAtomic makes smp_mb__before_atomic act: the atomic comes now.
func (g *graph) beforeAtomic(cpu int32) {
	if g.model == LKMM {
		t := &g.th[cpu]
		g.strong(t, t.set(g, acBefore))
	}
}

// afterUnlockLock is smp_mb__after_unlock_lock: events before an unlock of this
// CPU, or before any earlier unlock of the lock it took last, come before all
// later ones by a strong fence.
func (g *graph) afterUnlockLock(cpu int32) {
	if g.model != LKMM {
		return
	}
	t := &g.th[cpu]
	before := g.work
	copy(before, t.set(g, acUL))
	if lk := t.lastLock(g); lk != none {
		for _, w := range g.locs[g.ev[lk].loc].co[:g.ev[lk].pos] {
			if g.ev[w].flags&fUnlock != 0 {
				union(before, g.row(g.ppo, w))
			}
		}
	}
	g.strong(t, before)
}

// lastLock is the write of this CPU's latest spin_lock.
func (t *thread) lastLock(g *graph) int32 {
	for i := len(t.events) - 1; i >= 0; i-- {
		if e := t.events[i]; g.ev[e].flags&(fLock|fWrite) == fLock|fWrite {
			return e
		}
	}
	return none
}
