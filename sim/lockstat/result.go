package lockstat

import (
	"cmp"
	"slices"

	"mmsim/sim"
)

// Distance says how far a lock travelled from the CPU that released it to the
// CPU that took it over.
type Distance uint8

const (
	SameCPU     Distance = iota // tasks that share a CPU
	SameCore                    // SMT siblings
	SameDomain                  // cores of one domain (cluster or socket)
	SameSocket                  // another domain of the socket
	OtherSocket                 // across a socket link
	NumDistances
)

// String is the distance's name in records.
func (d Distance) String() string {
	return [...]string{"same_cpu", "same_core", "same_domain", "same_socket", "other_socket"}[d]
}

// ModeResult is what one group of threads did with one class of locks in one
// mode during the measured interval. Waits and holds that reach beyond a border
// of the interval count with the part inside.
type ModeResult struct {
	Acquired  int64 // acquisitions, by trylocks too
	Contended int64 // of these, after a wait
	Abandoned int64 // waits that ended without the lock
	Waiting   int64 // waits that were still going on at the end
	WaitTime  sim.Time
	// MaxWait is the longest wait, one that was still going on at the end
	// included: what a starving writer shows.
	MaxWait  sim.Time
	HoldTime sim.Time
	MaxHold  sim.Time
}

// Handover sums up hand-overs: releases of a lock by one context that another
// one, which waited for it by then, answered by taking it. Time runs from the
// start of the releasing operation to the end of the acquiring one.
type Handover struct {
	Count int64
	Time  sim.Time
	Max   sim.Time
}

// Result is what the threads of one group did with the locks of one class.
type Result struct {
	Class string // "struct.field", the field being the lock's main word
	Group int
	Modes [2]ModeResult // by sim.LockMode
	// Handovers by distance; the group is that of the context that took over.
	Handovers [NumDistances]Handover
}

func (m *ModeResult) addWait(d sim.Time) {
	m.WaitTime += d
	m.MaxWait = max(m.MaxWait, d)
}

// stats are the totals of a lock's class for a group.
func (t *Tracker) stats(r int32, group int) *Result {
	k := t.class(r)
	for group >= len(k.groups) {
		k.groups = append(k.groups, &Result{Class: k.name, Group: len(k.groups)})
	}
	return k.groups[group]
}

func (t *Tracker) measuring(at sim.Time) bool { return at >= t.opt.From && at < t.opt.To }

// inside is how much of a span lies in the measured interval.
func (t *Tracker) inside(from, to sim.Time) sim.Time {
	return max(0, min(to, t.opt.To)-max(from, t.opt.From))
}

func (t *Tracker) endHold(h *hold, at sim.Time) {
	m := &h.stats.Modes[h.mode]
	d := t.inside(h.since, at)
	m.HoldTime += d
	m.MaxHold = max(m.MaxHold, d)
}

// Results closes what is still open at the end of the run and returns the
// totals, ascending by class name and group: those of groups that used the class
// in the measured interval. It is called once.
func (t *Tracker) Results(end sim.Time) []Result {
	for i := range t.ctxs {
		for k := range t.ctxs[i].held {
			t.endHold(&t.ctxs[i].held[k], end)
		}
		for _, w := range t.ctxs[i].waits {
			m := &w.stats.Modes[w.mode]
			m.Waiting++
			m.addWait(t.inside(w.since, end))
		}
	}
	var out []Result
	for i := range t.classes {
		for _, s := range t.classes[i].groups {
			if s.Modes != [2]ModeResult{} {
				out = append(out, *s)
			}
		}
	}
	slices.SortFunc(out, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Group, b.Group))
	})
	return out
}
