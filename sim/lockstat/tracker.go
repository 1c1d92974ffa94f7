package lockstat

import "mmsim/sim"

// Options of one run.
type Options struct {
	// Syms names locks and their classes; without it every address is a class
	// of its own.
	Syms *sim.Symbols
	// From and To border the measured interval; the order check and the lock
	// states know the whole run. A To of zero means that nothing is measured.
	From, To sim.Time
	// Distance is how far the second CPU is from the first; only measuring
	// uses it.
	Distance func(from, to int) Distance
}

// Event is one annotation together with what the executor knows of its caller.
type Event struct {
	Kind  sim.LockEvent
	Mode  sim.LockMode
	Lock  sim.Addr
	At    sim.Time
	CPU   int
	Group int // whose totals it counts to
	Step  sim.Step
}

// Tracker follows the locks of one run. Its state is fed in the order in which
// the executor carries out operations: a release always comes before the
// acquisition that it allows, because annotations stand around the memory
// operations that make them so. Annotations of contexts that do not depend on
// each other may come out of the order of their times, by less than the
// executor's lookahead; what is computed from two contexts' times (hand-overs)
// compares the times, not the order of arrival.
type Tracker struct {
	opt     Options
	ctxs    []context // by sim.CPU.Slot
	locks   table
	classes []class
	byField map[fieldKey]int32
	byName  map[string]int32
	pairs   map[pair]*pairOrders
	reports []OrderReport
}

// context is what one context holds, and what it waits for: innermost last.
// (While it waits for an rwsem it may wait for the spinlock inside.)
type context struct {
	cpu   *sim.CPU
	held  []hold
	waits []hold
}

// hold is a lock held or waited for.
type hold struct {
	addr  sim.Addr
	stats *Result // where it counts
	since sim.Time
	rec   int32
	mode  sim.LockMode
	step  sim.Step
}

// NewTracker returns a tracker that has seen nothing yet.
func NewTracker(o Options) *Tracker {
	t := &Tracker{opt: o, byField: map[fieldKey]int32{}, byName: map[string]int32{}, pairs: map[pair]*pairOrders{}}
	t.locks.init()
	return t
}

// Note takes one annotation of context c.
func (t *Tracker) Note(c *sim.CPU, e *Event) {
	x := t.context(c)
	switch e.Kind {
	case sim.LockContended:
		t.contended(x, e)
	case sim.LockAcquired, sim.LockTried:
		t.acquired(x, e)
	case sim.LockAbandoned:
		t.abandoned(x, e)
	case sim.LockReleased:
		t.released(x, e)
	case sim.LockDowngraded:
		t.downgraded(x, e)
	case sim.LockInit:
		t.locks.at(t.record(e.Lock)).renew()
	}
}

func (t *Tracker) context(c *sim.CPU) *context {
	for c.Slot >= len(t.ctxs) {
		t.ctxs = append(t.ctxs, context{})
	}
	x := &t.ctxs[c.Slot]
	if x.cpu != c {
		x.cpu = c
	}
	return x
}

func (t *Tracker) contended(x *context, e *Event) {
	if find(x.waits, e.Lock) >= 0 {
		return // a second attempt of the same wait
	}
	r := t.record(e.Lock)
	t.checkOrder(x, r, e)
	x.waits = append(x.waits, newHold(r, t.stats(r, e.Group), e))
}

func (t *Tracker) acquired(x *context, e *Event) {
	r := t.record(e.Lock)
	s := t.stats(r, e.Group)
	if i := find(x.waits, e.Lock); i >= 0 {
		t.endWait(s, r, &x.waits[i], e)
		x.waits = remove(x.waits, i)
	} else if e.Kind == sim.LockAcquired {
		t.checkOrder(x, r, e)
	}
	t.checkIRQ(x, r, e)
	if t.measuring(e.At) {
		s.Modes[e.Mode].Acquired++
	}
	t.locks.at(r).holder = int32(x.cpu.Slot)
	x.held = append(x.held, newHold(r, s, e))
}

// endWait books a wait that ends with the lock, and the hand-over if the lock
// came from somebody who gave it up during the wait.
func (t *Tracker) endWait(s *Result, r int32, w *hold, e *Event) {
	m := &s.Modes[e.Mode]
	m.addWait(t.inside(w.since, e.At))
	if !t.measuring(e.At) {
		return
	}
	m.Contended++
	from := t.locks.at(r).freed[e.Mode]
	if from.at < w.since {
		return
	}
	h := &s.Handovers[t.opt.Distance(int(from.cpu), e.CPU)]
	h.Count++
	h.Time += e.At - from.at
	h.Max = max(h.Max, e.At-from.at)
}

func (t *Tracker) abandoned(x *context, e *Event) {
	i := find(x.waits, e.Lock)
	if i < 0 {
		return
	}
	w := x.waits[i]
	x.waits = remove(x.waits, i)
	m := &w.stats.Modes[w.mode]
	m.addWait(t.inside(w.since, e.At))
	if t.measuring(e.At) {
		m.Abandoned++
	}
}

func (t *Tracker) released(x *context, e *Event) {
	h, ok := t.take(x, e.Lock)
	if !ok {
		return
	}
	t.endHold(&h, e.At)
	t.locks.at(h.rec).release(h.mode, e)
}

// downgraded turns an exclusive hold into a shared one; for readers that wait
// it is a release.
func (t *Tracker) downgraded(x *context, e *Event) {
	i := find(x.held, e.Lock)
	if i < 0 {
		return
	}
	h := &x.held[i]
	t.endHold(h, e.At)
	h.mode, h.since = sim.Shared, e.At
	t.locks.at(h.rec).freed[sim.Shared] = release{e.At, int32(e.CPU)}
}

// take removes a lock from those held by x, or from those of the context that
// acquired it: a lock may be released by another one.
func (t *Tracker) take(x *context, lock sim.Addr) (h hold, ok bool) {
	i := find(x.held, lock)
	if i < 0 {
		if x, i = t.holder(lock); i < 0 {
			return
		}
	}
	h = x.held[i]
	x.held = remove(x.held, i)
	return h, true
}

// holder finds a context that holds the lock: usually the one that took it
// last.
func (t *Tracker) holder(lock sim.Addr) (*context, int) {
	last := &t.ctxs[t.locks.at(t.record(lock)).holder]
	if i := find(last.held, lock); i >= 0 {
		return last, i
	}
	for k := range t.ctxs {
		if i := find(t.ctxs[k].held, lock); i >= 0 {
			return &t.ctxs[k], i
		}
	}
	return nil, -1
}

func newHold(r int32, s *Result, e *Event) hold {
	return hold{addr: e.Lock, stats: s, rec: r, since: e.At, mode: e.Mode, step: e.Step}
}

// find is the index of the innermost entry for a lock, or -1.
func find(hs []hold, lock sim.Addr) int {
	for i := len(hs) - 1; i >= 0; i-- {
		if hs[i].addr == lock {
			return i
		}
	}
	return -1
}

func remove(hs []hold, i int) []hold { return append(hs[:i], hs[i+1:]...) }
