package sched

import "mmsim/sim"

// queueWakeUp is ttwu_queue_wakelist: it leaves the enqueueing to the task's
// CPU, if that does not share a cache with this one or has nothing to run. The
// lockless list stands for the CPU's call_single_queue, which the kernel shares
// with other cross-calls.
func (s *Scheduler) queueWakeUp(c *sim.CPU, p sim.Ptr, cpu int) bool {
	rq := s.rqs.Of(cpu)
	if s.cfg.NoTTWUQueue || !s.queuesTo(c, rq, cpu) {
		return false
	}
	c.Store(rq.F(rqWakePending), 1)
	if s.llistAdd(c, rq.F(rqWakeList), p) && !s.setPolling(c, cpu) {
		c.SendIPI(cpu, s.wakeup)
	}
	return true
}

// queuesTo is ttwu_queue_cond.
func (s *Scheduler) queuesTo(c *sim.CPU, rq sim.Ptr, cpu int) bool {
	if d := s.cfg.CacheDomain; d != nil && d[cpu] != d[c.ID()] {
		return true
	}
	return cpu != c.ID() && c.Load(rq.F(rqNrRunning)) == 0
}

// llistAdd is llist_add of the task's wake_entry; it reports whether the list
// was empty.
func (s *Scheduler) llistAdd(c *sim.CPU, head sim.Ref, p sim.Ptr) bool {
	first := c.Load(head)
	for {
		c.Store(p.F(taskWake), first)
		was, ok := c.CmpXchg(head, first, uint64(p.A), sim.Full)
		if ok {
			return first == 0
		}
		first = was
	}
}

// setPolling is set_nr_if_polling: an idle task that looks at its flags by
// itself needs no interrupt.
func (s *Scheduler) setPolling(c *sim.CPU, cpu int) bool {
	flags := s.idle.Of(cpu).F(TaskFlags)
	v := c.Load(flags)
	for {
		if v>>tifPolling&1 == 0 {
			return false
		}
		if v>>tifNeedResched&1 != 0 {
			return true
		}
		was, ok := c.CmpXchg(flags, v, v|1<<tifNeedResched, sim.Relaxed)
		if ok {
			return true
		}
		v = was
	}
}

// wakeHandler is the interrupt that comes with a wake-up.
func (s *Scheduler) wakeHandler(c *sim.CPU) {
	idle := s.IRQEnter(c)
	s.flushWakeList(c)
	s.IRQExit(c, idle)
}

// flushWakeList is sched_ttwu_pending: enqueue the tasks that other CPUs woke for
// this one, oldest first.
func (s *Scheduler) flushWakeList(c *sim.CPU) {
	rq := s.rqs.This(c)
	if c.Load(rq.F(rqWakeList)) == 0 {
		return
	}
	p := s.takeWakeList(c, rq)
	lock := s.rqLockOf(rq)
	irq := lock.LockIRQSave(c)
	for !p.IsNull() {
		next := c.LoadPtr(p.F(taskWake))
		if c.Load(p.F(taskOnCPU)) != 0 {
			c.SpinUntil(sim.Never, sim.Cond{Ref: p.F(taskOnCPU), Order: sim.Acquire})
		}
		s.activate(c, rq, p, c.ID())
		p = next
	}
	c.Store(rq.F(rqWakePending), 0)
	lock.UnlockIRQRestore(c, irq)
}

// takeWakeList is llist_del_all and llist_reverse_order.
func (s *Scheduler) takeWakeList(c *sim.CPU, rq sim.Ptr) (first sim.Ptr) {
	e := sim.At(sim.Addr(c.Xchg(rq.F(rqWakeList), 0, sim.Full)))
	for !e.IsNull() {
		next := c.LoadPtr(e.F(taskWake))
		c.Store(e.F(taskWake), uint64(first.A))
		first, e = e, next
	}
	return first
}
