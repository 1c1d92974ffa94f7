package wait

import (
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// CompletionBytes is the size of a struct completion.
const CompletionBytes = 8 + SimpleHeadBytes

// doneForever is what complete_all leaves (UINT_MAX).
const doneForever = 1<<32 - 1

// CompletionMembers declares a struct completion at offset off of the embedding
// struct; prefix is "name." of the member, or empty.
func CompletionMembers(prefix string, off uint32) []sim.Field {
	return append([]sim.Field{sim.F(prefix+"done", off, 4)}, SimpleHeadMembers(prefix+"wait.", off+8)...)
}

// Completion is a struct completion (kernel/sched/completion.c): a count of
// events not waited for yet, under the lock of its wait queue.
type Completion struct {
	done sim.Ref
	wait Simple
}

// CompletionAt is the completion at p.
func (k *Queues) CompletionAt(p sim.Ptr) Completion {
	return Completion{p.Ref(0, 4), k.SimpleAt(p.Add(8))}
}

// Init is init_completion.
func (x Completion) Init(c *sim.CPU) {
	x.Reinit(c)
	x.wait.Init(c)
}

// Reinit is reinit_completion.
func (x Completion) Reinit(c *sim.CPU) { c.Store(x.done, 0) }

// Complete is complete: one waiter may go on, the next to come if none waits.
func (x Completion) Complete(c *sim.CPU) {
	irq := x.wait.lock.LockIRQSave(c)
	if n := c.Load(x.done); n != doneForever {
		c.Store(x.done, n+1)
	}
	x.wait.wakeLocked(c)
	x.wait.lock.UnlockIRQRestore(c, irq)
}

// CompleteAll is complete_all: all waiters may go on, those to come as well.
func (x Completion) CompleteAll(c *sim.CPU) {
	irq := x.wait.lock.LockIRQSave(c)
	c.Store(x.done, doneForever)
	for x.wait.wakeLocked(c) {
		continue
	}
	x.wait.lock.UnlockIRQRestore(c, irq)
}

// Wait is wait_for_completion.
func (x Completion) Wait(c *sim.CPU, why sim.WaitReason) { x.WaitTimeout(c, sim.Never, why) }

// WaitTimeout is wait_for_completion_timeout: it reports whether the event
// came, which takes no longer than d.
func (x Completion) WaitTimeout(c *sim.CPU, d sim.Time, why sim.WaitReason) bool {
	irq := x.wait.lock.LockIRQSave(c)
	done := c.Load(x.done)
	if done == 0 {
		irq = x.sleep(c, irq, d, why)
		done = c.Load(x.done)
	}
	if done != 0 && done != doneForever {
		c.Store(x.done, done-1)
	}
	x.wait.lock.UnlockIRQRestore(c, irq)
	return done != 0
}

// sleep is do_wait_for_common: it returns with the lock held, when done is not
// 0 or the time is over.
func (x Completion) sleep(c *sim.CPU, irq bool, d sim.Time, why sim.WaitReason) bool {
	s := x.wait.k.sched
	deadline := sim.Never
	if d != sim.Never {
		deadline = c.Now() + d
	}
	e := x.wait.entry(c)
	for {
		x.wait.prepare(c, e)
		s.SetState(c, sched.Uninterruptible)
		x.wait.lock.UnlockIRQRestore(c, irq)
		if deadline == sim.Never {
			s.Schedule(c, why)
		} else {
			s.ScheduleTimeout(c, max(deadline-c.Now(), 0), why)
		}
		irq = x.wait.lock.LockIRQSave(c)
		if c.Load(x.done) != 0 || c.Now() >= deadline {
			break
		}
	}
	x.wait.finish(c, e)
	return irq
}

// TryWait is try_wait_for_completion: it never sleeps.
func (x Completion) TryWait(c *sim.CPU) bool {
	if c.Load(x.done) == 0 {
		return false
	}
	irq := x.wait.lock.LockIRQSave(c)
	done := c.Load(x.done)
	if done != 0 && done != doneForever {
		c.Store(x.done, done-1)
	}
	x.wait.lock.UnlockIRQRestore(c, irq)
	return done != 0
}
