package check

import (
	"mmsim/explore"
	"mmsim/kernel/rcu"
	"mmsim/kernel/srcu"
	"mmsim/sim"
)

// graces is RCU as the memory model defines it. A callback runs where its thread
// waits for the grace period; what no thread waits for ends after everything else.
type graces struct {
	on     bool         // executions run; before, one CPU builds the initial state
	queued [][]callback // by CPU
}

type callback struct {
	domain rcu.Domain
	f      func(c *sim.CPU)
}

var _ rcu.Model = (*graces)(nil)

func newGraces(cpus int) *graces { return &graces{queued: make([][]callback, cpus)} }

// reset makes ready for an execution.
func (g *graces) reset() {
	g.on = true
	for i := range g.queued {
		g.queued[i] = g.queued[i][:0]
	}
}

// ReadLock implements rcu.Model.
func (g *graces) ReadLock(c *sim.CPU, d rcu.Domain) {
	if g.on {
		explore.ReadLock(c, uint64(d))
	}
}

// ReadUnlock implements rcu.Model.
func (g *graces) ReadUnlock(c *sim.CPU, d rcu.Domain) {
	if g.on {
		explore.ReadUnlock(c, uint64(d))
	}
}

// Synchronize implements rcu.Model.
func (g *graces) Synchronize(c *sim.CPU, d rcu.Domain) {
	if g.on {
		explore.Synchronize(c, uint64(d))
	}
}

// Call implements rcu.Model.
func (g *graces) Call(c *sim.CPU, d rcu.Domain, f func(c *sim.CPU)) {
	if !g.on {
		f(c)
		return
	}
	g.queued[c.ID()] = append(g.queued[c.ID()], callback{d, f})
}

// wait lets a thread wait for the grace periods of all its callbacks, one after
// the other, and runs them; those that they queue as well.
func (g *graces) wait(c *sim.CPU) {
	q := &g.queued[c.ID()]
	for len(*q) > 0 {
		cb := (*q)[0]
		*q = (*q)[1:]
		g.Synchronize(c, cb.domain)
		cb.f(c)
	}
}

// names are how columns tell the functions of RCU domains apart.
func names(srcus *srcu.Domains) func(d uint64) [3]string {
	return func(d uint64) [3]string {
		switch domain := rcu.Domain(d); domain {
		case rcu.DomainRCU:
			return [3]string{"rcu_read_lock", "rcu_read_unlock", "synchronize_rcu"}
		case rcu.DomainTasksTrace:
			return [3]string{"rcu_read_lock_trace", "rcu_read_unlock_trace", "synchronize_rcu_tasks_trace"}
		default:
			of := "(" + srcus.Name(domain) + ")"
			return [3]string{"srcu_read_lock" + of, "srcu_read_unlock" + of, "synchronize_srcu" + of}
		}
	}
}
