package coherence

// accept adds the acceptance of a request, for each choice of who may answer.
func (w *walk) accept(s walkState, i, k int, req Request) {
	l := &s[i]
	if l.txn[k].active || k == walkCores && l.bits == 0 {
		return
	}
	for _, t := range l.txn {
		if t.holds {
			return
		}
	}
	for _, llc := range []bool{false, true} {
		for _, fwd := range w.forwarders(l, k) {
			w.acceptWith(s, i, k, req, fwd, llc)
		}
	}
}

// forwarders are the cores that may answer for clean sharers: F under MESIF,
// under MOESI any sharer near enough or none.
func (w *walk) forwarders(l *walkLine, k int) []int8 {
	if w.proto != MOESI {
		if l.fwd == int8(k) {
			return []int8{nobody}
		}
		return []int8{l.fwd}
	}
	out := []int8{nobody}
	for c := range w.walkRule.cores {
		if l.bits>>c&1 != 0 && c != k {
			out = append(out, int8(c))
		}
	}
	return out
}

func (w *walk) acceptWith(s walkState, i, k int, req Request, fwd int8, llc bool) {
	l := &s[i]
	held := I
	if k < walkCores && l.bits>>k&1 != 0 {
		held = l.state[k]
	}
	pl := Plan{Supplier: FromNobody, Invalidate: true}
	if req != Recall {
		pl = Serve(w.proto, l.dir, req, held, fwd >= 0, llc)
	}
	t := walkTxn{active: true, req: req, grant: pl.Grant, order: walkCores + 1, supplier: nobody, fresh: l.beyond}
	switch pl.Supplier {
	case FromOwner:
		t.supplier = l.owner
	case FromForwarder:
		t.supplier = fwd
	case FromNobody:
		t.fresh = k < walkCores && l.fresh[k]
	}
	if t.supplier >= 0 {
		t.fresh = false
		t.snoops = 1 << t.supplier
	}
	if pl.Invalidate {
		t.snoops |= l.bits
		if req == GetX {
			t.snoops &^= 1 << k
		}
	}
	t.holds = req == FarOp || req == Recall || t.snoops != 0 && (!w.atForward || req == GetS)
	l.advance(k, req, pl)
	l.txn[k] = t
	w.add(s)
}

// advance moves the directory to what will hold at completion.
func (l *walkLine) advance(k int, req Request, pl Plan) {
	switch req {
	case GetS:
		l.dir = pl.Next
		l.bits |= 1 << k
		if pl.Next == Exclusive {
			l.owner = int8(k)
		} else if pl.Next == Shared {
			l.owner = nobody
		}
		if pl.Grant == F {
			l.fwd = int8(k)
		}
	case GetX:
		l.dir, l.bits, l.owner, l.fwd = Exclusive, 1<<k, int8(k), nobody
	default:
		l.dir, l.bits, l.owner, l.fwd = Uncached, 0, nobody, nobody
	}
}

// snooped adds the arrival of a snoop.
func (w *walk) snooped(s walkState, i, k, c int) {
	l := &s[i]
	t := &l.txn[k]
	before := l.state[c]
	next, writeBack := OnSnoop(w.proto, before, t.snoopKind())
	l.state[c] = next
	if t.supplier == int8(c) && before != I {
		t.fresh = l.fresh[c]
	}
	if writeBack || t.req == Recall && before.Dirty() {
		l.beyond = l.fresh[c]
	}
	if t.req == GetS && next == O && l.dir == Shared {
		l.dir, l.owner = Owned, int8(c)
	}
	t.snoops &^= 1 << c
	w.add(s)
}

// complete adds the end of a request: the fill, or the far atomic.
func (w *walk) complete(s walkState, i, k int) {
	l := &s[i]
	t := l.txn[k]
	l.txn[k] = walkTxn{}
	switch t.req {
	case Recall:
	case FarOp:
		if !t.fresh {
			w.t.Fatalf("a far atomic reads old data in %+v", l)
		}
		l.overwrite()
		l.beyond = true
	default:
		l.state[k], l.fresh[k] = t.grant, t.fresh
		if w.oneLine {
			if other := &s[1-i]; other.state[k] != I {
				other.evict(k)
			}
		}
		if t.req == GetX {
			if !t.fresh {
				w.t.Fatalf("an owner reads old data in %+v", l)
			}
			l.write(k)
		}
	}
	w.add(s)
}
