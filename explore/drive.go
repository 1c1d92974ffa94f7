package explore

import "mmsim/sim"

// option is one way for an execution to go on: a context that continues, or an
// interrupt that arrives.
type option struct {
	x    *context
	kind segKind
	cpu  int32
}

// maxIdleTimers bounds the timers that may expire in a row while no task does
// anything: beyond it the execution counts as a deadlock.
const maxIdleTimers = 100

// options lists how the execution can go on: the current context first if it
// can, then the others, then interrupts. stale tells whether waiting conditions
// may be met by old values.
func (m *machine) options(list []option, stale bool) []option {
	list = list[:0]
	if x := m.cur; x != nil && !x.yielded && m.canRun(x, stale) {
		list = append(list, option{x: x, cpu: x.cpu})
	}
	for i := range m.cpus {
		if x := m.cpus[i].top(); x != nil && x != m.cur && m.canRun(x, stale) {
			list = append(list, option{x: x, cpu: int32(i)})
		}
	}
	if x := m.cur; len(list) == 0 && x != nil && x.yielded && m.canRun(x, stale) {
		list = append(list, option{x: x, cpu: x.cpu})
	}
	tasks := len(list)
	for i := range m.cpus {
		p := &m.cpus[i]
		if !p.interruptible() {
			continue
		}
		if len(p.pending) > 0 {
			list = append(list, option{kind: segIRQ, cpu: int32(i)})
		}
		if len(p.timers) > 0 && tasks > 0 {
			list = append(list, option{kind: segTimer, cpu: int32(i)})
		}
	}
	if len(list) == 0 && m.idleTimers < maxIdleTimers {
		list = m.passTime(list)
	}
	return list
}

// passTime appends the timer or tick that is due first on any CPU that takes
// interrupts.
func (m *machine) passTime(list []option) []option {
	first, found := sim.Time(0), option{cpu: none}
	for i := range m.cpus {
		p := &m.cpus[i]
		if !p.interruptible() {
			continue
		}
		for _, k := range [...]segKind{segTimer, segTick} {
			l := *p.list(k)
			if len(l) == 0 {
				continue
			}
			if due := l[earliest(l)].due; found.cpu == none || due < first {
				first, found = due, option{kind: k, cpu: int32(i)}
			}
		}
	}
	if found.cpu != none {
		list = append(list, found)
	}
	return list
}

// canRun reports whether a context is on its CPU and its operation can go on.
func (m *machine) canRun(x *context, stale bool) bool {
	if x.state != ready || m.cpus[x.cpu].top() != x || m.polling(x) {
		return false
	}
	if x.returning {
		return true
	}
	switch x.op.kind {
	case opSpin, opSync:
	case opRMW:
		if !x.op.must {
			return true
		}
	default:
		return true
	}
	m.fill(x, stale)
	return len(x.cands) > 0
}

// follow makes o happen: it returns the context that runs.
func (m *machine) follow(o option) *context {
	if o.kind == segRun {
		if o.x.yielded = false; o.x.c.Task >= 0 {
			m.idleTimers = 0
		}
		return o.x
	}
	x := m.deliver(o.cpu, o.kind)
	m.rec.started(o.kind, o.cpu)
	m.idleTimers++
	return x
}

// over classifies an execution that has no options left.
func (m *machine) over() {
	m.end = deadlock
	if m.finished() {
		m.end = complete
	}
}

// learner is the driver of the runs that find out which words are shared: plain
// memory, every operation a choice point. Its first runs let each task run as
// far as it goes, in both orders; later ones are random.
type learner struct {
	rng  rng
	mode int
	list []option
}

func (l *learner) free(*context) bool            { return false }
func (l *learner) choose(*machine, *context) int { return 0 }

func (l *learner) next(m *machine) *context {
	l.list = m.options(l.list, false)
	if m.finished() || len(l.list) == 0 {
		m.over()
		return nil
	}
	k := 0
	switch {
	case l.mode == 1:
		k = len(l.list) - 1
		if m.cur != nil && l.list[0].x == m.cur {
			k = 0
		}
	case l.mode > 1 && l.rng.below(4) == 0:
		k = int(l.rng.below(uint64(len(l.list))))
	}
	x := m.follow(l.list[k])
	m.pickFirst(x)
	return x
}

// pickFirst makes the newest write the pick of a context that is at a memory
// operation.
func (m *machine) pickFirst(x *context) {
	x.pick = cand{w: none}
	if !x.live {
		return
	}
	if m.fill(x, true); len(x.cands) > 0 {
		x.pick = x.cands[0]
	}
}

// rng is a small random source: deterministic, by seed and execution.
type rng struct{ s uint64 }

func (r *rng) next() uint64 {
	r.s += 0x9e3779b97f4a7c15
	z := r.s
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *rng) below(n uint64) uint64 { return (r.next() >> 32) * n >> 32 }
