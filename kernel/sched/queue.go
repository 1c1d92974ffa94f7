package sched

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// The run queue is a list of the tasks that wait for the CPU; the running one
// is not in it but counts in nr_running. Its lock is held throughout this file.

func queueOf(rq sim.Ptr) sim.Ptr { return rq.Add(uint64(rqQueue.Off)) }

func runNode(p sim.Ptr) sim.Ptr { return p.Add(uint64(taskRunList.Off)) }

// taskOfNode is the task with the given run_list (list_entry).
func taskOfNode(n sim.Ptr) sim.Ptr { return sim.Ptr{A: n.A - sim.Addr(taskRunList.Off), D: n.D} }

// enqueue is activate_task: p waits at the end of the queue from here on.
func (s *Scheduler) enqueue(c *sim.CPU, rq, p sim.Ptr) {
	list.AddTail(c, runNode(p), queueOf(rq))
	c.Store(p.F(taskOnRQ), 1)
	s.addRunning(c, rq)
}

// addRunning is add_nr_running.
func (s *Scheduler) addRunning(c *sim.CPU, rq sim.Ptr) {
	n := c.Load(rq.F(rqNrRunning)) + 1
	c.Store(rq.F(rqNrRunning), n)
	if n > 1 && s.roam && c.Load(s.domain.F(rdOverload)) == 0 {
		c.Store(s.domain.F(rdOverload), 1)
	}
}

func subRunning(c *sim.CPU, rq sim.Ptr) {
	c.Store(rq.F(rqNrRunning), c.Load(rq.F(rqNrRunning))-1)
}

// block is block_task: the running task leaves the queue to sleep.
func (s *Scheduler) block(c *sim.CPU, rq, p sim.Ptr) {
	c.Store(p.F(taskOnRQ), 0)
	subRunning(c, rq)
	c.Count(sleeps, 1)
}

// takeFirst takes the task off the queue whose turn it is; null if none waits.
func (s *Scheduler) takeFirst(c *sim.CPU, rq sim.Ptr) sim.Ptr {
	n := list.First(c, queueOf(rq))
	if n.A == queueOf(rq).A {
		return sim.Ptr{}
	}
	list.Del(c, n)
	return taskOfNode(n)
}

// pickNext is pick_next_task: the task whose turn it is, else prev if it still
// runs, else one that waits on another CPU, else the idle task. prev goes to the
// end of the queue if it still runs and another one was chosen.
func (s *Scheduler) pickNext(c *sim.CPU, rq, prev sim.Ptr, runs bool) sim.Ptr {
	idle := c.LoadPtr(rq.F(rqIdle))
	runs = runs && prev.A != idle.A
	next := s.takeFirst(c, rq)
	if next.IsNull() && !runs && s.newidleBalance(c, rq) {
		next = s.takeFirst(c, rq)
	}
	switch {
	case next.IsNull() && runs:
		return prev
	case next.IsNull():
		return idle
	case runs:
		list.AddTail(c, runNode(prev), queueOf(rq))
	}
	c.Store(next.F(taskStart), uint64(c.Now()))
	return next
}
