package cores

import (
	"mmsim/cache"
	"mmsim/coherence"
	"mmsim/sim"
)

// storeBuffer holds stores that have executed but are not visible yet. Under
// in-order drain they become visible in program order (TSO); otherwise as
// ownership of their lines arrives, except that stores to one line stay in
// order, nothing passes a wmb marker, and a release waits for all before it.
type storeBuffer struct {
	ents     []sbEntry   // ring
	wide     []*wideData // values of line-wide stores, by ring slot, made on first use
	head, n  int
	epoch    uint32   // counts wmb markers
	done     sim.Time // when the last commit so far has left the buffer
	releases int      // store-releases in it
	unasked  int      // stores whose line is neither owned nor asked for
}

// wideData holds the words of a store of up to a whole line (bulk copies).
type wideData [16]uint64

type sbEntry struct {
	r       sim.Ref // Size is up to a line for wide stores
	v       uint64
	wide    *wideData
	line    cache.Line
	epoch   uint32
	release bool
	asked   bool // the core owns the line or has asked for it
	gone    bool // committed out of order; its slot is freed when it is at the head
	step    sim.Step
}

func (b *storeBuffer) init(entries int) {
	b.ents = make([]sbEntry, entries)
	b.wide = make([]*wideData, entries)
}

// word is the 8-byte-aligned word of the entry that covers a.
func (s *sbEntry) word(a sim.Addr) uint64 {
	if s.wide == nil {
		return s.v << (8 * (s.r.A & 7))
	}
	return s.wide[(a-s.r.A)>>3]
}

// marked reports whether a wmb marker stands behind buffered stores: the store of
// an atomic must not pass it either, and atomics are not buffered.
func (b *storeBuffer) marked() bool { return b.n > 0 && b.at(0).epoch != b.epoch }

func (b *storeBuffer) at(i int) *sbEntry {
	i += b.head
	if i >= len(b.ents) {
		i -= len(b.ents)
	}
	return &b.ents[i]
}

// overlaps reports whether a buffered store touches the operand.
func (b *storeBuffer) overlaps(r sim.Ref) bool {
	for i := 0; i < b.n; i++ {
		if s := b.at(i); !s.gone && s.r.A < r.A+sim.Addr(r.Size) && r.A < s.r.A+sim.Addr(s.r.Size) {
			return true
		}
	}
	return false
}

// forward answers a load from the youngest buffered store that covers it. A
// partial overlap waits until the store is visible.
func (x *strand) forward(r sim.Ref) (uint64, bool) {
	h := x.hw
	for h.sb.overlaps(r) {
		for i := h.sb.n - 1; i >= 0; i-- {
			s := h.sb.at(i)
			if s.gone || s.r.A >= r.A+sim.Addr(r.Size) || r.A >= s.r.A+sim.Addr(s.r.Size) {
				continue
			}
			if s.r.A <= r.A && r.A+sim.Addr(r.Size) <= s.r.A+sim.Addr(s.r.Size) {
				return s.word(r.A) >> (8 * (r.A & 7)) & r.Size.Mask(), true
			}
			break
		}
		x.drainAll()
	}
	return 0, false
}

// Store implements sim.Executor.
func (e *engine) Store(c *sim.CPU, r sim.Ref, v uint64, o sim.Order) {
	x := e.ctxs[c.Slot]
	h := x.enter()
	tr := e.begin(h, r.A)
	if o == sim.Release && e.low.release > 0 {
		h.charge(Atomic, h.cycles(e.low.release))
	}
	x.store(r, v&r.Size.Mask(), nil, o == sim.Release)
	if e.opt.Trace != nil {
		e.trace(x, tr, "store", o, r, v)
	}
}

// store executes a store: at once if nothing is buffered and the core owns the
// line, else through the store buffer.
func (x *strand) store(r sim.Ref, v uint64, wide *wideData, release bool) {
	h := x.hw
	h.count(Stores)
	l := h.e.line(r.A)
	for h.sb.n == len(h.sb.ents) {
		x.block(full)
	}
	if h.sb.n == 0 && h.commitNow(l, r, v, wide) {
		h.charge(L1, h.cycles(h.e.m.StoreCommit))
		return
	}
	h.sb.n++
	s := h.sb.at(h.sb.n - 1)
	*s = sbEntry{r: r, v: v, line: l, epoch: h.sb.epoch, release: release, step: h.step}
	if wide != nil {
		s.wide = h.sb.keep(h.sb.n-1, wide)
	}
	if release {
		h.sb.releases++
	}
	h.sb.unasked++
	h.own(s, h.now+h.cycles(h.e.m.L2Latency))
	h.charge(L1, h.cycles(h.e.m.StoreCommit))
}

// keep copies wide data into the storage of ring entry i.
func (b *storeBuffer) keep(i int, w *wideData) *wideData {
	slot := (b.head + i) % len(b.ents)
	if b.wide[slot] == nil {
		b.wide[slot] = new(wideData)
	}
	*b.wide[slot] = *w
	return b.wide[slot]
}

// commitNow makes a store visible at once if the core owns its line.
func (h *hw) commitNow(l cache.Line, r sim.Ref, v uint64, wide *wideData) bool {
	i := h.core.priv.HitL1(l)
	level, wait := L1Hits, sim.Time(0)
	if i < 0 {
		if i = h.core.priv.FillL1(l); i < 0 {
			return false
		}
		level, wait = L2Hits, h.cycles(h.e.m.L2Latency)
	}
	if !h.core.priv.StateL1(i).Writable() {
		return false
	}
	h.count(level)
	h.sb.done = max(h.sb.done, h.now+wait)
	h.write(i, l, r, v, wide, h.now)
	return true
}

// own asks for ownership of a buffered store's line, unless the core has it or
// a request for it is on the way. Without a free miss buffer it is asked for
// later.
func (h *hw) own(s *sbEntry, at sim.Time) {
	if h.core.priv.State(s.line).Writable() {
		s.asked = true
	} else if t := h.e.sys.Pending(h.core.id, s.line); t != nil {
		s.asked = t.Request == coherence.GetX
	} else {
		step := h.step
		h.step = s.step
		s.asked = h.request(s.line, coherence.GetX, s.r.A, at, false)
		h.step = step
	}
	if s.asked {
		h.sb.unasked--
	}
}

// lost: buffered stores to a line that was taken must ask for it again.
func (b *storeBuffer) lost(l cache.Line) {
	for i := 0; i < b.n; i++ {
		if s := b.at(i); s.line == l && s.asked && !s.gone {
			s.asked = false
			b.unasked++
		}
	}
}

// drain makes visible what may become so: called whenever a line has arrived.
func (h *hw) drain(at sim.Time) {
	if h.sb.n == 0 {
		return
	}
	before := h.sb.n
	for h.commitOne(at) {
	}
	for i := 0; i < h.sb.n && h.sb.unasked > 0; i++ {
		if s := h.sb.at(i); !s.gone && !s.asked {
			h.own(s, at)
		}
	}
	switch {
	case h.state == full && h.sb.n < before:
		h.wake(StoreStall, at)
	case h.state == draining && (h.sb.n == 0 || h.drainReleases && h.sb.releases == 0):
		h.wake(FenceStall, max(at, h.sb.done))
	}
}

// commitOne commits the first store that is allowed to, and reports whether
// there was one. Stores to one line stay in order: whoever comes first is
// found first.
func (h *hw) commitOne(at sim.Time) bool {
	b := &h.sb
	for i := 0; i < b.n; i++ {
		s := b.at(i)
		if s.gone {
			continue
		}
		if i > 0 && (s.release || s.epoch != b.at(0).epoch) {
			return false
		}
		if h.core.priv.State(s.line).Writable() {
			h.commit(s, at)
			return true
		}
		if h.e.m.DrainInOrder {
			return false
		}
	}
	return false
}

func (h *hw) commit(s *sbEntry, at sim.Time) {
	b := &h.sb
	b.done = max(b.done, at) + h.cycles(h.e.m.StoreCommit)
	s.gone = true
	if !s.asked {
		b.unasked--
	}
	if s.release {
		b.releases--
	}
	h.write(h.inL1(s.line), s.line, s.r, s.v, s.wide, at)
	for b.n > 0 && b.at(0).gone {
		b.head++
		if b.head == len(b.ents) {
			b.head = 0
		}
		b.n--
	}
}

// drainAll waits until every store of the thread is visible.
func (x *strand) drainAll() {
	h := x.hw
	for h.sb.n > 0 {
		h.drainReleases = false
		x.block(draining)
	}
	if h.sb.done > h.now {
		h.charge(FenceStall, h.sb.done-h.now)
	}
}

// waitReleases waits until the thread's store-releases are visible (LDAR
// behind STLR).
func (x *strand) waitReleases() {
	h := x.hw
	for h.sb.releases > 0 {
		h.drainReleases = true
		x.block(draining)
	}
}
