package simtest

import "mmsim/sim"

var _ sim.Executor = (*Machine)(nil)

// Load implements sim.Executor.
func (m *Machine) Load(c *sim.CPU, r sim.Ref, o sim.Order) (uint64, sim.Dep) {
	m.op(c)
	v := m.Mem.Read(r.A, r.Size)
	m.trace(c, "load", o, r, v)
	return v, 0
}

// Store implements sim.Executor.
func (m *Machine) Store(c *sim.CPU, r sim.Ref, v uint64, o sim.Order) {
	m.op(c)
	m.Mem.Write(r.A, r.Size, v)
	m.trace(c, "store", o, r, v&r.Size.Mask())
}

// RMW implements sim.Executor.
func (m *Machine) RMW(c *sim.CPU, r sim.Ref, op sim.RMWOp, arg, cmp uint64, o sim.Order) (uint64, sim.Dep) {
	x := m.self(c)
	if o == sim.ThisCPU {
		m.sealedOp(x)
	} else {
		m.op(c)
	}
	old := m.Mem.Read(r.A, r.Size)
	v, writes := op.Apply(old, arg, cmp, r.Size)
	if writes {
		m.Mem.Write(r.A, r.Size, v)
	}
	m.trace(c, op.String(), o, r, v)
	if o == sim.ThisCPU {
		x.yield()
		m.returnFromIRQ(x, false)
	}
	return old, 0
}

// Fence implements sim.Executor.
func (m *Machine) Fence(c *sim.CPU, f sim.Fence) {
	m.op(c)
	m.trace(c, f.String(), sim.Relaxed, sim.Ref{}, 0)
}

// Prefetch implements sim.Executor.
func (m *Machine) Prefetch(c *sim.CPU, r sim.Ref, _ bool) {
	m.op(c)
	m.trace(c, "prefetch", sim.Relaxed, r, 0)
}

// Bulk implements sim.Executor: word by word, others may run in between.
func (m *Machine) Bulk(c *sim.CPU, dst, src sim.Ptr, bytes uint64) {
	for i := uint64(0); i < bytes; i += 8 {
		m.op(c)
		from := sim.Ptr{}
		if !src.IsNull() {
			from = src.Add(i)
		}
		sim.BulkValues(m.Mem, dst.Add(i), from, 8)
	}
	m.trace(c, "bulk", sim.Relaxed, dst.Ref(0, 8), bytes)
}

// Compute implements sim.Executor: one boundary, at which others may run.
func (m *Machine) Compute(c *sim.CPU, _ sim.Cycles) {
	m.op(c)
	m.trace(c, "compute", sim.Relaxed, sim.Ref{}, 0)
}

// Think implements sim.Executor.
func (m *Machine) Think(c *sim.CPU, until sim.Time) {
	x := m.op(c)
	m.trace(c, "think", sim.Relaxed, sim.Ref{}, 0)
	for until > m.now {
		x.until = until
		x.block(thinking)
		m.returnFromIRQ(x, true)
	}
}

// Relax implements sim.Executor.
func (m *Machine) Relax(c *sim.CPU) {
	m.op(c)
	m.trace(c, "relax", sim.Relaxed, sim.Ref{}, 0)
}

// Spin implements sim.Executor: the context blocks until a condition holds.
func (m *Machine) Spin(c *sim.CPU, deadline sim.Time) int {
	x := m.op(c)
	m.trace(c, "spin", c.Conds[0].Order, c.Conds[0].Ref, 0)
	for {
		if i := m.satisfied(c); i >= 0 {
			return i
		}
		if m.now >= deadline {
			return -1
		}
		x.until = deadline
		x.block(spinning)
		m.returnFromIRQ(x, false)
	}
}

// Interrupts implements sim.Executor.
func (m *Machine) Interrupts(c *sim.CPU, on bool) {
	x := m.op(c)
	if c.InIRQ {
		panic("simtest: interrupts switched in an interrupt handler")
	}
	m.cpus[x.cpu].irqOff = !on
}

// SendIPI implements sim.Executor.
func (m *Machine) SendIPI(c *sim.CPU, cpu int, h sim.Handler) {
	m.op(c)
	m.trace(c, "ipi", sim.Relaxed, sim.Ref{}, uint64(cpu))
	p := m.cpu(cpu)
	p.pending = append(p.pending, h)
}

// TLBI implements sim.Executor.
func (m *Machine) TLBI(c *sim.CPU, n int) {
	m.op(c)
	m.trace(c, "tlbi", sim.Relaxed, sim.Ref{}, uint64(n))
}

// SetTimer implements sim.Executor.
func (m *Machine) SetTimer(c *sim.CPU, after sim.Time, h sim.Handler) {
	x := m.op(c)
	m.trace(c, "timer", sim.Relaxed, sim.Ref{}, 0)
	m.timers = append(m.timers, timer{m.now + after, x.cpu, h, false})
}

// SetTick implements sim.Executor.
func (m *Machine) SetTick(c *sim.CPU, after sim.Time, h sim.Handler) {
	m.SetTimer(c, after, h)
	m.timers[len(m.timers)-1].tick = true
}

// CPUID implements sim.Executor.
func (m *Machine) CPUID(c *sim.CPU) int { return m.slots[c.Slot].cpu }

// Now implements sim.Executor.
func (m *Machine) Now(*sim.CPU) sim.Time { return m.now }

// Step implements sim.Executor.
func (m *Machine) Step(c *sim.CPU, s sim.Step) sim.Step {
	x := m.slots[c.Slot]
	prev := x.step
	x.step = s
	return prev
}

// Count implements sim.Executor.
func (m *Machine) Count(_ *sim.CPU, k sim.Counter, n int64) { m.Counts[k] += n }

// OpBegin implements sim.Executor.
func (m *Machine) OpBegin(c *sim.CPU) { m.trace(c, "op-begin", sim.Relaxed, sim.Ref{}, 0) }

// OpEnd implements sim.Executor.
func (m *Machine) OpEnd(c *sim.CPU) { m.trace(c, "op-end", sim.Relaxed, sim.Ref{}, 0) }
