package results

import (
	"math/big"

	"mmsim/cores"
	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// Kernel events that tell sleeping from spinning.
const (
	eventSleeps  = "sleeps"
	eventWakeups = "wakeups"
)

const (
	severalThreads = "groups of several threads that ended operations"
	someLock       = "groups that took a lock"
)

// threadColumns say how the operations were shared out among the threads, and
// what threads did while they could not go on.
var threadColumns = []Column{
	{Name: "fairness_jain_ratio", Unit: Ratio, Decimals: 4, Applies: severalThreads,
		Doc:   "Jain's index of the operations by thread, (sum x)^2 / (n * sum x^2): 1 if all ended equally many, 1/n if one thread ended all.",
		Value: ofGroup(func(_ *Record, g *Group) Value { return jain(g.ThreadOps) })},
	{Name: "fairness_max_min_ratio", Unit: Ratio, Decimals: 3, Applies: severalThreads + ", each of them at least one",
		Doc:   "Operations of the thread that ended most, over those of the thread that ended fewest.",
		Value: ofGroup(func(_ *Record, g *Group) Value { return maxMin(g.ThreadOps) })},
	{Name: "spin_cycles_per_op", Unit: CyclesPerOp, Decimals: 2, Applies: perOp, Doc: "Cycles per operation in spin-waits, misses inside them included.",
		Value: perOperation(func(g *Group) Value { return lookup(g.Cycles, cores.LockSpin.String()) })},
	{Name: "sleeps_per_op", Unit: PerOp, Decimals: 4, Applies: perOp, Doc: "Times per operation that a thread of the group gave up its CPU to wait.",
		Value: perOperation(func(g *Group) Value { return lookup(g.Events, eventSleeps) })},
	{Name: "wakeups_per_op", Unit: PerOp, Decimals: 4, Applies: perOp, Doc: "Sleeping threads, of any group, that the group's threads and the interrupts on their CPUs woke, per operation.",
		Value: perOperation(func(g *Group) Value { return lookup(g.Events, eventWakeups) })},
	{Name: "runnable_ns_per_op", Unit: NsPerOp, Decimals: 3, Applies: perOp, Doc: "The threads' time waiting for nothing but a CPU, per operation: preempted, or woken and not yet running.",
		Value: perOperation(func(g *Group) Value { return nanoseconds(sim.Time(g.Sleeping[runnable])) })},
}

// lockColumns are about the group's hottest lock.
func lockColumns() []Column {
	out := []Column{
		{Name: "lock_order_findings_count", Unit: Count, Doc: "Findings of the lock-order check in the whole run, all groups together: locks taken in opposite orders, or in an interrupt handler and with interrupts on. JSON has their text.",
			Value: func(r *Record) Value { return Int(int64(len(r.LockOrder))) }},
		{Name: "hottest_lock", Applies: someLock, Doc: "Class (`struct.field` of its main word) of the lock that the group's threads waited for longest in all, or took most often if they never waited. The columns below are about the locks of this class.",
			Value: ofGroup(func(_ *Record, g *Group) Value {
				if l := g.hottestLock(); l != nil {
					return Text(l.Class)
				}
				return NotApplicable
			})},
		{Name: "lock_contended_pct", Unit: Percent, Decimals: 2, Applies: someLock, Doc: "Acquisitions of the hottest lock that had to wait, per hundred.",
			Value: ofLock(func(l *LockUse) Value { return Frac(100*(l.Write.Contended+l.Read.Contended), l.acquired()) })},
		{Name: "lock_wait_mean_ns", Unit: Nanoseconds, Decimals: 3, Applies: someLock, Doc: "Mean wait of an acquisition of the hottest lock, those that did not wait included.",
			Value: ofLock(func(l *LockUse) Value { return meanNs(l.Write.WaitTime+l.Read.WaitTime, l.acquired()) })},
		{Name: "lock_hold_mean_ns", Unit: Nanoseconds, Decimals: 3, Applies: someLock, Doc: "Mean time that the hottest lock was held.",
			Value: ofLock(func(l *LockUse) Value { return meanNs(l.Write.HoldTime+l.Read.HoldTime, l.acquired()) })},
		{Name: "writer_wait_max_ns", Unit: Nanoseconds, Decimals: 3, Applies: "groups that waited to write", Doc: "Longest wait for the hottest lock in exclusive mode, one that was still going on at the end included: how long a writer starved.",
			Value: ofLock(func(l *LockUse) Value { return l.Write.longestWait() })},
		{Name: "reader_wait_max_ns", Unit: Nanoseconds, Decimals: 3, Applies: "groups that waited to read", Doc: "Longest wait for the hottest lock in shared mode, one that was still going on at the end included.",
			Value: ofLock(func(l *LockUse) Value { return l.Read.longestWait() })},
	}
	for d := range lockstat.NumDistances {
		name := d.String()
		out = append(out, Column{Name: "handover_" + name + "_cycles", Unit: Cycles, Decimals: 1, Applies: "groups that took the lock over at this distance",
			Doc:   "Mean cycles of a hand-over of the hottest lock at this distance (" + words(name) + "), from the start of the release to the end of the acquisition by a context that waited for it by then.",
			Value: ofLock(func(l *LockUse) Value { return Frac(l.HandoverCycles[name], l.Handovers[name]) })})
	}
	for d := range lockstat.NumDistances {
		name := d.String()
		out = append(out, Column{Name: "handovers_" + name + "_count", Unit: Count, Applies: "groups that took the lock over at this distance",
			Doc:   "Hand-overs of the hottest lock at this distance: " + words(name) + ".",
			Value: ofLock(func(l *LockUse) Value { return lookup(l.Handovers, name) })})
	}
	return out
}

// ofLock makes a column about the report group's hottest lock.
func ofLock(f func(l *LockUse) Value) func(*Record) Value {
	return ofGroup(func(_ *Record, g *Group) Value {
		if l := g.hottestLock(); l != nil {
			return f(l)
		}
		return NotApplicable
	})
}

func meanNs(t sim.Time, n int64) Value {
	if n == 0 {
		return NotApplicable
	}
	return Value{num: Int(int64(t)).num, den: Int(n).times(int64(sim.Nanosecond)).num}
}

func (l *LockUse) acquired() int64 { return l.Write.Acquired + l.Read.Acquired }

func (l *LockUse) waited() sim.Time { return l.Write.WaitTime + l.Read.WaitTime }

func (s *LockSide) longestWait() Value {
	if s.MaxWait == 0 {
		return NotApplicable
	}
	return nanoseconds(s.MaxWait)
}

// hottestLock is the class that was waited for longest, nil if the group took
// no lock. A sleeping lock is waited for at least as long as the spinlock of
// its wait list, so inner locks do not hide the outer one.
func (g *Group) hottestLock() *LockUse {
	var best *LockUse
	for i := range g.Locks {
		l := &g.Locks[i]
		if best == nil || l.waited() > best.waited() || l.waited() == best.waited() && l.acquired() > best.acquired() {
			best = l
		}
	}
	return best
}

// jain is Jain's fairness index, exact.
func jain(x []int64) Value {
	total, squares := new(big.Int), new(big.Int)
	for _, n := range x {
		b := big.NewInt(n)
		total.Add(total, b)
		squares.Add(squares, b.Mul(b, b))
	}
	if len(x) < 2 || total.Sign() == 0 {
		return NotApplicable
	}
	return Value{num: total.Mul(total, total), den: squares.Mul(squares, big.NewInt(int64(len(x))))}
}

func maxMin(x []int64) Value {
	if len(x) < 2 {
		return NotApplicable
	}
	least, most := x[0], x[0]
	for _, n := range x {
		least, most = min(least, n), max(most, n)
	}
	return Frac(most, least)
}
