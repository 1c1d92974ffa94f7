package wait

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// SemaphoreBytes is the size of a struct semaphore.
const SemaphoreBytes = 24

// SemaphoreMembers declares a struct semaphore at offset off of the embedding
// struct; prefix is "name." of the member, or empty.
func SemaphoreMembers(prefix string, off uint32) []sim.Field {
	return []sim.Field{sim.F(prefix+"lock", off, 4), sim.F(prefix+"count", off+4, 4), list.Field(prefix+"wait_list", off+8)}
}

// semWaiterLayout is struct semaphore_waiter, on the sleeper's stack.
var semWaiterLayout = sim.NewLayout("semaphore_waiter", 64, 64,
	list.Field("list", 0), sim.F("task", 16, 8), sim.F("up", 24, 1))

var (
	semWaiterTask = semWaiterLayout.Field("task")
	semWaiterUp   = semWaiterLayout.Field("up")
)

// Semaphore is a struct semaphore (kernel/locking/semaphore.c): a count under a
// spinlock; up hands it to the first of those that wait.
type Semaphore struct {
	k     *Queues
	lock  qspinlock.SpinLock
	count sim.Ref
	list  sim.Ptr
	why   sim.WaitReason
}

// SemaphoreAt is the semaphore at p; why is what a sleep in Down counts as.
func (k *Queues) SemaphoreAt(p sim.Ptr, why sim.WaitReason) Semaphore {
	return Semaphore{k, k.spin.At(p.Ref(0, 4)), p.Ref(4, 4), p.Add(8), why}
}

// Init is sema_init.
func (l Semaphore) Init(c *sim.CPU, count uint64) {
	c.Store(l.count, count)
	list.Init(c, l.list)
}

// Down is down.
func (l Semaphore) Down(c *sim.CPU) {
	irq := l.lock.LockIRQSave(c)
	if n := c.Load(l.count); n > 0 {
		c.Store(l.count, n-1)
	} else {
		c.LockContended(l.count.A, sim.Exclusive)
		irq = l.sleep(c, irq)
	}
	l.lock.UnlockIRQRestore(c, irq)
	c.LockAcquired(l.count.A, sim.Exclusive)
}

// TryDown is down_trylock with the result of a trylock: true if it got in.
func (l Semaphore) TryDown(c *sim.CPU) bool {
	irq := l.lock.LockIRQSave(c)
	n := c.Load(l.count)
	if n > 0 {
		c.Store(l.count, n-1)
	}
	l.lock.UnlockIRQRestore(c, irq)
	if n > 0 {
		c.LockTried(l.count.A, sim.Exclusive)
	}
	return n > 0
}

// sleep is __down_common.
func (l Semaphore) sleep(c *sim.CPU, irq bool) bool {
	w := l.k.semWaiters[task(c)]
	list.AddTail(c, w, l.list)
	c.Store(w.F(semWaiterTask), uint64(l.k.sched.Current(c).A))
	c.Store(w.F(semWaiterUp), 0)
	for {
		l.k.sched.SetState(c, sched.Uninterruptible)
		l.lock.UnlockIRQRestore(c, irq)
		l.k.sched.Schedule(c, l.why)
		irq = l.lock.LockIRQSave(c)
		if c.Load(w.F(semWaiterUp)) != 0 {
			return irq
		}
	}
}

// Up is up: any context may call it.
func (l Semaphore) Up(c *sim.CPU) {
	c.LockReleased(l.count.A, sim.Exclusive)
	irq := l.lock.LockIRQSave(c)
	if list.Empty(c, l.list) {
		c.Store(l.count, c.Load(l.count)+1)
	} else {
		w := list.First(c, l.list)
		list.Del(c, w)
		c.Store(w.F(semWaiterUp), 1)
		l.k.sched.WakeUp(c, c.LoadPtr(w.F(semWaiterTask)))
	}
	l.lock.UnlockIRQRestore(c, irq)
}
