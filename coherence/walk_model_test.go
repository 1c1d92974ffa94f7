package coherence

import (
	"fmt"
	"testing"
)

// The model of the exhaustive walk: states, invariants and steps.

const (
	walkCores = 3
	nobody    = -1
)

// walkTxn is a request that was accepted and is not complete.
type walkTxn struct {
	active   bool
	req      Request
	grant    State
	order    uint8 // of acceptance among the active ones
	snoops   uint8 // cores whose answer is missing
	supplier int8
	fresh    bool // the data it carries, or will take from beyond, is current
	holds    bool // the line is closed until it completes
}

// walkLine is one line: the copies, the directory entry, and one transaction
// per core, then one for a recall.
type walkLine struct {
	state  [walkCores]State
	fresh  [walkCores]bool // the copy holds the last completed write
	dir    DirState
	bits   uint8
	owner  int8
	fwd    int8
	beyond bool // LLC or memory holds the last completed write
	txn    [walkCores + 1]walkTxn
}

// walkRule is the machine that is walked.
type walkRule struct {
	proto     Protocol
	cores     int
	lines     int
	atForward bool // ownership requests do not hold the line
	oneLine   bool // private caches have room for one line only
}

type walkState [2]walkLine

// walk is the set of reachable states.
type walk struct {
	walkRule
	t     *testing.T
	seen  map[walkState]bool
	queue []walkState
	cores [M + 1]bool
	dirs  [Owned + 1]bool
}

func (w *walk) add(s walkState) {
	for i := range w.lines {
		s[i].rank()
		if err := w.invariants(&s[i]); err != nil {
			w.t.Fatalf("%v in %+v", err, s[i])
		}
	}
	if !w.seen[s] {
		w.seen[s] = true
		w.queue = append(w.queue, s)
	}
}

// rank renumbers the order of acceptance, so that equal states are equal.
func (l *walkLine) rank() {
	var ranks [walkCores + 1]uint8
	for i := range l.txn {
		for j := range l.txn {
			if l.txn[j].active && l.txn[j].order < l.txn[i].order {
				ranks[i]++
			}
		}
	}
	for i := range l.txn {
		if l.txn[i].active {
			l.txn[i].order = ranks[i]
		} else {
			l.txn[i] = walkTxn{}
		}
	}
}

// invariants of one line: one writer or many readers, every copy current,
// directory and copies agree once what is in flight has arrived.
func (w *walk) invariants(l *walkLine) error {
	var n [M + 1]int
	readers := 0
	for c := range w.walkRule.cores {
		st := l.state[c]
		n[st]++
		w.cores[st] = true
		if st == I {
			continue
		}
		if readers++; !l.fresh[c] {
			return fmt.Errorf("core %d can read old data", c)
		}
	}
	w.dirs[l.dir] = true
	if writers := n[E] + n[M]; writers > 1 || writers == 1 && readers > 1 {
		return fmt.Errorf("%d writers, %d readers", writers, readers)
	}
	if n[O] > 1 || n[F] > 1 {
		return fmt.Errorf("%d copies in O, %d in F", n[O], n[F])
	}
	return w.directoryAgrees(l)
}

func (w *walk) directoryAgrees(l *walkLine) error {
	forwarder := int8(nobody)
	for c := range w.walkRule.cores {
		st := w.settled(l, c)
		if (l.bits>>c&1 != 0) != (st != I) {
			return fmt.Errorf("core %d will be in %v, sharer bit %v", c, st, l.bits>>c&1 != 0)
		}
		if st == F {
			forwarder = int8(c)
		}
		sole := st == E || st == M
		if sole != (l.dir == Exclusive && l.owner == int8(c)) || st == O && l.owner != int8(c) && !w.beingRead(l, c) {
			return fmt.Errorf("core %d will be in %v, directory state %d, owner %d", c, st, l.dir, l.owner)
		}
	}
	if forwarder != l.fwd || (l.bits == 0) != (l.dir == Uncached) || (l.owner >= 0) != (l.dir == Exclusive || l.dir == Owned) {
		return fmt.Errorf("forwarder %d", forwarder)
	}
	return nil
}

// beingRead: a read is on its way to the core, and the directory does not know
// yet that it stays the owner of dirty data.
func (w *walk) beingRead(l *walkLine, core int) bool {
	for _, t := range l.txn {
		if t.active && t.req == GetS && t.supplier == int8(core) && t.snoops != 0 {
			return true
		}
	}
	return false
}

// settled is the core's state after everything in flight has arrived.
func (w *walk) settled(l *walkLine, core int) State {
	st := l.state[core]
	for rank := range uint8(len(l.txn)) {
		for i := range l.txn {
			t := &l.txn[i]
			if !t.active || t.order != rank {
				continue
			}
			if i == core && t.req != FarOp {
				st = t.grant
			} else if t.snoops>>core&1 != 0 {
				st, _ = OnSnoop(w.proto, st, t.snoopKind())
			}
		}
	}
	return st
}

func (t *walkTxn) snoopKind() Snoop {
	if t.req == GetS {
		return SnoopShare
	}
	return SnoopInvalidate
}

// step adds every successor of s. It fails the test where requests are in
// flight and none can move on.
func (w *walk) step(s walkState) {
	for i := range w.lines {
		busy, moved := false, false
		for k := range s[i].txn {
			t := s[i].txn[k]
			if !t.active {
				continue
			}
			busy = true
			if t.snoops == 0 {
				moved = true
				w.complete(s, i, k)
			}
			for c := range w.walkRule.cores {
				if t.snoops>>c&1 != 0 && !s[i].deferred(k, c) {
					moved = true
					w.snooped(s, i, k, c)
				}
			}
		}
		if busy && !moved {
			w.t.Fatalf("deadlock in %+v", s[i])
		}
		for c := range w.walkRule.cores {
			w.core(s, i, c)
		}
		w.accept(s, i, walkCores, Recall)
	}
}

// core adds what a core may do by itself: write, evict, ask.
func (w *walk) core(s walkState, i, c int) {
	st := s[i].state[c]
	if st.Writable() {
		n := s
		n[i].write(c)
		w.add(n)
	}
	if st != I {
		n := s
		n[i].evict(c)
		w.add(n)
	}
	if s[i].txn[c].active {
		return
	}
	if st == I {
		w.accept(s, i, c, GetS)
	}
	if !st.Writable() {
		w.accept(s, i, c, GetX)
	}
	w.accept(s, i, c, FarOp)
}

// write makes a core's copy the only current one.
func (l *walkLine) write(c int) {
	l.state[c] = M
	l.overwrite()
	l.fresh[c] = true
}

func (l *walkLine) overwrite() {
	l.fresh = [walkCores]bool{}
	l.beyond = false
	for k := range l.txn {
		l.txn[k].fresh = false
	}
}

// evict drops a core's copy; dirty data goes beyond. A request accepted since
// takes the data from there, as from a write-back buffer.
func (l *walkLine) evict(c int) {
	if l.state[c].Dirty() {
		l.beyond = l.fresh[c]
	}
	for k := range l.txn {
		if t := &l.txn[k]; t.active && t.supplier == int8(c) && t.snoops>>c&1 != 0 {
			t.fresh = l.fresh[c]
		}
	}
	l.state[c] = I
	if !l.txn[c].active || l.txn[c].req == FarOp {
		l.forget(c)
	}
}

// forget strikes a copy off the directory.
func (l *walkLine) forget(c int) {
	if l.bits>>c&1 == 0 {
		return
	}
	l.bits &^= 1 << c
	if l.fwd == int8(c) {
		l.fwd = nobody
	}
	if l.owner == int8(c) {
		l.owner, l.dir = nobody, Shared
	}
	if l.bits == 0 {
		l.dir, l.owner, l.fwd = Uncached, nobody, nobody
	}
}

// deferred: the snoop of transaction k waits at core c for a fill granted
// before.
func (l *walkLine) deferred(k, c int) bool {
	own := &l.txn[c]
	return own.active && own.req != FarOp && own.order < l.txn[k].order
}
