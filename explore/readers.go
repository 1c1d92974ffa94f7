package explore

import "mmsim/sim"

func (m *machine) sectionOf(x *context, domain uint64, slot int) *section {
	p := &m.cpus[x.cpu]
	for _, s := range p.sections {
		if s.domain == domain && s.slot == slot {
			return s
		}
	}
	s := &section{domain: domain, slot: slot}
	p.sections = append(p.sections, s)
	return s
}

// inside reports whether a CPU is in a section of a domain.
func (p *cpu) inside(domain uint64) bool {
	for _, s := range p.sections {
		if s.domain == domain && s.depth > 0 {
			return true
		}
	}
	return false
}

// atSection is the arrival at an end of a read-side section, or the beginning of
// a grace period. In the graph that is no choice, but a replay counts every
// operation.
func (m *machine) atSection(x *context, k opKind, domain uint64) {
	if m.g == nil || m.allWords {
		x.op = op{kind: k, loc: none, domain: domain}
		m.arrive(x)
	}
	m.ops++
}

func (m *machine) readLock(c *sim.CPU, domain uint64, slot int) {
	x := m.all[c.Slot]
	s := m.sectionOf(x, domain, slot)
	if s.depth > 0 {
		s.depth++
		return
	}
	m.atSection(x, opReader, domain) // not inside while others run first
	s.depth++
	s.count++
	m.traceRCU(x, rcuLock, domain)
	if m.g != nil {
		s.lock = m.g.addRCU(x.cpu, rcuLock, none, domain)
	}
}

func (m *machine) readUnlock(c *sim.CPU, domain uint64, slot int) {
	x := m.all[c.Slot]
	s := m.sectionOf(x, domain, slot)
	if s.depth > 1 {
		s.depth--
		return
	}
	m.atSection(x, opReader, domain)
	s.depth--
	m.traceRCU(x, rcuUnlock, domain)
	if m.g == nil {
		return
	}
	m.g.addRCU(x.cpu, rcuUnlock, s.lock, domain)
	if m.g.graces > 0 && !m.g.doomed && !m.g.graceful() {
		m.doom(x)
	}
}

// traceRCU adds a row with the name of the kernel's function.
func (m *machine) traceRCU(x *context, k rcuKind, domain uint64) {
	if m.tr == nil {
		return
	}
	names := [...]string{"rcu_read_lock", "rcu_read_unlock", "synchronize_rcu"}
	if m.p.Domain != nil {
		names = m.p.Domain(domain)
	}
	m.tr.text(x, names[k])
}

// doom notes that a grace period rules this execution out. The graph search
// goes on to its end all the same, to see what races there are.
func (m *machine) doom(x *context) {
	m.g.doomed = true
	if _, ok := m.d.(*graphSearch); !ok {
		m.end = cut
		x.yield()
	}
}

// synchronize waits for the readers that are inside now. In the graph a grace
// period waits for nobody: the RCU axiom rules out what it forbids.
func (m *machine) synchronize(c *sim.CPU, domain uint64) {
	x := m.all[c.Slot]
	m.atSection(x, opGrace, domain)
	x.op = op{kind: opSync, loc: none, domain: domain}
	m.traceRCU(x, rcuSync, domain)
	if m.cpus[x.cpu].inside(domain) {
		m.hang(x)
	}
	if m.g != nil {
		m.g.fence(x.cpu, sim.MB)
		m.g.addRCU(x.cpu, rcuSync, none, domain)
		return
	}
	m.snapshot(x, domain)
	m.arrive(x)
}

// awaited is a section that a grace period waits for.
type awaited struct {
	s     *section
	count uint64
}

// snapshot notes the sections that a grace period of x has to wait for.
func (m *machine) snapshot(x *context, domain uint64) {
	x.waits = x.waits[:0]
	for i := range m.cpus {
		for _, s := range m.cpus[i].sections {
			if s.domain == domain && s.depth > 0 {
				x.waits = append(x.waits, awaited{s, s.count})
			}
		}
	}
}

// quiescent reports whether those sections have ended.
func (x *context) quiescent() bool {
	for _, w := range x.waits {
		if w.s.depth > 0 && w.s.count == w.count {
			return false
		}
	}
	return true
}
