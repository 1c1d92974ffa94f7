package explore

import "math/bits"

// A new event is the last of its CPU, so all order leads into it, save the
// overwrites: a read that is older than some write, or a write put before
// another one, precedes that write. Only such an event can close a cycle.

// consistent reports whether the graph is consistent after event e was added,
// given that it was before. For an atomic, e is its write.
func (g *graph) consistent(e int32) bool {
	if !g.targets(e) {
		return true
	}
	if g.model != LKMM {
		if !g.acyclic(e) {
			return false
		}
	} else {
		if !g.propagates(e) {
			return false
		}
		g.settle(e)
	}
	return g.graces == 0 || g.doomed || g.graceful()
}

// targets collects the writes of other CPUs behind e in coherence order, and
// reports whether there are any.
func (g *graph) targets(e int32) (any bool) {
	v := &g.ev[e]
	from := v.pos
	if v.flags&fWrite == 0 {
		from = g.position(v.rf)
	}
	co := g.locs[v.loc].co
	if int(from)+1 >= len(co) {
		return false
	}
	clear(g.target)
	for _, w := range co[from+1:] {
		if g.ev[w].cpu != v.cpu {
			setBit(g.target, w)
			any = true
		}
	}
	return any
}

// acyclic walks the order backwards from e (sc, x86-tso, arm64): preserved
// program order, reads-from, coherence and from-reads. It reports whether no
// target is met.
func (g *graph) acyclic(e int32) bool {
	clear(g.seen)
	g.stack = g.stack[:0]
	g.visit(e)
	g.walkOrder()
	return !intersects(g.seen, g.target)
}

// walkOrder closes the walked set backwards under the one order of the model.
func (g *graph) walkOrder() {
	for len(g.stack) > 0 {
		x := g.stack[len(g.stack)-1]
		g.stack = g.stack[:len(g.stack)-1]
		g.visitRow(g.row(g.ppo, x))
		g.visitCom(x)
	}
}

// visit adds e to the set that is walked, once.
func (g *graph) visit(e int32) {
	if !hasBit(g.seen, e) {
		setBit(g.seen, e)
		g.stack = append(g.stack, e)
	}
}

func (g *graph) visitRow(row []uint64) {
	for i, w := range row {
		if w &^= g.seen[i]; w == 0 {
			continue
		}
		g.seen[i] |= w
		for e := nextBit(row[i:i+1:i+1], 0); e != none; e = nextBit(row[i:i+1:i+1], e+1) {
			if w>>(e&63)&1 != 0 {
				g.stack = append(g.stack, int32(i<<6)+e)
			}
		}
	}
}

// visitCom walks one step of communication backwards from x. Own writes and
// reads before a write at the same location precede it in all three models.
func (g *graph) visitCom(x int32) {
	v := &g.ev[x]
	if v.flags&fWrite == 0 {
		if g.external(v.cpu, v.rf) {
			g.visit(v.rf)
		}
		return
	}
	lo := &g.locs[v.loc]
	r := lo.first
	if v.pos > 0 {
		w := lo.co[v.pos-1]
		g.visit(w)
		r = g.ev[w].first
	}
	for ; r != none; r = g.ev[r].next {
		if r != x {
			g.visit(r)
		}
	}
}

// propInt fills the row of e's prop & int edges of the kernel model: events a of
// the same CPU with a (overwrite & ext) c and c in cs(e), or a in cs(e).
func (g *graph) propInt(t *thread, e int32) {
	cs, row, cpu := g.row(g.cs, e), g.row(g.prop, e), g.ev[e].cpu
	own := t.set(g, acAll)
	for i, w := range cs {
		row[i] |= w & own[i]
	}
	for i, w := range t.racy {
		for w &= cs[i]; w != 0; w &= w - 1 {
			v := &g.ev[i<<6+bits.TrailingZeros64(w)]
			if v.cpu == cpu || v.flags&fWrite == 0 {
				continue // of an event that was undone
			}
			for a := g.locs[v.loc].last[cpu]; a != none; a = g.ev[a].prev {
				if a != e && g.before(a, v.pos) {
					setBit(row, a)
				}
			}
		}
	}
}

// before reports whether e reads or writes something older than the write at
// position pos of its location.
func (g *graph) before(e, pos int32) bool {
	v := &g.ev[e]
	if v.flags&fWrite != 0 {
		return v.pos < pos
	}
	return g.position(v.rf) < pos
}

// propagates checks the axioms happens-before and propagation of the kernel
// model for the new edges from e to the targets.
func (g *graph) propagates(e int32) bool {
	clear(g.seen)
	clear(g.work)
	g.stack = g.stack[:0]
	g.visit(e)
	for {
		g.happensBefore()
		if g.loops(e) {
			return false
		}
		if !g.strongBack() {
			return true
		}
		if intersects(g.tail, g.target) {
			return false
		}
		g.visitRow(g.tail)
		g.visitOverwritten(g.tail)
	}
}

// happensBefore closes the walked set backwards under hb.
func (g *graph) happensBefore() {
	for len(g.stack) > 0 {
		x := g.stack[len(g.stack)-1]
		g.stack = g.stack[:len(g.stack)-1]
		g.visitRow(g.row(g.ppo, x))
		g.visitRow(g.row(g.prop, x))
		if v := &g.ev[x]; v.flags&fWrite == 0 && g.external(v.cpu, v.rf) {
			g.visit(v.rf)
		}
	}
}

// loops reports a cycle in hb through e's new prop & int edges.
func (g *graph) loops(e int32) bool {
	v := &g.ev[e]
	for _, b := range g.th[v.cpu].events {
		if b != e && hasBit(g.seen, b) && intersects(g.row(g.cs, b), g.target) {
			return true
		}
	}
	return false
}

// strongBack goes back over strong fences from the walked set, and from there
// over cumul-fence and reads-from, into the tail row. It reports whether that
// led anywhere new; the work row remembers where it went.
func (g *graph) strongBack() (more bool) {
	clear(g.tail)
	for h := nextBit(g.seen, 0); h != none; h = nextBit(g.seen, h+1) {
		for i, w := range g.row(g.sf, h) {
			if w &^= g.work[i]; w == 0 {
				continue
			}
			g.work[i] |= w
			more = true
			for ; w != 0; w &= w - 1 {
				union(g.tail, g.row(g.cs, int32(i<<6+bits.TrailingZeros64(w))))
			}
		}
	}
	return more
}

// visitOverwritten visits what (overwrite & ext) leads from into the writes of
// a row.
func (g *graph) visitOverwritten(row []uint64) {
	for c := nextBit(row, 0); c != none; c = nextBit(row, c+1) {
		v := &g.ev[c]
		if v.flags&fWrite == 0 {
			continue
		}
		lo := &g.locs[v.loc]
		g.visitReaders(lo.first, v.cpu)
		for _, w := range lo.co[:v.pos] {
			if g.ev[w].cpu != v.cpu {
				g.visit(w)
			}
			g.visitReaders(g.ev[w].first, v.cpu)
		}
	}
}

func (g *graph) visitReaders(r, except int32) {
	for ; r != none; r = g.ev[r].next {
		if g.ev[r].cpu != except {
			g.visit(r)
		}
	}
}

// settle notes the prop & int edges that lead from e to earlier events of its
// CPU.
func (g *graph) settle(e int32) {
	v := &g.ev[e]
	rd := e
	if v.flags&fWrite != 0 && v.rf != none {
		rd = v.rf
	}
	for _, b := range g.th[v.cpu].events {
		if b != e && intersects(g.row(g.cs, b), g.target) {
			setBit(g.row(g.prop, b), e)
			if b != rd {
				setBit(g.row(g.prop, b), rd)
			}
		}
	}
}
