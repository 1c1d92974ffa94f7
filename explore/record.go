package explore

// segKind is how a segment of a schedule begins.
type segKind uint8

const (
	segRun   segKind = iota // a context goes on
	segIRQ                  // the first pending interrupt of a CPU starts
	segTimer                // the oldest timer of a CPU expires
	segTick                 // the scheduler tick of a CPU
)

// segment is a stretch of a schedule: one context runs for so many operations.
// Operations on private memory count, so that a segment means the same whatever
// a search has learnt about who shares what.
type segment struct {
	kind segKind
	id   int32 // context, or CPU of the interrupt
	ops  int32
}

// past is a choice that was not the newest write: at operation op, back writes
// were newer; cond is the condition of a spin-wait that was met.
type past struct {
	op   int32
	back int32
	cond int8
}

// record is the exact course of one execution.
type record struct {
	segs   []segment
	pasts  []past
	start  int // operations when the last segment began
	cur    int // context that runs
	kind   segKind
	target int32 // CPU of the interrupt that has just been started
	stale  int
	late   int // delayed stores
}

func (r *record) reset() {
	r.segs, r.pasts = r.segs[:0], r.pasts[:0]
	r.start, r.cur, r.kind, r.stale, r.late = 0, -1, segRun, 0, 0
}

// started notes that the context resumed next is a new interrupt of a CPU.
func (r *record) started(k segKind, cpu int32) { r.kind, r.target = k, cpu }

// resume notes that x runs from here on.
func (r *record) resume(m *machine, x *context) {
	if m.booting(x) || r.cur == x.id && r.kind == segRun {
		return
	}
	r.close(m)
	s := segment{kind: r.kind, id: int32(x.id)}
	if s.kind != segRun {
		s.id = r.target
	}
	r.segs = append(r.segs, s)
	r.cur, r.kind = x.id, segRun
}

// close ends the segment in progress.
func (r *record) close(m *machine) {
	if n := len(r.segs); n > 0 && r.cur >= 0 {
		r.segs[n-1].ops += int32(m.ops - r.start)
	}
	r.start, r.cur = m.ops, -1
}

// choice notes x's pick, if it is not what happens by itself.
func (r *record) choice(m *machine, x *context) {
	p := past{op: int32(m.ops), cond: x.pick.cond}
	if l := m.pickLoc(x); l != none {
		p.back = int32(len(m.g.locs[l].co)) - 1 - m.g.position(x.pick.w)
	}
	if p.back == 0 && p.cond == 0 {
		return
	}
	r.pasts = append(r.pasts, p)
	if p.back > 0 {
		if x.op.kind == opStore {
			r.late++
		} else {
			r.stale++
		}
	}
}

// pickLoc is the location that x's pick is about, or none.
func (m *machine) pickLoc(x *context) int32 {
	switch {
	case m.g == nil:
		return none
	case x.op.kind != opSpin:
		return x.op.loc
	case x.pick.cond >= 0:
		return x.op.locs[x.pick.cond]
	}
	return none
}
