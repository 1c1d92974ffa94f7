package cores

import "mmsim/sim"

// lowering is how a machine's ordering class carries out the kernel's
// primitives (shared facts: locks-and-barriers.md section 16): the base cost
// of the instructions, and what they wait for.
type lowering struct {
	acquire             sim.Cycles // beyond the load
	release             sim.Cycles // beyond the store
	acquireAfterRelease bool       // LDAR waits for earlier STLR (RCsc)
	rmw                 [5]rmwLowering
	fence               [sim.NumFences]fenceLowering
}

type rmwLowering struct {
	cost  sim.Cycles
	after sim.Cycles // barrier behind it, which a failed cmpxchg skips
	drain bool       // earlier stores must be visible first
}

type fenceLowering struct {
	cost   sim.Cycles
	drain  bool // waits for the store buffer
	marker bool // later stores must not pass earlier ones
}

func lower(m *Machine) lowering {
	c := &m.Costs
	if m.Ordering == X86TSO {
		return lowerX86(c)
	}
	mb := fenceLowering{cost: c.MB, drain: true}
	rmb := fenceLowering{cost: c.RMB + c.LostOverlap}
	low := lowering{
		acquire:             c.Acquire + c.LostOverlap,
		release:             c.Release,
		acquireAfterRelease: m.Ordering == ARM64 || m.Ordering == ARM64LSE,
	}
	low.rmw[sim.Relaxed] = rmwLowering{cost: c.Atomic}
	low.rmw[sim.Acquire] = rmwLowering{cost: c.Atomic + c.AtomicAcq}
	low.rmw[sim.Release] = rmwLowering{cost: c.Atomic + c.AtomicRel, drain: true}
	low.rmw[sim.Full] = rmwLowering{cost: c.Atomic + c.AtomicFull, drain: true}
	switch m.Ordering {
	case ARM64: // LDXR, STLXR, DMB ISH
		low.rmw[sim.Full] = rmwLowering{cost: c.Atomic, after: c.MB, drain: true}
	case POWER: // sync, loop, sync
		low.rmw[sim.Full] = rmwLowering{cost: c.MB + c.Atomic, after: c.MB, drain: true}
	}
	low.fence[sim.MB] = mb
	low.fence[sim.RMB] = rmb
	low.fence[sim.WMB] = fenceLowering{cost: c.WMB, marker: true}
	low.fence[sim.MBBeforeAtomic] = mb
	low.fence[sim.MBAfterAtomic] = mb
	low.fence[sim.MBAfterSpinlock] = mb
	low.fence[sim.AcquireAfterCtrlDep] = rmb
	return low
}

// lowerX86: acquire, release, rmb and wmb are compiler barriers; every locked
// operation is a full fence whatever its suffix; smp_mb is a LOCK ADD.
func lowerX86(c *InstrCosts) lowering {
	var low lowering
	for o := range low.rmw {
		low.rmw[o] = rmwLowering{cost: c.Atomic, drain: true}
	}
	low.fence[sim.MB] = fenceLowering{cost: c.MB, drain: true}
	return low
}

// Fence implements sim.Executor.
func (e *engine) Fence(c *sim.CPU, f sim.Fence) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	h.count(Fences)
	low := &e.low.fence[f]
	if low.drain {
		x.drainAll()
	}
	if low.marker && h.sb.n > 0 {
		h.sb.epoch++
	}
	if low.cost > 0 {
		h.charge(Atomic, h.cycles(low.cost))
	}
	if e.opt.Trace != nil {
		e.trace(x, tr, f.String(), sim.Relaxed, sim.Ref{}, 0)
	}
}
