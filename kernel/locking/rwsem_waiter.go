package locking

import (
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// waiterLayout is struct rwsem_waiter, which lies on the sleeping task's stack.
var waiterLayout = sim.NewLayout("rwsem_waiter", 64, 64,
	list.Field("list", 0),
	sim.F("task", 16, 8),
	sim.F("type", 24, 4),
	sim.F("timeout", 32, 8),
	sim.F("handoff_set", 40, 1),
)

var (
	waiterList    = waiterLayout.Field("list")
	waiterTask    = waiterLayout.Field("task")
	waiterType    = waiterLayout.Field("type")
	waiterTimeout = waiterLayout.Field("timeout")
	waiterHandoff = waiterLayout.Field("handoff_set")
)

const (
	waitingForWrite = 0
	waitingForRead  = 1
)

// newWaiter fills in the rwsem_waiter on the current task's stack.
func (l RWSem) newWaiter(c *sim.CPU, kind uint64) sim.Ptr {
	if c.InIRQ || c.Task < 0 {
		panic("locking: waiting for an rwsem outside a task: " + c.Name)
	}
	w := l.k.waiters[c.Task]
	c.Store(w.F(waiterTask), uint64(l.k.sched.Current(c).A))
	c.Store(w.F(waiterType), kind)
	c.Store(w.F(waiterTimeout), l.k.jiffies(c)+l.k.timeout)
	c.Store(w.F(waiterHandoff), 0)
	return w
}

// jiffies counts ticks. In the kernel it is a word that one CPU writes at its
// tick; reading it costs nothing here.
func (k *RWSems) jiffies(c *sim.CPU) uint64 { return uint64(c.Now() / k.sched.TickPeriod()) }

// timedOut is time_after(jiffies, w->timeout).
func (l RWSem) timedOut(c *sim.CPU, w sim.Ptr) bool {
	return l.k.jiffies(c) > c.Load(w.F(waiterTimeout))
}

// first is rwsem_first_waiter, of a queue that is not empty.
func (l RWSem) first(c *sim.CPU) sim.Ptr { return waiterOf(list.First(c, l.waitList())) }

// delWakeWaiter is rwsem_del_wake_waiter: under wait_lock, which it drops, the
// waiter gives up. Those behind the first one may have waited for it only.
func (l RWSem) delWakeWaiter(c *sim.CPU, w sim.Ptr, irq bool) {
	var wq sched.WakeQ
	first := l.first(c).A == w.A
	list.Del(c, waiterNode(w))
	if list.Empty(c, l.waitList()) {
		c.AtomicAnd(l.count(), ^uint64(rwsemHandoff|rwsemWaiters))
	} else if first {
		l.markWake(c, wakeAny, &wq)
	}
	l.waitLock().UnlockIRQRestore(c, irq)
	l.k.sched.WakeUpQ(c, &wq)
}

// waiterNode is the list_head of a waiter, and waiterOf its inverse
// (list_entry): the list is the first member.
func waiterNode(w sim.Ptr) sim.Ptr { return w.Add(uint64(waiterList.Off)) }

func waiterOf(node sim.Ptr) sim.Ptr { return node }
