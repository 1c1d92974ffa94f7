package results

import (
	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// addLocks files the lock statistics under their groups. Cycles are those of
// the group's first CPU.
func addLocks(r *Record, s *Source) {
	periods := groupPeriods(s)
	for i := range s.Result.Locks {
		l := &s.Result.Locks[i]
		g := &r.Groups[l.Group]
		g.Locks = append(g.Locks, newLockUse(l, periods[l.Group]))
	}
}

func groupPeriods(s *Source) map[int]sim.Time {
	periods := map[int]sim.Time{}
	for i := range s.Result.CPUs {
		cpu := &s.Result.CPUs[i]
		if periods[cpu.Group] == 0 {
			periods[cpu.Group] = cpu.Period
		}
	}
	return periods
}

func newLockUse(l *lockstat.Result, period sim.Time) LockUse {
	u := LockUse{Class: l.Class, Write: newLockSide(&l.Modes[sim.Exclusive]), Read: newLockSide(&l.Modes[sim.Shared]),
		Handovers: Counts{}, HandoverTime: Counts{}, HandoverCycles: Counts{}}
	for d, h := range l.Handovers {
		if h.Count == 0 {
			continue
		}
		name := lockstat.Distance(d).String()
		u.Handovers[name], u.HandoverTime[name] = h.Count, int64(h.Time)
		u.HandoverCycles[name] = cyclesOf(h.Time, period)
	}
	return u
}

func newLockSide(m *lockstat.ModeResult) LockSide {
	return LockSide{Acquired: m.Acquired, Contended: m.Contended, Abandoned: m.Abandoned, Waiting: m.Waiting,
		WaitTime: m.WaitTime, MaxWait: m.MaxWait, HoldTime: m.HoldTime, MaxHold: m.MaxHold}
}
