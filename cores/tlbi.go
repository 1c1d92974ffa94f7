package cores

import "mmsim/sim"

// TLBFlush says how the machine's kernel flushes other CPUs' translations.
type TLBFlush uint8

const (
	// FlushByIPI: every CPU that uses the address space is interrupted (x86).
	FlushByIPI TLBFlush = iota
	// FlushByBroadcast: the interconnect carries the invalidation to all cores
	// (arm64 TLBI ...IS, completed by DSB ISH).
	FlushByBroadcast
)

// TLBI implements sim.Executor: the invalidations leave the core behind its
// stores, go one by one through the point that orders all broadcasts of the
// machine, and reach every core in use; the CPU waits until the farthest one has
// acknowledged. The other cores' instruction streams notice nothing.
func (e *engine) TLBI(c *sim.CPU, n int) {
	if e.m.OS.TLBFlush != FlushByBroadcast {
		panic("cores: machine " + e.m.Name + " does not broadcast TLB invalidations")
	}
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, 0)
	x.drainAll()
	h.charge(Atomic, h.cycles(e.m.OS.TLBIIssue*sim.Cycles(n)))
	at := h.now + e.missDelay(h.core) + e.m.Mem.AgentLeg
	e.q.Push(at, evTLBI, int32(h.cpu), int32(n))
	x.block(syncing)
	e.traceCall(x, tr, "tlbi")
}

// broadcast handles n invalidations of CPU h at the point of order.
func (e *engine) broadcast(h *hw, n int32, at sim.Time) {
	e.tlbiFree = max(at, e.tlbiFree) + sim.Time(n)*e.m.OS.TLBIInvalidate
	done := e.tlbiFree + max(e.lookQ, e.farthest(h.core.id))
	e.sys.Announce(h.core.id, done)
	e.q.Push(done, evTLBIDone, int32(h.cpu), 0)
}

// farthest is the time for a message and its acknowledgement between the point
// of order, which is near the requester, and the farthest core in use, and for
// the completion's way to the requester.
func (e *engine) farthest(from int16) (t sim.Time) {
	for _, co := range e.cores {
		if co != nil {
			t = max(t, e.sys.RoundTrip(from, co.id))
		}
	}
	return t + e.m.Mem.AgentLeg
}

// acknowledged ends the wait of a CPU that broadcast invalidations.
func (e *engine) acknowledged(h *hw, at sim.Time) {
	e.sys.Arrived(h.core.id, at)
	h.wake(FenceStall, at)
	e.runCore(h.core)
}
