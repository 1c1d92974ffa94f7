package configs

import (
	"mmsim/cores"
	"mmsim/sim"
)

// orderCosts says whose instruction costs a machine has.
type orderCosts uint8

const (
	listedCosts  orderCosts = iota // those of the keys under ordering
	costsByClass                   // those of its ordering class, whatever the keys say
)

// baseCost is the cost of an instruction with nothing to wait for, as its source
// has it: in cycles, or as a time, which is the same on any clock.
type baseCost struct {
	cycles sim.Cycles
	time   sim.Time
}

func (b baseCost) at(clock sim.Hertz) sim.Cycles {
	return b.cycles + sim.Cycles((b.time+clock.Period()/2)/clock.Period())
}

// lwsync and hwsync are the figures of machines.md 1.19 for POWER, both C: 5 to 15
// ns, and a fabric round trip of typically 20 to 40 ns.
var (
	lwsync = baseCost{time: 10 * sim.Nanosecond}
	hwsync = baseCost{time: 30 * sim.Nanosecond}
)

// classCost is a typical core of one ordering class.
type classCost struct {
	atomic, mb, rmb, wmb, acquire, release, atomicAcq, atomicRel, atomicFull, thisCPU, lostOverlap baseCost
}

func cycles(n sim.Cycles) baseCost { return baseCost{cycles: n} }

// classCosts are the costs of each ordering class on a typical core of it. Letters
// are confidences of machines.md. No sheet has thisCPU (a load and a store off
// x86) and lostOverlap: both are guesses, the same for all classes off x86.
var classCosts = [...]classCost{
	// 1.22: LOCK ADD 18 cycles on Intel servers, A; the other primitives are no
	// instructions.
	cores.X86TSO: {atomic: cycles(18), mb: cycles(18), thisCPU: cycles(1)},
	// 1.23: LL/SC add 20 cycles on an A72, A; DMB 5 to 15 and 10 to 20 cycles idle,
	// LDAR and STLR 0 to 2 more than a load or store, C.
	cores.ARM64: {atomic: cycles(20), mb: cycles(15), rmb: cycles(10), wmb: cycles(10), acquire: cycles(1), release: cycles(1),
		atomicAcq: cycles(1), atomicRel: cycles(1), atomicFull: cycles(2), thisCPU: cycles(2), lostOverlap: cycles(4)},
	// 1.14: atomic add 5.3 ns at 2.5 GHz on Neoverse N1, A; the rest as above.
	cores.ARM64LSE: {atomic: cycles(13), mb: cycles(15), rmb: cycles(10), wmb: cycles(10), acquire: cycles(1), release: cycles(1),
		atomicAcq: cycles(1), atomicRel: cycles(1), atomicFull: cycles(2), thisCPU: cycles(2), lostOverlap: cycles(4)},
	// 1.19: larx 3 and stcx 10 cycles on POWER8, B; lwsync and hwsync C. The
	// isync of acquire atomics is patched to lwsync (locks-and-barriers.md 16).
	cores.POWER: {atomic: cycles(13), mb: hwsync, rmb: lwsync, wmb: lwsync, acquire: lwsync, release: lwsync,
		atomicAcq: lwsync, atomicRel: lwsync, thisCPU: cycles(2), lostOverlap: cycles(4)},
	// 1.20: AMO 12 cycles and 5 cycles of an ordered load or store beyond a plain
	// one (X60), fence 5 cycles (CV32E40X), B. That many cores drain their stores at
	// every fence is not in it.
	cores.RISCV: {atomic: cycles(12), mb: cycles(5), rmb: cycles(5), wmb: cycles(5), acquire: cycles(5), release: cycles(5),
		atomicAcq: cycles(5), atomicRel: cycles(5), thisCPU: cycles(2), lostOverlap: cycles(4)},
}

// costs are those of the class at a clock.
func (k *classCost) costs(clock sim.Hertz) cores.InstrCosts {
	return cores.InstrCosts{Atomic: k.atomic.at(clock), MB: k.mb.at(clock), RMB: k.rmb.at(clock), WMB: k.wmb.at(clock),
		Acquire: k.acquire.at(clock), Release: k.release.at(clock), AtomicAcq: k.atomicAcq.at(clock), AtomicRel: k.atomicRel.at(clock),
		AtomicFull: k.atomicFull.at(clock), ThisCPU: k.thisCPU.at(clock), LostOverlap: k.lostOverlap.at(clock)}
}
