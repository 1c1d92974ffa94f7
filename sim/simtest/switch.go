package simtest

import (
	"fmt"

	"mmsim/sim"
)

// SwitchTo implements sim.Executor.
func (m *Machine) SwitchTo(c *sim.CPU, next sim.TaskID, why sim.WaitReason) sim.TaskID {
	x := m.op(c)
	kind := "switch"
	if c.Task >= 0 && why != sim.Runnable {
		kind = "sleep"
	}
	m.trace(c, kind, sim.Relaxed, sim.Ref{}, uint64(next))
	p := m.cpus[x.cpu]
	y := m.contextOf(x.cpu, next)
	if y.wait != off {
		panic(fmt.Sprintf("simtest: %s switches to %s, which runs on cpu%d or has ended", c.Name, y.c.Name, y.cpu))
	}
	x.why = why
	y.cpu, y.wait, y.prev = x.cpu, running, c.Task
	p.ctx = y
	x.block(off)
	return x.prev
}

// contextOf is the context that CPU i switches to.
func (m *Machine) contextOf(i int, next sim.TaskID) *context {
	if next == sim.IdleTask {
		return m.idle(i)
	}
	return m.tasks[next]
}

// idle is the idle context of CPU i.
func (m *Machine) idle(i int) *context {
	p := m.cpus[i]
	if p.idle == nil {
		p.idle = m.newContext(i, sim.IdleTask, fmt.Sprintf("idle cpu%d", i), func(x *context) {
			if m.hooks.Idle == nil {
				panic("simtest: a CPU idles without Hooks.Idle")
			}
			m.hooks.Idle(x.c, x.prev)
		})
		p.idle.wait, p.idle.prev, p.idle.c.IRQOff = off, sim.NoTask, true
	}
	return p.idle
}

// SetRunnable implements sim.Executor.
func (m *Machine) SetRunnable(_ *sim.CPU, t sim.TaskID) { m.tasks[t].why = sim.Runnable }

// Idle implements sim.Executor.
func (m *Machine) Idle(c *sim.CPU) {
	x := m.op(c)
	m.trace(c, "idle", sim.Relaxed, sim.Ref{}, 0)
	m.cpus[x.cpu].irqOff = false
	x.interrupted = false
	x.block(halted)
	x.interrupted = false
}
