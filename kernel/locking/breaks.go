package locking

import "mmsim/sim"

// What checks can take out of the locks.
var (
	breakTASAcquire     = sim.NewBreak("tas.acquire", "acquire order of the cmpxchg that takes a test-and-set lock")
	breakTASRelease     = sim.NewBreak("tas.release", "release order of the store that drops a test-and-set lock")
	breakTicketRelease  = sim.NewBreak("ticket.release", "release order of the store that drops a ticket lock")
	breakRWSemAcquire   = sim.NewBreak("rwsem.acquire", "acquire order of the cmpxchg that takes a free rwsem for writing")
	breakRWSemRelease   = sim.NewBreak("rwsem.release", "release order of the atomic that drops an rwsem held for writing")
	breakMutexAcquire   = sim.NewBreak("mutex.acquire", "acquire order of the cmpxchg that takes a free mutex")
	breakMutexRelease   = sim.NewBreak("mutex.release", "release order of the cmpxchg that drops a mutex without waiters")
	breakPercpuReaderMB = sim.NewBreak("percpu-rwsem.reader-mb", "smp_mb between a reader's count and its look at block (A)")
	breakPercpuLeaveMB  = sim.NewBreak("percpu-rwsem.leave-mb", "smp_mb before a leaving reader's count (B)")
	// BreakFilePut is asked for by package file as well.
	BreakFilePut      = sim.NewBreak("file.put-full", "full order of the atomics between fput and the free memory (f_ref, put_cred): release alone is left")
	breakSeqReaderRMB = sim.NewBreak("seqlock.reader-rmb", "smp_rmb before a reader's second look at the sequence")
	breakSeqBeginWMB  = sim.NewBreak("seqlock.begin-wmb", "smp_wmb behind the odd sequence")
	breakSeqEndWMB    = sim.NewBreak("seqlock.end-wmb", "smp_wmb before the even sequence")
)
