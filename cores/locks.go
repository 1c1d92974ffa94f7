package cores

import (
	"mmsim/coherence"
	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// newTracker follows the locks of the run.
func (e *engine) newTracker() *lockstat.Tracker {
	return lockstat.NewTracker(lockstat.Options{Syms: e.prog.Syms, From: e.warm, To: e.end, Distance: e.cpuDistance})
}

// Lock implements sim.Executor.
func (e *engine) Lock(c *sim.CPU, ev sim.LockEvent, lock sim.Addr, m sim.LockMode) {
	h := e.ctxs[c.Slot].hw
	e.locks.Note(c, &lockstat.Event{Kind: ev, Mode: m, Lock: lock, At: h.now, CPU: h.cpu, Group: h.acct.Group, Step: h.step})
}

func (e *engine) cpuDistance(from, to int) lockstat.Distance {
	if from == to {
		return lockstat.SameCPU
	}
	a, b := e.hws[from].core.id, e.hws[to].core.id
	switch e.sys.Distance(a, b) {
	case coherence.SameCore:
		return lockstat.SameCore
	case coherence.SameDomain:
		return lockstat.SameDomain
	case coherence.SameSocket:
		return lockstat.SameSocket
	}
	return lockstat.OtherSocket
}
