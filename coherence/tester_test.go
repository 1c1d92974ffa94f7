package coherence

import (
	"fmt"

	"mmsim/cache"
	"mmsim/sim"
)

// evAct is the tester's own event: A is the core that does its next access.
const evAct = NumEvents

// access is what a core of the tester does to a line.
type access uint8

const (
	load access = iota
	store
	rmw
	prefetchRead
	prefetchWrite
	farAtomic
	numAccesses
)

// tester plays the cores: each does random accesses to few lines. It follows
// the data of every line from copy to copy by version numbers, and holds what
// each access finds against the last completed write.
type tester struct {
	sys     *System
	q       *sim.Queue
	rnd     sim.Rand
	lines   []cache.Line
	left    []int // accesses still to start, by core
	waiting []map[cache.Line]access
	limit   int // outstanding requests per core

	last   map[cache.Line]int        // version of the last completed write
	copies []map[cache.Line]int      // version in a core's copy, kept when it leaves
	beyond map[cache.Line]int        // version that LLC or memory would give
	onWay  map[int32]int             // version that a snooped core sent, by transaction
	clean  map[cache.Line]bool       // memory itself is up to date
	pins   map[cache.Line][]sim.Time // by core: until when an operation holds the line

	now                     sim.Time
	started, filled, events int
	evicted                 int
	lost                    cache.Line // by the latest Lost
	err                     error
}

func newTester(p *Params, seed uint64, lines, accesses int) *tester {
	x := &tester{q: &sim.Queue{}, rnd: sim.NewRand(seed, 0, 0), limit: 3,
		last: map[cache.Line]int{}, beyond: map[cache.Line]int{}, onWay: map[int32]int{},
		clean: map[cache.Line]bool{}, pins: map[cache.Line][]sim.Time{}}
	x.sys = New(p, x.q, x.q, x, 3*sim.Nanosecond)
	for i := range lines {
		l := cache.Line(4096/p.LineBytes + i*37) // several pages, several homes
		x.lines = append(x.lines, l)
		x.clean[l] = true
		x.pins[l] = make([]sim.Time, p.Topology.Cores())
	}
	for c := range p.Topology.Cores() {
		x.left = append(x.left, accesses)
		x.waiting = append(x.waiting, map[cache.Line]access{})
		x.copies = append(x.copies, map[cache.Line]int{})
		x.q.Push(x.rnd.TimeBelow(50*sim.Nanosecond), evAct, int32(c), 0)
	}
	return x
}

// run handles events until none is left, checking after each.
func (x *tester) run() error {
	for x.q.Len() > 0 {
		ev := x.q.Pop()
		x.now = ev.At
		x.events++
		if ev.Kind == evAct {
			x.act(int16(ev.A))
		} else {
			x.handle(ev)
		}
		if x.err == nil {
			x.err = x.sys.Check()
		}
		if x.err == nil {
			x.err = x.checkDirtyKept()
		}
		if x.err != nil {
			return fmt.Errorf("event %d (kind %d, A %d, B %d) at %v: %w", x.events, ev.Kind, ev.A, ev.B, ev.At, x.err)
		}
	}
	return x.checkIdle()
}

// checkIdle: with no event left, nothing may be under way.
func (x *tester) checkIdle() error {
	if x.started != x.filled {
		return fmt.Errorf("%d requests started, %d were filled", x.started, x.filled)
	}
	for c := range x.left {
		if x.left[c] > 0 || x.sys.Outstanding(int16(c)) > 0 || x.sys.NextArrival(int16(c)) != sim.Never {
			return fmt.Errorf("core %d: %d accesses left, %d requests outstanding, next arrival %v", c,
				x.left[c], x.sys.Outstanding(int16(c)), x.sys.NextArrival(int16(c)))
		}
	}
	for _, t := range x.sys.txns {
		if t.inUse {
			return fmt.Errorf("%v of core %d for line %#x was never finished", t.Request, t.Core, uint32(t.Line))
		}
	}
	return nil
}

// act starts a core's next access, or does it at once if it hits.
func (x *tester) act(core int16) {
	if x.left[core] == 0 {
		return
	}
	x.q.Push(x.now+sim.Nanosecond+x.rnd.TimeBelow(40*sim.Nanosecond), evAct, int32(core), 0)
	l := x.lines[x.rnd.Below(uint64(len(x.lines)))]
	a := access(x.rnd.Below(uint64(numAccesses)))
	if _, busy := x.waiting[core][l]; busy || len(x.waiting[core]) >= x.limit {
		return
	}
	x.left[core]--
	st := x.sys.Private[core].State(l)
	switch {
	case a == farAtomic:
		x.request(core, l, FarOp, a)
	case st.Writable() || st.Readable() && (a == load || a == prefetchRead):
		x.sys.Private[core].FillL1(l)
		x.perform(core, l, a)
	case a == load || a == prefetchRead:
		x.request(core, l, GetS, a)
	default:
		x.request(core, l, GetX, a)
	}
}

func (x *tester) request(core int16, l cache.Line, r Request, a access) {
	x.started++
	x.waiting[core][l] = a
	x.sys.Request(core, l, r, x.now)
}

// perform does an access on the core's own copy.
func (x *tester) perform(core int16, l cache.Line, a access) {
	st := x.sys.Private[core].State(l)
	if a == prefetchRead || a == prefetchWrite {
		return
	}
	if !st.Readable() || a != load && !st.Writable() {
		x.fail("core %d does access %d on line %#x in state %v", core, a, uint32(l), st)
	}
	if a != store && x.copies[core][l] != x.last[l] {
		x.fail("core %d reads version %d of line %#x, the last completed write is %d", core, x.copies[core][l], uint32(l), x.last[l])
	}
	if a == load {
		return
	}
	priv := x.sys.Private[core]
	i := priv.L1.Find(l)
	if i < 0 {
		i = priv.FillL1(l)
	}
	priv.Written(i, 0)
	x.last[l]++
	x.copies[core][l] = x.last[l]
	x.clean[l] = false
	if a == rmw {
		x.pins[l][core] = x.now + x.rnd.TimeBelow(8*sim.Nanosecond)
	}
}

func (x *tester) fail(format string, args ...any) {
	if x.err == nil {
		x.err = fmt.Errorf(format, args...)
	}
}

// handle lets the memory system carry out an event, and notes what data it
// moved.
func (x *tester) handle(ev sim.Event) {
	s := x.sys
	line := cache.Line(0)
	if ev.Kind == EvRelease {
		line = s.dir.at(ev.A).line
	} else {
		line = s.txns[ev.A].Line
	}
	dirty := x.dirtyInLLC()
	if ev.Kind != EvSnoop {
		s.Handle(ev)
		if ev.Kind == EvFill {
			line = 0 // makes room only
		}
		x.noteWrittenBack(line, dirty)
		return
	}
	t, core := s.txns[ev.A], int16(ev.B)
	before, supplies, request, acks := s.Private[core].State(line), t.supplier == core, t.Request, t.acks
	s.Handle(ev)
	x.noteWrittenBack(line, dirty)
	if t.inUse && t.acks == acks {
		return // waits for a fill
	}
	if supplies {
		x.onWay[t.id] = x.copies[core][line]
	}
	after := s.Private[core].State(line)
	if before.Dirty() && (after == S || request == Recall) {
		x.toBeyond(core, line)
	}
}

// toBeyond: a core's data went to its LLC, or to memory without one.
func (x *tester) toBeyond(core int16, l cache.Line) {
	x.beyond[l] = x.copies[core][l]
	if x.sys.llc == nil || x.sys.llc[x.sys.f.domainOf[core]].Find(l) < 0 {
		x.clean[l] = true
	}
}

func (x *tester) dirtyInLLC() map[cache.Line]int {
	n := map[cache.Line]int{}
	for _, a := range x.sys.llc {
		a.Each(func(_ int, l cache.Line, m uint8) {
			if m&llcDirty != 0 {
				n[l]++
			}
		})
	}
	return n
}

// noteWrittenBack: dirty LLC data of a line other than the one that moves can
// only have gone to memory.
func (x *tester) noteWrittenBack(line cache.Line, before map[cache.Line]int) {
	after := x.dirtyInLLC()
	for l, n := range before {
		if l != line && after[l] < n {
			x.clean[l] = true
		}
	}
}

// checkDirtyKept: where memory is out of date, somebody is responsible for the
// data.
func (x *tester) checkDirtyKept() error {
	dirty := x.dirtyInLLC()
	for _, l := range x.lines {
		if x.clean[l] || dirty[l] > 0 {
			continue
		}
		kept := false
		for c := range x.sys.Private {
			kept = kept || x.sys.Private[c].State(l).Dirty()
		}
		for _, t := range x.sys.txns {
			kept = kept || t.inUse && t.accepted && t.Line == l && (t.Request != GetS || t.grant == M)
		}
		if !kept {
			return fmt.Errorf("dirty data of line %#x was lost: memory is out of date and no copy is dirty", uint32(l))
		}
	}
	return nil
}

// Filled implements Host.
func (x *tester) Filled(t *Txn, _ sim.Time) {
	x.filled++
	core, l := t.Core, t.Line
	a, asked := x.waiting[core][l]
	if !asked {
		x.fail("core %d was filled line %#x without asking", core, uint32(l))
	}
	delete(x.waiting[core], l)
	if t.Request == FarOp {
		return
	}
	if !t.Upgrade {
		x.copies[core][l] = x.data(t)
	}
	x.perform(core, l, a)
}

// data is the version that reached the transaction.
func (x *tester) data(t *Txn) int {
	if t.supplier >= 0 {
		return x.onWay[t.id]
	}
	return x.beyond[t.Line]
}

// PerformFar implements Host.
func (x *tester) PerformFar(t *Txn) {
	for c := range x.sys.Private {
		if st := x.sys.Private[c].State(t.Line); st != I {
			x.fail("a far atomic executes on line %#x while core %d holds it in %v", uint32(t.Line), c, st)
		}
	}
	if v := x.data(t); v != x.last[t.Line] {
		x.fail("a far atomic reads version %d of line %#x, the last completed write is %d", v, uint32(t.Line), x.last[t.Line])
	}
	x.last[t.Line]++
	x.beyond[t.Line] = x.last[t.Line]
	home := x.sys.f.homeAgent(x.sys.dir.at(t.entry).home)
	x.clean[t.Line] = x.sys.llc == nil || home >= x.sys.f.domains
}

// Lost implements Host.
func (x *tester) Lost(core int16, l cache.Line, _ sim.Time, _ bool) {
	x.lost = l
	if st := x.sys.Private[core].State(l); st != I {
		x.fail("core %d lost line %#x and holds it in %v", core, uint32(l), st)
	}
}

// Downgraded implements Host.
func (x *tester) Downgraded(core int16, l cache.Line) {
	if st := x.sys.Private[core].State(l); st.Writable() || !st.Readable() {
		x.fail("core %d was downgraded to %v on line %#x", core, st, uint32(l))
	}
}

// Pinned implements Host.
func (x *tester) Pinned(core int16, l cache.Line) sim.Time { return x.pins[l][core] }

// Evicted implements Host: Lost has just named the line. Its data goes on to
// the LLC or to memory, unless an accepted request takes it elsewhere.
func (x *tester) Evicted(core int16, dirty bool) {
	x.evicted++
	if !dirty {
		return
	}
	s, l := x.sys, x.lost
	x.beyond[l] = x.copies[core][l]
	p := s.Pending(core, l)
	i := s.dir.find(l)
	e := s.dir.at(i)
	recalled := e.busy >= 0 && s.txns[e.busy].Request == Recall
	if recalled || s.llc == nil && hasBit(s.dir.coreSet(i), int(core)) && (p == nil || !p.accepted) {
		x.clean[l] = true
	}
}

var _ Host = (*tester)(nil)
