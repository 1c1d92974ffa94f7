package lockstat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mmsim/sim"
)

// Hold is a lock that a context holds or waits for.
type Hold struct {
	Lock  string
	Mode  sim.LockMode
	Since sim.Time
}

// String is the hold as errors print it.
func (h Hold) String() string { return fmt.Sprintf("%s (%v, since %v)", h.Lock, h.Mode, h.Since) }

// Party is a context that holds a lock or waits for it.
type Party struct {
	Context string
	Mode    sim.LockMode
	Since   sim.Time
}

// String is the party as errors print it.
func (p Party) String() string { return fmt.Sprintf("%s (%v, since %v)", p.Context, p.Mode, p.Since) }

// LockState is a lock somebody waits for.
type LockState struct {
	Lock             string
	Holders, Waiters []Party // in the order of contexts
}

// String is the lock's state on one line.
func (s LockState) String() string {
	held := "held by nobody"
	if len(s.Holders) > 0 {
		held = "held by " + join(s.Holders)
	}
	return s.Lock + ": " + held + "; awaited by " + join(s.Waiters)
}

func join[T fmt.Stringer](list []T) string {
	var names []string
	for _, x := range list {
		names = append(names, x.String())
	}
	return strings.Join(names, ", ")
}

// HeldBy lists what a context holds, in the order in which it took them.
func (t *Tracker) HeldBy(slot int) []Hold {
	if slot >= len(t.ctxs) {
		return nil
	}
	return t.holds(t.ctxs[slot].held)
}

// AwaitedBy lists what a context waits for, outermost first.
func (t *Tracker) AwaitedBy(slot int) []Hold {
	if slot >= len(t.ctxs) {
		return nil
	}
	return t.holds(t.ctxs[slot].waits)
}

func (t *Tracker) holds(hs []hold) (out []Hold) {
	for _, h := range hs {
		out = append(out, Hold{t.name(h.addr), h.mode, h.since})
	}
	return out
}

// Describe is what a context holds and awaits, for the end of its line in an
// error; empty if that is nothing.
func Describe(holds, awaits []Hold) (s string) {
	if len(holds) > 0 {
		s = "; holds " + join(holds)
	}
	if len(awaits) > 0 {
		s += "; waits for " + join(awaits)
	}
	return s
}

// Contended lists the locks that somebody waits for now, ascending by address.
func (t *Tracker) Contended() []LockState {
	var locks []sim.Addr
	for i := range t.ctxs {
		for _, w := range t.ctxs[i].waits {
			locks = append(locks, w.addr)
		}
	}
	slices.SortFunc(locks, cmp.Compare[sim.Addr])
	var out []LockState
	for _, a := range slices.Compact(locks) {
		out = append(out, t.state(a))
	}
	return out
}

func (t *Tracker) state(a sim.Addr) LockState {
	s := LockState{Lock: t.name(a)}
	for i := range t.ctxs {
		x := &t.ctxs[i]
		if k := find(x.held, a); k >= 0 {
			s.Holders = append(s.Holders, Party{x.cpu.Name, x.held[k].mode, x.held[k].since})
		}
		if k := find(x.waits, a); k >= 0 {
			s.Waiters = append(s.Waiters, Party{x.cpu.Name, x.waits[k].mode, x.waits[k].since})
		}
	}
	return s
}
