package locking

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

var waitPercpuRWSem = sim.NewWaitReason("percpu-rwsem")

// Offsets of the members of a percpu_rw_semaphore (locks-and-barriers.md
// section 1).
const (
	percpuRSS       = 0
	percpuReadCount = 48
	percpuWriter    = 56
	percpuWaiters   = 64
	percpuBlock     = 88
	// PercpuRWSemBytes is the size of a percpu_rw_semaphore.
	PercpuRWSemBytes = 96
)

// PercpuRWSemMembers declares a percpu_rw_semaphore at offset off of the
// embedding struct; prefix is "name." of the member, or empty.
func PercpuRWSemMembers(prefix string, off uint32) []sim.Field {
	fs := append(rcu.SyncMembers(prefix+"rss.", off+percpuRSS), wait.HeadMembers(prefix+"waiters.", off+percpuWaiters)...)
	return append(fs,
		sim.F(prefix+"read_count", off+percpuReadCount, 8),
		sim.F(prefix+"writer", off+percpuWriter, 8),
		sim.F(prefix+"block", off+percpuBlock, 4))
}

// readCountLayout is the per-CPU counter of one semaphore. The kernel packs
// the counters of a CPU closer; here each has a line.
var readCountLayout = sim.NewLayout("percpu_read_count", 64, 64, sim.F("read_count", 0, 4))

// PercpuRWSems makes the percpu_rw_semaphores of one kernel.
type PercpuRWSems struct {
	sched  *sched.Scheduler
	rcu    *rcu.RCU
	wait   *wait.Queues
	cpus   int
	stride uint64 // between the counters of two CPUs
	wake   wait.FuncID
}

// NewPercpuRWSems prepares for semaphores over the given RCU and wait queues.
func NewPercpuRWSems(s *sched.Scheduler, r *rcu.RCU, wq *wait.Queues) *PercpuRWSems {
	k := &PercpuRWSems{sched: s, rcu: r, wait: wq, cpus: s.CPUs()}
	k.wake = wq.Register(k.wakeFunction)
	return k
}

// New is percpu_init_rwsem of the semaphore at p: it allocates the per-CPU
// counters. Set-up only.
func (k *PercpuRWSems) New(a *kmem.Arena, p sim.Ptr) PercpuRWSem {
	counts := a.PerCPU(readCountLayout, k.cpus)
	if k.cpus > 1 {
		k.stride = uint64(counts.Of(1).A - counts.Of(0).A)
	}
	l, c := k.At(p), sim.NewDirect(a.Mem)
	c.Store(l.readCount, uint64(counts.Of(0).A))
	l.rss.Init(c)
	l.waiters.Init(c)
	return l
}

// At is the percpu_rw_semaphore at p, which New has initialised.
func (k *PercpuRWSems) At(p sim.Ptr) PercpuRWSem {
	return PercpuRWSem{k: k, p: p, rss: k.rcu.SyncAt(p.Add(percpuRSS)),
		readCount: p.Ref(percpuReadCount, 8), writer: k.wait.RCUWaitAt(p.Ref(percpuWriter, 8)),
		waiters: k.wait.At(p.Add(percpuWaiters)), block: p.Ref(percpuBlock, 4)}
}

// PercpuRWSem is a percpu_rw_semaphore (kernel/locking/percpu-rwsem.c, section
// 8): while no writer is around a reader changes its CPU's counter only, without
// a fence; a writer pays a grace period and sums the counters of all CPUs.
type PercpuRWSem struct {
	k         *PercpuRWSems
	p         sim.Ptr
	rss       rcu.Sync
	readCount sim.Ref
	writer    wait.RCUWait
	waiters   wait.Queue
	block     sim.Ref
}

// addr is the address that the lock is known by.
func (l PercpuRWSem) addr() sim.Addr { return l.block.A }

// contended notes that the caller has to wait.
func (l PercpuRWSem) contended(c *sim.CPU, m sim.LockMode) {
	c.Count(lockWaits, 1)
	c.LockContended(l.addr(), m)
}

// count is the counter of a CPU.
func (l PercpuRWSem) count(c *sim.CPU, cpu int) sim.Ref {
	return c.LoadPtr(l.readCount).Ref(uint64(cpu)*l.k.stride, 4)
}

// addCount is this_cpu_add of n to the counter.
func (l PercpuRWSem) addCount(c *sim.CPU, n uint64) { c.ThisCPUAdd(l.count(c, c.ID()), n) }

// DownRead is percpu_down_read. Its section without preemption is a read-side
// section of rcu_sync.
func (l PercpuRWSem) DownRead(c *sim.CPU) {
	l.k.rcu.ReadLock(c)
	if l.rss.IsIdle(c) {
		l.addCount(c, 1)
	} else {
		l.downReadSlow(c)
	}
	l.k.rcu.ReadUnlock(c)
	c.LockAcquired(l.addr(), sim.Shared)
}

// downReadSlow is __percpu_down_read.
func (l PercpuRWSem) downReadSlow(c *sim.CPU) {
	if l.readTrylock(c) {
		return
	}
	l.k.rcu.ReadUnlock(c)
	l.sleep(c, sim.Shared, func() { l.contended(c, sim.Shared) })
	l.k.rcu.ReadLock(c)
}

// DownReadTrylock is percpu_down_read_trylock.
func (l PercpuRWSem) DownReadTrylock(c *sim.CPU) bool {
	l.k.rcu.ReadLock(c)
	ok := true
	if l.rss.IsIdle(c) {
		l.addCount(c, 1)
	} else {
		ok = l.readTrylock(c)
	}
	l.k.rcu.ReadUnlock(c)
	if ok {
		c.LockTried(l.addr(), sim.Shared)
	}
	return ok
}

// readTrylock is __percpu_down_read_trylock: count, then look whether a writer
// blocks readers.
func (l PercpuRWSem) readTrylock(c *sim.CPU) bool {
	l.addCount(c, 1)
	c.FenceUnless(breakPercpuReaderMB, sim.MB) // A matches D
	if c.LoadAcquire(l.block) == 0 {
		return true
	}
	l.addCount(c, neg(1))
	l.writer.WakeUp(c) // it may have counted this one
	return false
}

// UpRead is percpu_up_read. It may run on another CPU than DownRead did.
func (l PercpuRWSem) UpRead(c *sim.CPU) {
	c.LockReleased(l.addr(), sim.Shared)
	l.k.rcu.ReadLock(c)
	if l.rss.IsIdle(c) {
		l.addCount(c, neg(1))
	} else {
		c.FenceUnless(breakPercpuLeaveMB, sim.MB) // B matches C
		l.addCount(c, neg(1))
		l.writer.WakeUp(c)
	}
	l.k.rcu.ReadUnlock(c)
}

// DownWrite is percpu_down_write.
func (l PercpuRWSem) DownWrite(c *sim.CPU) {
	waited := false
	waits := func() {
		if !waited {
			waited = true
			l.contended(c, sim.Exclusive)
		}
	}
	l.rss.Enter(c, waitPercpuRWSem, waits)
	if !l.writeTrylock(c) {
		l.sleep(c, sim.Exclusive, waits)
	}
	// writeTrylock's barrier is D: who does not see block is seen here.
	l.writer.Event(c, waitPercpuRWSem, func() bool {
		none := l.noReaders(c)
		if !none {
			waits()
		}
		return none
	})
	c.LockAcquired(l.addr(), sim.Exclusive)
}

// writeTrylock is __percpu_down_write_trylock: block excludes other writers and
// new readers.
func (l PercpuRWSem) writeTrylock(c *sim.CPU) bool {
	return c.Load(l.block) == 0 && c.Xchg(l.block, 1, sim.Full) == 0
}

// noReaders is readers_active_check: the counters of all CPUs sum to zero.
func (l PercpuRWSem) noReaders(c *sim.CPU) bool {
	sum := uint64(0)
	for cpu := range l.k.cpus {
		sum += c.Load(l.count(c, cpu))
	}
	if uint32(sum) != 0 {
		return false
	}
	c.SmpMB() // C matches B
	return true
}

// UpWrite is percpu_up_write: readers in the queue go on, up to the first
// writer there, and those to come are fast again after a grace period.
func (l PercpuRWSem) UpWrite(c *sim.CPU) {
	c.LockReleased(l.addr(), sim.Exclusive)
	c.StoreRelease(l.block, 0)
	l.waiters.WakeUpNr(c, 1, &wait.Key{Obj: l.p})
	l.rss.Exit(c)
}

// sleep is percpu_rwsem_wait: queue, unless the lock can be had by now, and
// sleep until a writer's release hands it over. It calls waits before it does.
func (l PercpuRWSem) sleep(c *sim.CPU, m sim.LockMode, waits func()) {
	e := l.k.wait.Entry(c, l.k.wake)
	irq := l.waiters.Lock.LockIRQSave(c)
	queued := !l.tryAs(c, m)
	if queued {
		waits()
		e.SetFlags(c, waiterFlags[m])
		l.waiters.AddTail(c, e)
	}
	l.waiters.Lock.UnlockIRQRestore(c, irq)
	for queued {
		l.k.sched.SetCurrentState(c, sched.Uninterruptible)
		if c.LoadAcquire(e.Private()) == 0 {
			break
		}
		l.k.sched.Schedule(c, waitPercpuRWSem)
	}
	l.k.sched.SetRunning(c)
}

// waiterFlags are the flags of a queued entry: readers carry WQ_FLAG_CUSTOM.
var waiterFlags = [...]uint64{sim.Exclusive: wait.Exclusive, sim.Shared: wait.Exclusive | wait.Custom}

// tryAs is __percpu_rwsem_trylock.
func (l PercpuRWSem) tryAs(c *sim.CPU, m sim.LockMode) bool {
	if m == sim.Exclusive {
		return l.writeTrylock(c)
	}
	l.k.sched.PreemptDisable(c)
	ok := l.readTrylock(c)
	l.k.sched.PreemptEnable(c)
	return ok
}

// wakeFunction is percpu_rwsem_wake_function: take the lock for the sleeper. It
// ends the walk at the first writer, and where somebody was faster.
func (k *PercpuRWSems) wakeFunction(c *sim.CPU, e wait.Entry, key *wait.Key) int {
	m := sim.Exclusive
	if e.Flags(c)&wait.Custom != 0 {
		m = sim.Shared
	}
	if !k.At(key.Obj).tryAs(c, m) {
		return 1
	}
	k.wait.WakeGranted(c, e)
	if m == sim.Shared {
		return 0 // readers until a writer
	}
	return 1
}
