package simtest

import (
	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// newTracker follows the locks of the run, all of it measured. There is no
// distance here: two CPUs are one or not.
func newTracker(syms *sim.Symbols) *lockstat.Tracker {
	return lockstat.NewTracker(lockstat.Options{Syms: syms, To: sim.Never, Distance: func(from, to int) lockstat.Distance {
		if from == to {
			return lockstat.SameCPU
		}
		return lockstat.SameDomain
	}})
}

// Lock implements sim.Executor.
func (m *Machine) Lock(c *sim.CPU, ev sim.LockEvent, lock sim.Addr, mode sim.LockMode) {
	x := m.slots[c.Slot]
	m.Locks.Note(c, &lockstat.Event{Kind: ev, Mode: mode, Lock: lock, At: m.now, CPU: x.cpu, Step: x.step})
}
