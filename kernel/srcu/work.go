package srcu

import (
	"mmsim/sim"
)

// State of the work item, in work.data.
const (
	workPending = 1 << 0 // queued
	workRunning = 1 << 1
	workAgain   = 1 << 2 // came up while it was running: whoever runs it goes on
)

// workerWakeup is the time from queueing work to a kworker running it: about a
// context switch (locks-and-barriers.md section 12.1).
const workerWakeup = 1100 * sim.Nanosecond

// queueWork is queue_delayed_work of process_srcu on this CPU.
func (s *Struct) queueWork(c *sim.CPU, jiffies uint64) {
	if c.FetchOr(s.sup.F(supWork), workPending, sim.Full)&workPending == 0 {
		c.SetTimer(s.after(jiffies), s.work)
	}
}

// after is the time until delayed work runs.
func (s *Struct) after(jiffies uint64) sim.Time {
	return workerWakeup + sim.Time(jiffies)*s.k.sched.TickPeriod()
}

// runWork is the worker: one at a time.
func (s *Struct) runWork(c *sim.CPU) {
	idle := s.k.sched.IRQEnter(c)
	if s.takeWork(c) {
		s.process(c)
	}
	s.k.sched.IRQExit(c, idle)
}

func (s *Struct) takeWork(c *sim.CPU) bool {
	w := s.sup.F(supWork)
	for v := c.Load(w); v&workPending != 0; {
		next := v | workAgain
		if v&workRunning == 0 {
			next = v&^workPending | workRunning
		}
		old, ok := c.CmpXchg(w, v, next, sim.Full)
		if ok {
			return v&workRunning == 0
		}
		v = old
	}
	return false
}

// endWork is the end of process_srcu: queue the next scan if there is a grace
// period to wait for, and let the worker go.
func (s *Struct) endWork(c *sim.CPU) {
	lock := s.lockOf(s.sup.F(supLock))
	irq := lock.LockIRQSave(c)
	delay := s.delay(c)
	lock.UnlockIRQRestore(c, irq)
	s.reschedule(c, s.limitNoDelay(c, delay))
	if c.FetchAnd(s.sup.F(supWork), ^uint64(workRunning|workAgain), sim.Full)&workAgain != 0 {
		c.SetTimer(workerWakeup, s.work)
	}
}

// limitNoDelay makes a scan wait a jiffy when there were many within this one.
func (s *Struct) limitNoDelay(c *sim.CPU, delay uint64) uint64 {
	count, j := s.sup.F(supReschedCount), s.jiffies(c)
	switch {
	case delay != 0:
		c.Store(count, 0)
	case c.Load(s.sup.F(supReschedTime)) != j:
		c.Store(count, 1)
		c.Store(s.sup.F(supReschedTime), j)
	default:
		n := c.Load(count) + 1
		c.Store(count, n)
		if n > uint64(s.k.opt.MaxNoDelay) {
			return 1
		}
	}
	return delay
}

// reschedule is srcu_reschedule: queue the work unless all requests are
// fulfilled.
func (s *Struct) reschedule(c *sim.CPU, delay uint64) {
	if s.startNeeded(c) {
		s.queueWork(c, delay)
	}
}

// scheduleCallbacks is srcu_schedule_cbs_sdp for the boot CPU.
func (s *Struct) scheduleCallbacks(c *sim.CPU, delay uint64) {
	if delay != 0 {
		c.SetTimer(s.after(delay), s.invokeAt)
		return
	}
	s.queueInvoke(c)
}

// queueInvoke is queue_work_on of srcu_invoke_callbacks on the boot CPU.
func (s *Struct) queueInvoke(c *sim.CPU) {
	if c.ID() == s.k.boot {
		c.SetTimer(workerWakeup, s.invoke)
	} else {
		c.SendIPI(s.k.boot, s.invoke)
	}
}

// invokeCallbacks is srcu_invoke_callbacks.
func (s *Struct) invokeCallbacks(c *sim.CPU) {
	idle := s.k.sched.IRQEnter(c)
	d := s.data.Of(s.k.boot)
	lock, cbs := s.lockOf(d.F(dataLock)), cbsOf(d)
	lock.Lock(c)
	cbs.Advance(c, c.Load(s.sup.F(supGPSeq)))
	if c.Load(d.F(dataInvoking)) != 0 || !cbs.Ready(c) {
		lock.Unlock(c)
		s.k.sched.IRQExit(c, idle)
		return
	}
	c.Store(d.F(dataInvoking), 1)
	b := cbs.ExtractDone(c)
	n := b.Len()
	lock.Unlock(c)
	for h := b.Dequeue(c); !h.IsNull(); h = b.Dequeue(c) {
		s.k.rcu.Invoke(c, h)
	}
	lock.Lock(c)
	cbs.AddLen(c, -n)
	c.Store(d.F(dataInvoking), 0)
	more := cbs.Ready(c)
	lock.Unlock(c)
	if more {
		s.scheduleCallbacks(c, 0)
	}
	s.k.sched.IRQExit(c, idle)
}
