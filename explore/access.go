package explore

import "mmsim/sim"

// read adds a read of location l by cpu from write w. addr is the dependency of
// its address.
func (g *graph) read(cpu, l, w int32, fl evFlags, addr sim.Dep) int32 {
	lo, t := &g.locs[l], &g.th[cpu]
	if w != none {
		g.join(t, w)
	}
	e := g.newEvent(event{val: g.value(l, w), cpu: cpu, loc: l, rf: w, prev: lo.last[cpu], first: none, flags: fl})
	if w == none {
		g.ev[e].next, lo.first = lo.first, e
	} else {
		g.ev[e].next, g.ev[w].first = g.ev[w].first, e
	}
	g.racesOf(lo, cpu, g.position(w))
	g.orderRead(t, e, w, addr)
	lo.last[cpu], lo.coh[cpu] = e, w
	t.events = append(t.events, e)
	t.carry(g, e, w)
	return e
}

// join adds what write w knows to the clock of the reader.
func (g *graph) join(t *thread, w int32) {
	n := len(t.clock)
	for i, c := range g.clock[int(w)*n : int(w)*n+n] {
		if c > t.clock[i] {
			t.clock[i] = c
		}
	}
}

// carry notes the dependency of the value just loaded.
func (t *thread) carry(g *graph, e, w int32) {
	bit := t.loads & 31
	t.loads++
	setBit(t.set(g, acDep+bit), e)
	t.dep = 1 << bit
	if w != none && g.ev[w].cpu == g.ev[e].cpu && g.exact {
		t.dep |= g.ev[w].deps
	}
}

// depSet adds the loads that dependency d stands for to dst.
func (g *graph) depSet(dst []uint64, t *thread, d sim.Dep) {
	for i := 0; d != 0; i, d = i+1, d>>1 {
		if d&1 != 0 {
			union(dst, t.set(g, acDep+i))
		}
	}
}

// write adds a write of the whole word val directly behind write after in
// coherence order. rd is the read of the same atomic, or none.
func (g *graph) write(cpu, l, after int32, val uint64, fl evFlags, addr sim.Dep, rd int32) int32 {
	lo, t := &g.locs[l], &g.th[cpu]
	e := g.newEvent(event{val: val, cpu: cpu, loc: l, rf: rd, prev: lo.last[cpu], first: none, next: none,
		flags: fl | fWrite, deps: t.data, addr: addr})
	g.insert(lo, e, g.position(after)+1)
	g.racesOf(lo, cpu, g.ev[e].pos)
	g.raced(lo, e)
	if rd != none {
		g.setTaken(l, after, true)
	}
	g.orderWrite(t, e, rd, addr)
	t.data, t.ctrl = 0, 0
	lo.last[cpu], lo.coh[cpu] = e, e
	t.events = append(t.events, e)
	return e
}

// racesOf notes that an event of cpu comes before the writes of others behind
// position pos.
func (g *graph) racesOf(lo *location, cpu, pos int32) {
	for _, w := range lo.co[pos+1:] {
		if g.ev[w].cpu != cpu {
			setBit(g.th[cpu].racy, w)
		}
	}
}

// raced notes that write e comes behind events of other CPUs, if there are any at
// its location, and takes back what was noted of an undone event of its number.
func (g *graph) raced(lo *location, e int32) {
	for i := range g.th {
		t := &g.th[i]
		if clearBit(t.racy, e); lo.last[i] != none && int32(i) != g.ev[e].cpu {
			setBit(t.racy, e)
		}
	}
}

// insert puts write e at index pos of the coherence order.
func (g *graph) insert(lo *location, e, pos int32) {
	lo.co = append(lo.co, 0)
	copy(lo.co[pos+1:], lo.co[pos:])
	lo.co[pos] = e
	for i := int(pos); i < len(lo.co); i++ {
		g.ev[lo.co[i]].pos = int32(i)
	}
}

// mark is a state of one CPU that the graph can go back to, as long as no other
// CPU has added anything since.
type mark struct {
	events, own, loads int
	dep, data, ctrl    sim.Dep
	acc                []uint64
	clock              []uint16
	rcu                int
}

// save remembers the state before a tentative operation of cpu.
func (g *graph) save(cpu int32, k *mark) {
	t := &g.th[cpu]
	k.events, k.own, k.loads = len(g.ev), len(t.events), t.loads
	k.dep, k.data, k.ctrl, k.rcu = t.dep, t.data, t.ctrl, len(g.rcu)
	k.acc = append(k.acc[:0], t.acc...)
	k.clock = append(k.clock[:0], t.clock...)
}

// undo takes back everything since save.
func (g *graph) undo(cpu int32, k *mark) {
	t := &g.th[cpu]
	for e := int32(len(g.ev)) - 1; e >= int32(k.events); e-- {
		g.remove(e)
	}
	g.truncate(k.events)
	if g.model == LKMM {
		for _, b := range t.events[:k.own] {
			clearFrom(g.row(g.prop, b), k.events)
		}
	}
	t.events, t.loads, t.dep, t.data, t.ctrl = t.events[:k.own], k.loads, k.dep, k.data, k.ctrl
	if len(k.acc) == len(t.acc) {
		copy(t.acc, k.acc)
	} else { // the rows have grown since
		clear(t.acc)
		old := g.stride * len(k.acc) / len(t.acc)
		for i := range numAcc {
			copy(t.acc[i*g.stride:], k.acc[i*old:(i+1)*old])
		}
	}
	copy(t.clock, k.clock)
	g.rcu = g.rcu[:k.rcu]
}

// clearFrom clears the bits of event n and above.
func clearFrom(row []uint64, n int) {
	row[n>>6] &= 1<<(n&63) - 1
	clear(row[n>>6+1:])
}

// remove unlinks the newest event.
func (g *graph) remove(e int32) {
	v := &g.ev[e]
	lo := &g.locs[v.loc]
	lo.last[v.cpu] = v.prev
	if v.flags&fWrite == 0 {
		if v.rf == none {
			lo.first = v.next
		} else {
			g.ev[v.rf].first = v.next
		}
	} else {
		before := none
		if v.pos > 0 {
			before = lo.co[v.pos-1]
		}
		if v.rf != none {
			g.setTaken(v.loc, before, false)
		}
		copy(lo.co[v.pos:], lo.co[v.pos+1:])
		lo.co = lo.co[:len(lo.co)-1]
		for i := int(v.pos); i < len(lo.co); i++ {
			g.ev[lo.co[i]].pos = int32(i)
		}
	}
	lo.coh[v.cpu] = g.seenBy(v.prev)
}

// seenBy is the write that a CPU has seen after its event e at that location.
func (g *graph) seenBy(e int32) int32 {
	if e == none || g.ev[e].flags&fWrite != 0 {
		return e
	}
	return g.ev[e].rf
}

func (g *graph) truncate(n int) {
	g.ev = g.ev[:n]
	g.ppo = g.ppo[:n*g.stride]
	if g.model == LKMM {
		g.sf, g.cf = g.sf[:n*g.stride], g.cf[:n*g.stride]
		g.cs, g.prop = g.cs[:n*g.stride], g.prop[:n*g.stride]
	}
	g.clock = g.clock[:n*len(g.th)]
}
