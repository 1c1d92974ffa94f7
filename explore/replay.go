package explore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// ErrReplay is what Replay returns when a token does not fit the program.
var ErrReplay = errors.New("the token is of another program, or of another version of it")

// Replay runs exactly the execution that a violation's token names. It shows
// what the violation did, or the error says that the token is of another program.
func Replay(p *Program, token string) (*Violation, error) {
	i := strings.LastIndexByte(token, ':')
	if i < 0 {
		return nil, errToken
	}
	v, err := replay(p, token[:i])
	if err != nil {
		return nil, err
	}
	if v.seal() != token[i+1:] {
		return nil, ErrReplay
	}
	v.Token = token
	return v, nil
}

// seal is a checksum of what a violation shows.
func (v *Violation) seal() string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(v.Invariant+"\n"+v.Trace.String())))
}

// replay runs the execution that the token of a record names. The violation's
// Invariant is empty if nothing was broken.
func replay(p *Program, token string) (*Violation, error) {
	model, graph, rec, err := parseToken(token)
	if err != nil {
		return nil, err
	}
	m := newMachine(p, model)
	defer m.close()
	if graph {
		m.g = newGraph(model, p.ExactDeps, len(m.cpus))
	}
	m.allWords = true
	m.tr = newTracer(p)
	d := &replayer{rec: rec}
	m.d = d
	m.execute()
	defer m.restore()
	if d.misfit {
		return nil, ErrReplay
	}
	v := &Violation{Token: token, Trace: m.tr.finish(m), Invariant: m.verdict()}
	v.Preemptions, v.StaleReads, v.DelayedStores = d.preemptions, m.rec.stale, m.rec.late
	return v, nil
}

// verdict is what the execution that has just ended broke, or "".
func (m *machine) verdict() string {
	switch m.end {
	case broken:
		return m.failure
	case deadlock:
		if m.p.MustEnd {
			return "deadlock"
		}
	case complete:
		if m.p.Final != nil {
			if _, err := m.p.Final(finalView{m}); err != nil {
				return err.Error()
			}
		}
	}
	return ""
}

// replayer is the driver that follows a record.
type replayer struct {
	rec         record
	seg         int
	entered     bool
	start       int
	x           *context
	past        int
	preemptions int
	misfit      bool
	list        []option
}

func (r *replayer) free(*context) bool            { return false }
func (r *replayer) choose(*machine, *context) int { return 0 }

// next implements driver.
func (r *replayer) next(m *machine) *context {
	for ; r.seg < len(r.rec.segs); r.seg, r.entered = r.seg+1, false {
		s := &r.rec.segs[r.seg]
		if !r.entered {
			if r.enter(m, s); r.misfit {
				break
			}
			if !r.x.live {
				return r.x
			}
		}
		if m.ops-r.start < int(s.ops) {
			return r.go1(m)
		}
	}
	m.over()
	return nil
}

// enter begins a segment.
func (r *replayer) enter(m *machine, s *segment) {
	r.entered, r.start = true, m.ops
	before := m.cur
	r.misfit = s.id < 0 || s.ops < 0
	if r.misfit {
		return
	}
	if s.kind == segRun {
		if int(s.id) >= len(m.all) {
			r.misfit = true
			return
		}
		r.x = m.all[s.id]
	} else {
		if int(s.id) >= len(m.cpus) || !r.due(m, s) {
			r.misfit = true
			return
		}
		r.x = m.deliver(s.id, s.kind)
		m.rec.started(s.kind, s.id)
	}
	if before != nil && before != r.x && s.ops > 0 && m.canRun(before, true) {
		r.preemptions++
	}
}

// due reports whether the interrupt of a segment can be delivered.
func (r *replayer) due(m *machine, s *segment) bool {
	r.list = m.options(r.list, true)
	for _, o := range r.list {
		if o.kind == s.kind && o.cpu == s.id {
			return true
		}
	}
	return false
}

// go1 lets the segment's context do one operation, with the choice that the
// record has for it.
func (r *replayer) go1(m *machine) *context {
	x := r.x
	if !m.canRun(x, true) {
		r.misfit = true
		m.end = cut
		return nil
	}
	if x.returning { // its operation comes later
		x.pick = cand{w: none}
		return x
	}
	p := past{}
	if r.past < len(r.rec.pasts) && r.rec.pasts[r.past].op == int32(m.ops+1) {
		p = r.rec.pasts[r.past]
		r.past++
	}
	x.pick = cand{w: none, cond: p.cond}
	if x.op.kind == opSpin && int(p.cond) >= len(x.c.Conds) {
		r.misfit = true
		m.end = cut
		return nil
	}
	if l := m.pickLoc(x); l != none {
		co := m.g.locs[l].co
		i := len(co) - 1 - int(p.back)
		if i < -1 || i >= len(co) {
			r.misfit = true
			m.end = cut
			return nil
		}
		if i >= 0 {
			x.pick.w = co[i]
		}
	}
	return x
}
