package qspinlock

import "mmsim/sim"

// What checks can take out.
var (
	breakAcquire = sim.NewBreak("qspinlock.acquire", "acquire order of the cmpxchg that takes a free spinlock")
	breakRelease = sim.NewBreak("qspinlock.release", "release order of the store that drops a spinlock")
	breakPending = sim.NewBreak("qspinlock.pending-acquire", "acquire order of the load with which the pending waiter sees the holder leave")
)
