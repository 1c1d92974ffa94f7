package rcu

import "mmsim/sim"

// Domain is whose readers a grace period waits for: those of RCU, of Tasks-Trace
// RCU, or of one srcu_struct.
type Domain uint64

const (
	// DomainRCU are the readers of rcu_read_lock.
	DomainRCU Domain = iota
	// DomainTasksTrace are the readers of rcu_read_lock_trace.
	DomainTasksTrace
	// DomainSRCU is the first srcu_struct; the next ones follow.
	DomainSRCU
)

// Model is RCU as memory models define it: sections and grace periods, and no
// algorithm. A kernel that is built with one (Options.Model) leaves the
// algorithms of this package and of package srcu out, so that a search over all
// orders need not go through them: a grace period ends whenever the model allows.
type Model interface {
	ReadLock(c *sim.CPU, d Domain)
	ReadUnlock(c *sim.CPU, d Domain)
	Synchronize(c *sim.CPU, d Domain)
	// Call runs f when a grace period that begins now has ended.
	Call(c *sim.CPU, d Domain, f func(c *sim.CPU))
}

// Model is what the kernel was built with; nil is none.
func (r *RCU) Model() Model { return r.opt.Model }

// CallModel is call_rcu of a domain under the model.
func (r *RCU) CallModel(c *sim.CPU, d Domain, head sim.Ptr, cb Callback) {
	r.SetFunc(c, head, cb)
	r.opt.Model.Call(c, d, func(c *sim.CPU) { r.Invoke(c, head) })
}

// algorithmOnly stops what a model has no word for.
func (r *RCU) algorithmOnly(name string) {
	if r.opt.Model != nil {
		panic("rcu: " + name + " has no meaning under a model")
	}
}
