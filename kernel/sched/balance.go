package sched

import (
	"slices"

	"mmsim/kernel/list"
	"mmsim/sim"
)

const (
	// idleScan is how many CPUs a waker looks at for an idle one: about those
	// that share a last-level cache. (The kernel looks at fewer when it has found
	// them busy of late, SIS_UTIL.)
	idleScan = 64
	// pullScan is sched_nr_migrate: how many waiting tasks are looked at.
	pullScan = 32
)

// selectCPU is select_task_rq: the CPU that a woken task goes to is the one it
// ran on if that is idle, else the next idle one of those it may run on, else
// the one it ran on.
func (s *Scheduler) selectCPU(c *sim.CPU, p sim.Ptr) int {
	prev := int(c.Load(p.F(taskCPU)))
	allowed := s.cfg.Allowed[s.id(p)]
	if len(allowed) == 1 || s.idleCPU(c, prev) {
		return prev
	}
	at := slices.Index(allowed, prev)
	for i := 1; i < min(len(allowed), idleScan); i++ {
		if cpu := allowed[(at+i)%len(allowed)]; s.idleCPU(c, cpu) {
			return cpu
		}
	}
	return prev
}

// idleCPU is available_idle_cpu.
func (s *Scheduler) idleCPU(c *sim.CPU, cpu int) bool {
	rq := s.rqs.Of(cpu)
	return c.Load(rq.F(rqNrRunning)) == 0 && c.Load(rq.F(rqWakePending)) == 0
}

// newidleBalance is newidle_balance: this CPU has nothing to run, and looks for
// a task that waits on another one. It reports whether there is one in the queue
// now; the lock was given up in between.
func (s *Scheduler) newidleBalance(c *sim.CPU, rq sim.Ptr) bool {
	if !s.roam || c.Load(s.domain.F(rdOverload)) == 0 {
		return false
	}
	at, _ := slices.BinarySearch(s.cpus, c.ID())
	overloaded := false
	for i := 1; i < len(s.cpus); i++ {
		busiest := s.rqs.Of(s.cpus[(at+i)%len(s.cpus)])
		if c.Load(busiest.F(rqNrRunning)) < 2 {
			continue
		}
		overloaded = true
		s.doubleLock(c, rq, busiest)
		if list.Empty(c, queueOf(rq)) {
			s.pull(c, rq, busiest)
		}
		s.rqLockOf(busiest).Unlock(c)
		if !list.Empty(c, queueOf(rq)) {
			return true
		}
	}
	if !overloaded {
		c.Store(s.domain.F(rdOverload), 0)
	}
	return false
}

// doubleLock is double_lock_balance: it locks busiest in addition to rq, in the
// order of their addresses.
func (s *Scheduler) doubleLock(c *sim.CPU, rq, busiest sim.Ptr) {
	own, other := s.rqLockOf(rq), s.rqLockOf(busiest)
	if busiest.A < rq.A {
		own.Unlock(c)
		other.Lock(c)
		own.Lock(c)
		return
	}
	other.Lock(c)
}

// pull moves the first task over that waits on busiest and may run here. Both
// locks are held.
func (s *Scheduler) pull(c *sim.CPU, rq, busiest sim.Ptr) {
	head := queueOf(busiest)
	n := list.First(c, head)
	for range pullScan {
		if n.A == head.A {
			return
		}
		p := taskOfNode(n)
		if slices.Contains(s.cfg.Allowed[s.id(p)], c.ID()) {
			list.Del(c, n)
			subRunning(c, busiest)
			c.Store(p.F(taskCPU), uint64(c.ID()))
			s.enqueue(c, rq, p)
			return
		}
		n = list.Next(c, n)
	}
}
