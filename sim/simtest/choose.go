package simtest

import (
	"slices"

	"mmsim/sim"
)

// choose picks the context that runs next: any that can, or an interrupt that
// is due. nil if there is none.
func (m *Machine) choose() *context {
	if !m.tasksDone() {
		m.expireTimers()
	}
	if x := m.last; x != nil && m.runnable(x) && m.rng.Below(16) < m.stick {
		return x
	}
	n := 0
	for _, p := range m.cpus {
		n += m.choices(p)
	}
	if n == 0 {
		return nil
	}
	k := int(m.rng.Below(uint64(n)))
	for i, p := range m.cpus {
		if k -= m.choices(p); k < 0 {
			return m.pick(i, k)
		}
	}
	panic("simtest: choice out of range")
}

// choices is what CPU p could do: run its context, or take an interrupt.
func (m *Machine) choices(p *cpu) (n int) {
	if p.irq != nil {
		if m.runnable(p.irq) {
			n++
		}
		return n
	}
	if p.ctx != nil && m.runnable(p.ctx) {
		n++
	}
	if p.takesIRQ() {
		n++
	}
	return n
}

func (p *cpu) takesIRQ() bool { return len(p.pending) > 0 && !p.irqOff && !p.ctx.sealed }

// pick is choice number k (counted from -1 downwards) of a CPU: the last one is
// the interrupt, if there is one to take.
func (m *Machine) pick(i, k int) *context {
	p := m.cpus[i]
	if p.irq != nil {
		return p.irq
	}
	if k == -1 && p.takesIRQ() {
		return m.interrupt(i, p)
	}
	return p.ctx
}

// interrupt starts the first pending handler of a CPU.
func (m *Machine) interrupt(i int, p *cpu) *context {
	h := p.pending[0]
	p.pending = p.pending[1:]
	task := p.ctx.c.Task
	if p.ctx.wait == done {
		task = sim.IdleTask
	}
	p.irq = m.newContext(i, task, "interrupt over "+p.ctx.c.Name, func(x *context) { h(x.c) })
	p.irq.c.InIRQ = true
	return p.irq
}

// expireTimers makes timers that are due pending interrupts, in order of time
// and then of setting.
func (m *Machine) expireTimers() {
	for {
		first := -1
		for i := range m.timers {
			if m.timers[i].at <= m.now && (first < 0 || m.timers[i].at < m.timers[first].at) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		t := m.timers[first]
		m.timers = slices.Delete(m.timers, first, first+1)
		m.cpus[t.cpu].pending = append(m.cpus[t.cpu].pending, t.h)
	}
}

// advance moves time to the next timer or deadline when nothing can run now.
func (m *Machine) advance() bool {
	next := sim.Never
	if !m.tasksDone() {
		for _, t := range m.timers {
			next = min(next, t.at)
		}
	}
	for _, x := range m.slots {
		if x != nil && (x.wait == thinking || x.wait == spinning) && !m.covered(x) {
			next = min(next, x.until)
		}
	}
	if next == sim.Never {
		return false
	}
	m.now = max(m.now, next)
	return true
}

// covered reports whether an interrupt keeps the context from running.
func (m *Machine) covered(x *context) bool {
	return m.cpus[x.cpu].irq != nil && m.cpus[x.cpu].irq != x
}
