package rcu

import "mmsim/sim"

// Segments of the callback list, by the tail that ends each of them. The
// kernel has one more (next-ready), which saves a waiting callback part of a
// grace period when one is in progress already.
const (
	segDone = iota // grace period over
	segWait        // waiting for the grace period cblist.gp_seq
	segNext        // not assigned to a grace period yet
)

func tail(c *sim.CPU, d sim.Ptr, seg int) uint64 { return c.Load(d.FI(cbTails, seg)) }

func setTail(c *sim.CPU, d sim.Ptr, seg int, t uint64) { c.Store(d.FI(cbTails, seg), t) }

// link is the pointer that a tail designates: the next field of the last
// rcu_head, or the list's head.
func link(t uint64) sim.Ref { return sim.At(sim.Addr(t)).Ref(0, 8) }

func (r *RCU) enqueue(c *sim.CPU, d, head sim.Ptr) {
	c.Store(headNext(head), 0)
	c.Store(link(tail(c, d, segNext)), uint64(head.A))
	setTail(c, d, segNext, uint64(headNext(head).A))
}

// hasCallbacks reports whether any callback is queued on this CPU.
func hasCallbacks(c *sim.CPU, d sim.Ptr) bool { return c.Load(d.F(cbHead)) != 0 }

// advance moves waiting callbacks to done if gp_seq says that their grace
// period is over.
func advance(c *sim.CPU, d sim.Ptr, gpSeq uint64) {
	wait := tail(c, d, segWait)
	if wait != tail(c, d, segDone) && gpSeq >= c.Load(d.F(cbGPSeq)) {
		setTail(c, d, segDone, wait)
	}
}

// unassigned reports whether there are callbacks that could start to wait for
// a grace period.
func unassigned(c *sim.CPU, d sim.Ptr) bool {
	wait := tail(c, d, segWait)
	return wait == tail(c, d, segDone) && wait != tail(c, d, segNext)
}

// accelerate makes the unassigned callbacks wait for gp_seq to reach need.
func accelerate(c *sim.CPU, d sim.Ptr, need uint64) {
	setTail(c, d, segWait, tail(c, d, segNext))
	c.Store(d.F(cbGPSeq), need)
}

// extractDone takes the done callbacks off the list and returns the first of
// their chain.
func (r *RCU) extractDone(c *sim.CPU, d sim.Ptr) sim.Ptr {
	head := uint64(d.F(cbHead).A)
	last := tail(c, d, segDone)
	if last == head {
		return sim.Ptr{}
	}
	first := c.LoadPtr(d.F(cbHead))
	c.Store(d.F(cbHead), c.Load(link(last)))
	c.Store(link(last), 0)
	for seg := range int(cbTails.Count) {
		if tail(c, d, seg) == last {
			setTail(c, d, seg, head)
		}
	}
	return first
}
