package wait

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// WakeUp is wake_up: all entries that are not exclusive, and one that is.
func (q Queue) WakeUp(c *sim.CPU) { q.WakeUpNr(c, 1, nil) }

// WakeUpAll is wake_up_all.
func (q Queue) WakeUpAll(c *sim.CPU) { q.WakeUpNr(c, 0, nil) }

// WakeUpNr is __wake_up: all entries that are not exclusive and nr exclusive
// ones, 0 for all of them, in the order of the queue. key goes to the wake
// functions.
func (q Queue) WakeUpNr(c *sim.CPU, nr int, key *Key) {
	irq := q.Lock.LockIRQSave(c)
	q.WakeUpLocked(c, nr, key)
	q.Lock.UnlockIRQRestore(c, irq)
}

// WakeUpLocked is __wake_up_common, under the queue's lock.
func (q Queue) WakeUpLocked(c *sim.CPU, nr int, key *Key) {
	for n := list.First(c, q.list); n.A != q.list.A; {
		next := list.Next(c, n)
		e := entryOf(n)
		flags := e.Flags(c)
		ret := q.k.funcs[c.Load(e.p.F(entryFunc))-1](c, e, key)
		if ret < 0 {
			return
		}
		if ret > 0 && flags&Exclusive != 0 {
			if nr--; nr == 0 {
				return
			}
		}
		n = next
	}
}

// autoremoveWake is autoremove_wake_function: try_to_wake_up, and leave the
// queue where that did wake.
func (k *Queues) autoremoveWake(c *sim.CPU, e Entry, _ *Key) int {
	if !k.sched.WakeUp(c, c.LoadPtr(e.Private())) {
		return 0
	}
	list.DelInitCareful(c, e.node())
	return 1
}

// WakeGranted wakes the sleeper of an entry whose wake function has granted it
// what it waits for: the entry leaves the queue, then its private word is
// cleared with release. From that store on the entry may be gone, so the task is
// held by a reference of its own.
func (k *Queues) WakeGranted(c *sim.CPU, e Entry) {
	p := c.LoadPtr(e.Private())
	k.sched.GetTask(c, p)
	list.DelInit(c, e.node())
	c.StoreRelease(e.Private(), 0)
	k.sched.WakeUp(c, p)
	k.sched.PutTask(c, p)
}
