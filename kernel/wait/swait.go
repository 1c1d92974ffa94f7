package wait

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// SimpleHeadBytes is the size of a swait_queue_head.
const SimpleHeadBytes = 24

// SimpleHeadMembers declares a swait_queue_head at offset off of the embedding
// struct; prefix is "name." of the member, or empty.
func SimpleHeadMembers(prefix string, off uint32) []sim.Field {
	return []sim.Field{sim.F(prefix+"lock", off, 4), list.Field(prefix+"task_list", off+8)}
}

// swaiterLayout is struct swait_queue, on the sleeper's stack.
var swaiterLayout = sim.NewLayout("swait_queue", 64, 64, sim.F("task", 0, 8), list.Field("task_list", 8))

var (
	swaiterTask = swaiterLayout.Field("task")
	swaiterList = swaiterLayout.Field("task_list")
)

// Simple is a swait_queue_head: entries in order of arrival, each woken once.
type Simple struct {
	k    *Queues
	lock qspinlock.SpinLock
	list sim.Ptr
}

// SimpleAt is the simple wait queue whose head is at p.
func (k *Queues) SimpleAt(p sim.Ptr) Simple { return Simple{k, k.spin.At(p.Ref(0, 4)), p.Add(8)} }

// Init is init_swait_queue_head.
func (q Simple) Init(c *sim.CPU) { list.Init(c, q.list) }

// entry is DECLARE_SWAITQUEUE: the current task's entry, in no queue.
func (q Simple) entry(c *sim.CPU) sim.Ptr {
	e := q.k.swaiters[task(c)]
	c.Store(e.F(swaiterTask), uint64(q.k.sched.Current(c).A))
	list.Init(c, swaiterNode(e))
	return e
}

func swaiterNode(e sim.Ptr) sim.Ptr { return e.Add(uint64(swaiterList.Off)) }

// prepare is __prepare_to_swait, under the lock.
func (q Simple) prepare(c *sim.CPU, e sim.Ptr) {
	if list.Empty(c, swaiterNode(e)) {
		list.AddTail(c, swaiterNode(e), q.list)
	}
}

// finish is __finish_swait, under the lock.
func (q Simple) finish(c *sim.CPU, e sim.Ptr) {
	q.k.sched.SetRunning(c)
	if !list.Empty(c, swaiterNode(e)) {
		list.DelInit(c, swaiterNode(e))
	}
}

// Event is swait_event_exclusive: sleep until cond holds.
func (q Simple) Event(c *sim.CPU, why sim.WaitReason, cond func() bool) {
	if cond() {
		return
	}
	e := q.entry(c)
	for {
		irq := q.lock.LockIRQSave(c)
		q.prepare(c, e)
		q.k.sched.SetCurrentState(c, sched.Uninterruptible)
		q.lock.UnlockIRQRestore(c, irq)
		if cond() {
			break
		}
		q.k.sched.Schedule(c, why)
	}
	irq := q.lock.LockIRQSave(c)
	q.finish(c, e)
	q.lock.UnlockIRQRestore(c, irq)
}

// WakeUpOne is swake_up_one.
func (q Simple) WakeUpOne(c *sim.CPU) {
	irq := q.lock.LockIRQSave(c)
	q.wakeLocked(c)
	q.lock.UnlockIRQRestore(c, irq)
}

// wakeLocked is swake_up_locked: wake the first sleeper and take its entry
// off. It reports whether there was one.
func (q Simple) wakeLocked(c *sim.CPU) bool {
	if list.Empty(c, q.list) {
		return false
	}
	n := list.First(c, q.list)
	e := sim.Ptr{A: n.A - sim.Addr(swaiterList.Off), D: n.D}
	q.k.sched.WakeUp(c, c.LoadPtr(e.F(swaiterTask)))
	list.DelInit(c, n)
	return true
}
