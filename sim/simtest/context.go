package simtest

import (
	"fmt"
	"strings"

	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// waitState is why a context does not run.
type waitState uint8

const (
	running  waitState = iota
	thinking           // until a point of time
	spinning           // until a condition holds, or a point of time
	parked             // until Unpark
	done
)

// context is a task or an interrupt handler.
type context struct {
	m     *Machine
	c     *sim.CPU
	cpu   int
	coro  *sim.Coro
	yield func()
	wait  waitState
	until sim.Time
	why   sim.WaitReason
	token bool // an Unpark that came before the Park
	step  sim.Step
}

// runnable reports whether the context could go on now.
func (m *Machine) runnable(x *context) bool {
	if m.covered(x) {
		return false
	}
	switch x.wait {
	case running:
		return true
	case thinking:
		return m.now >= x.until
	case spinning:
		return m.now >= x.until || m.satisfied(x.c) >= 0
	case parked:
		return x.token
	}
	return false
}

// satisfied is the first condition of the spin-wait that holds, or -1.
func (m *Machine) satisfied(c *sim.CPU) int {
	for i := range c.Conds {
		k := &c.Conds[i]
		if k.Holds(m.Mem.Read(k.Ref.A, k.Ref.Size)) {
			return i
		}
	}
	return -1
}

// op is the start of every operation: others may run first.
func (m *Machine) op(c *sim.CPU) *context {
	x := m.slots[c.Slot]
	if x == nil || m.current != x {
		panic("simtest: the handle of " + c.Name + " was used outside its context")
	}
	x.yield()
	m.now += sim.Nanosecond
	m.Ops++
	return x
}

func (m *Machine) trace(c *sim.CPU, kind string, o sim.Order, r sim.Ref, v uint64) {
	if m.opt.Trace != nil {
		m.opt.Trace(Op{CPU: m.slots[c.Slot].cpu, Task: c.Task, IRQ: c.InIRQ, Kind: kind, Order: o, Ref: r, Value: v})
	}
}

// block waits in the given state; the machine resumes the context when it can
// go on.
func (x *context) block(w waitState) {
	x.wait = w
	x.yield()
}

// stuck describes every context that has not ended.
func (m *Machine) stuck(what string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "simtest: seed %d: %s at %v", m.opt.Seed, what, m.now)
	for _, x := range m.slots {
		if x == nil || x.wait == done {
			continue
		}
		fmt.Fprintf(&b, "\n  %s (cpu%d, step %v): %s%s", x.c.Name, x.cpu, x.step, m.describe(x),
			lockstat.Describe(m.Locks.HeldBy(x.c.Slot), m.Locks.AwaitedBy(x.c.Slot)))
	}
	for _, l := range m.Locks.Contended() {
		b.WriteString("\n  lock " + l.String())
	}
	for _, o := range m.Locks.Orders() {
		b.WriteString("\n  " + o.String())
	}
	return fmt.Errorf("%s", b.String())
}

func (m *Machine) describe(x *context) string {
	switch x.wait {
	case thinking:
		return fmt.Sprintf("thinks until %v", x.until)
	case parked:
		return fmt.Sprintf("sleeps (%v)", x.why)
	case spinning:
		var conds []string
		for i := range x.c.Conds {
			k := &x.c.Conds[i]
			conds = append(conds, fmt.Sprintf("%#x (value %#x)", uint64(k.Ref.A), m.Mem.Read(k.Ref.A, k.Ref.Size)))
		}
		return "spins on " + strings.Join(conds, ", ")
	}
	return "runnable"
}
