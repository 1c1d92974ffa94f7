package explore

import "mmsim/sim"

// restore puts memory back to the initial state.
func (m *machine) restore() {
	for i := len(m.undo) - 1; i >= 0; i-- {
		m.mem.Write(m.undo[i].addr, 8, m.undo[i].old)
	}
	m.undo = m.undo[:0]
}

// begin sets up the initial state of an execution.
func (m *machine) begin() {
	m.end, m.failure, m.ops, m.shared, m.writes, m.idleTimers, m.cur, m.chosen = going, "", 0, 0, 0, 0, nil, nil
	m.clock = 0
	m.rec.reset()
	if m.g != nil {
		m.g.reset()
		m.stamp++
	}
	if m.p.Reset != nil {
		m.p.Reset()
	}
	for i := range m.cpus {
		m.cpus[i].reset()
	}
	m.handles = len(m.p.Threads)
	for i := range m.p.Threads {
		m.placeTask(i)
	}
	for i := range m.cpus {
		if p := &m.cpus[i]; p.idle != nil {
			s := out
			if p.ctx == nil {
				p.ctx, s = p.idle, ready
			}
			p.idle.start(int32(i), sim.IdleTask, p.idleBody, s)
			m.handles++
		}
	}
}

func (p *cpu) reset() {
	p.ctx, p.irq, p.irqOff = nil, nil, false
	p.pending, p.timers, p.ticks = p.pending[:0], p.timers[:0], p.ticks[:0]
	for _, s := range p.sections {
		s.depth = 0
	}
}

func (m *machine) placeTask(i int) {
	t, x := &m.p.Threads[i], m.all[i]
	p := &m.cpus[t.CPU]
	if p.ctx == nil {
		p.ctx = x
		x.start(int32(t.CPU), sim.TaskID(i), t.Body, ready)
	} else {
		x.start(int32(t.CPU), sim.TaskID(i), t.Body, out)
	}
}

// boot runs the boot hook on every CPU, one after the other.
func (m *machine) boot() {
	if m.p.Hooks.Boot == nil {
		return
	}
	for i := range m.cpus {
		m.run(m.handler(int32(i), interrupt{h: m.p.Hooks.Boot}))
	}
	for i := range m.cpus { // all that comes later knows of it
		for j := range m.cpus {
			m.handoff(int32(i), int32(j))
		}
	}
}
