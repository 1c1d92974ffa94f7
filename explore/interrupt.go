package explore

import (
	"fmt"

	"mmsim/sim"
)

// Interrupts, sleeping and context switches. They have no place in the graph
// search; under it they make the search go by schedules.

// pause is a choice point that touches no memory.
func (m *machine) pause(c *sim.CPU, k opKind, cpu int) *context {
	x := m.all[c.Slot]
	m.usesCPU = true
	x.op = op{kind: k, loc: none, key: uint64(cpu)}
	m.arrive(x)
	m.ops++
	return x
}

// known is what a CPU has done and knows at some point: what a wake-up, an
// interrupt or a context that moves brings to another CPU.
type known struct {
	clock []uint16
	rows  [][]uint64 // of the sets in knownSets
}

// knownSets are the sets of a CPU that another one learns.
func (g *graph) knownSets() []int {
	if g.model == LKMM {
		return []int{acAll, acCsAll}
	}
	return []int{acAll, acAny, acNextW}
}

// knows is what CPU cpu could tell another one now; nil without a graph.
func (m *machine) knows(cpu int32) *known {
	if m.g == nil {
		return nil
	}
	t := &m.g.th[cpu]
	k := &known{clock: append([]uint16(nil), t.clock...)}
	for _, set := range m.g.knownSets() {
		k.rows = append(k.rows, append([]uint64(nil), t.set(m.g, set)...))
	}
	return k
}

// learn orders all that k is about before all that CPU cpu does next.
func (m *machine) learn(cpu int32, k *known) {
	if k == nil {
		return
	}
	t := &m.g.th[cpu]
	for i, n := range k.clock {
		t.clock[i] = max(t.clock[i], n)
	}
	if m.g.model == LKMM {
		union(t.set(m.g, acSF), k.rows[0])
		union(t.set(m.g, acSFc), k.rows[1])
		return
	}
	for _, row := range k.rows {
		union(t.set(m.g, acAny), row)
	}
}

// handoff is both at once.
func (m *machine) handoff(from, to int32) {
	if from != to {
		m.learn(to, m.knows(from))
	}
}

// Interrupts implements sim.Executor. Where there are interrupts at all, one may
// come just before they are switched off.
func (m *machine) Interrupts(c *sim.CPU, on bool) {
	x := m.all[c.Slot]
	if !on && (m.usesIRQ || m.allWords) {
		x.op = op{kind: opCPU, loc: none}
		m.arrive(x)
	}
	m.cpus[x.cpu].irqOff = !on
}

// interrupts notes that the program has interrupts. A search that did not know
// begins again.
func (m *machine) interrupts(x *context) {
	m.usesCPU = true
	if !m.usesIRQ {
		m.usesIRQ = true
		if !m.allWords && m.end == going {
			m.end = relearn
			x.yield()
		}
	}
}

// SwitchTo implements sim.Executor.
func (m *machine) SwitchTo(c *sim.CPU, next sim.TaskID, why sim.WaitReason) sim.TaskID {
	x := m.pause(c, opCPU, 0)
	p := &m.cpus[x.cpu]
	y := p.idle
	if next != sim.IdleTask {
		y = m.all[next]
	}
	if y == nil || y.state != out {
		panic(fmt.Sprintf("explore: %s switches to task %d, which is not switched out", c.Name, next))
	}
	m.tr.text(x, "switches to "+y.c.Name+" ("+why.String()+")")
	m.handoff(y.cpu, x.cpu)
	x.state, y.state, y.cpu, y.prev, p.ctx = out, ready, x.cpu, x.c.Task, y
	x.op = op{kind: opNone, loc: none}
	m.arrive(x)
	return x.prev
}

// SetRunnable implements sim.Executor.
func (m *machine) SetRunnable(*sim.CPU, sim.TaskID) {}

// Idle implements sim.Executor.
func (m *machine) Idle(c *sim.CPU) {
	x := m.all[c.Slot]
	m.cpus[x.cpu].irqOff = false
	m.usesCPU = true
	x.op = op{kind: opNone, loc: none}
	x.state = halted
	m.arrive(x)
}

// SendIPI implements sim.Executor.
func (m *machine) SendIPI(c *sim.CPU, cpu int, h sim.Handler) {
	x := m.pause(c, opIPI, cpu)
	m.interrupts(x)
	m.cpus[cpu].pending = append(m.cpus[cpu].pending, interrupt{h: h, brings: m.knows(x.cpu)})
	m.tr.text(x, fmt.Sprintf("interrupt to CPU%d", cpu))
}

// SetTimer implements sim.Executor: it may expire at any time from now on, which
// is a deviation, and does so in its turn when nothing else can go on.
func (m *machine) SetTimer(c *sim.CPU, d sim.Time, h sim.Handler) {
	x := m.all[c.Slot]
	m.interrupts(x)
	m.cpus[x.cpu].timers = append(m.cpus[x.cpu].timers, interrupt{h: h, due: m.clock + d})
	m.tr.text(x, "sets a timer")
}

// SetTick implements sim.Executor: ticks come in their turn when nothing else
// can go on.
func (m *machine) SetTick(c *sim.CPU, d sim.Time, h sim.Handler) {
	x := m.all[c.Slot]
	m.usesCPU = true
	m.cpus[x.cpu].ticks = append(m.cpus[x.cpu].ticks, interrupt{h: h, due: m.clock + d})
}

// TLBI implements sim.Executor: of a broadcast invalidation, the barriers.
func (m *machine) TLBI(c *sim.CPU, _ int) { m.Fence(c, sim.MB) }

// interruptible reports whether CPU p could take an interrupt now: not before an
// operation on a per-CPU word, whose address is a part of it.
func (p *cpu) interruptible() bool {
	if p.irq != nil || p.irqOff {
		return false
	}
	x := p.ctx
	return x == nil || x.state != ready || x.op.kind != opRMW || x.op.order != sim.ThisCPU
}

// earliest is the index of the interrupt that is due first.
func earliest(list []interrupt) (k int) {
	for i := range list {
		if list[i].due < list[k].due {
			k = i
		}
	}
	return k
}

// deliver starts the first pending interrupt of a CPU, or its timer or tick that
// is due first.
func (m *machine) deliver(cpu int32, k segKind) *context {
	p := &m.cpus[cpu]
	list := p.list(k)
	first := earliest(*list)
	i := (*list)[first]
	*list = append((*list)[:first], (*list)[first+1:]...)
	m.clock = max(m.clock, i.due)
	return m.handler(cpu, i)
}

// handler makes the context of an interrupt on a CPU.
func (m *machine) handler(cpu int32, i interrupt) *context {
	if m.handles == len(m.all) {
		m.all = append(m.all, newContext(m, m.handles, fmt.Sprintf("interrupt %d", m.handles)))
	}
	x := m.all[m.handles]
	m.handles++
	p := &m.cpus[cpu]
	task := sim.TaskID(-1)
	if p.ctx != nil && p.ctx.state == ready {
		task = p.ctx.c.Task
	}
	x.start(cpu, task, i.h, ready)
	x.c.InIRQ = true
	p.irq = x
	m.learn(cpu, i.brings)
	return x
}

// irqEnd is the way back from an interrupt.
func (m *machine) irqEnd(p *cpu) {
	p.irq = nil
	x := p.ctx
	if x == nil {
		return
	}
	if x.state == halted {
		x.state = ready
	}
	x.returning = m.p.Hooks.IRQReturn != nil && x.state == ready && x.live && x.c.Task >= 0 && !x.inHook
	x.preempted = false
}

// irqReturn runs the kernel's hook after an interrupt in the context that it
// came over, before the operation that the context has arrived at. It reports
// whether it did: then the operation has to wait again.
func (x *context) irqReturn() bool {
	if !x.returning {
		return false
	}
	x.returning, x.inHook = false, true
	saved, spin := x.op, x.c.SaveSpin()
	x.m.p.Hooks.IRQReturn(x.c, false)
	x.op, x.inHook = saved, false
	x.c.RestoreSpin(spin)
	return true
}

// list is where the interrupts of a kind wait.
func (p *cpu) list(k segKind) *[]interrupt {
	switch k {
	case segTimer:
		return &p.timers
	case segTick:
		return &p.ticks
	}
	return &p.pending
}
