package locking

import "mmsim/sim"

// What checks can take out of the spinlocks.
var (
	breakTASAcquire    = sim.NewBreak("tas.acquire", "acquire order of the cmpxchg that takes a test-and-set lock")
	breakTASRelease    = sim.NewBreak("tas.release", "release order of the store that drops a test-and-set lock")
	breakTicketRelease = sim.NewBreak("ticket.release", "release order of the store that drops a ticket lock")
)

func acquireUnless(c *sim.CPU, b sim.Break) sim.Order {
	if c.Breaks(b) {
		return sim.Relaxed
	}
	return sim.Acquire
}
