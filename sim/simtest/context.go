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
	halted             // until an interrupt
	off                // until some CPU switches to it
	done
)

// context is a task, an idle context or an interrupt handler.
type context struct {
	m     *Machine
	c     *sim.CPU
	cpu   int
	coro  *sim.Coro
	yield func()
	wait  waitState
	until sim.Time
	why   sim.WaitReason
	step  sim.Step
	prev  sim.TaskID // what ran on this CPU before
	// exited: the body has returned, and the context ends in Hooks.Exit.
	exited bool
	// sealed: no interrupt may come before the next operation.
	sealed bool
	// interrupted: an interrupt has been handled over this context since it ran.
	interrupted bool
	// returning: the context is in Hooks.IRQReturn.
	returning bool
}

// runnable reports whether the context that its CPU has switched to could go
// on now.
func (m *Machine) runnable(x *context) bool {
	switch {
	case m.covered(x):
		return false
	case x.wait == running, x.interrupted && !x.returning && x.wait != done:
		return true
	case x.wait == thinking:
		return m.now >= x.until
	case x.wait == spinning:
		return m.now >= x.until || m.satisfied(x.c) >= 0
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
	x := m.self(c)
	x.yield()
	m.returnFromIRQ(x, false)
	m.now += sim.Nanosecond
	m.Ops++
	return x
}

// sealedOp is the start of an operation on a per-CPU word, whose address is a
// part of it: other CPUs may run first, but no interrupt comes.
func (m *Machine) sealedOp(x *context) {
	x.sealed = true
	x.yield()
	x.sealed = false
	m.now += sim.Nanosecond
	m.Ops++
}

func (m *Machine) self(c *sim.CPU) *context {
	x := m.slots[c.Slot]
	if x == nil || m.current != x {
		panic("simtest: the handle of " + c.Name + " was used outside its context")
	}
	return x
}

// returnFromIRQ is the way back from interrupts that came over a context: a
// task runs the kernel's hook, and once more if another interrupt came in it.
func (m *Machine) returnFromIRQ(x *context, user bool) {
	if !x.interrupted || x.returning {
		return
	}
	hook := m.hooks.IRQReturn
	if hook == nil || x.c.Task < 0 || x.c.InIRQ {
		x.interrupted = false
		return
	}
	spin, until := x.c.SaveSpin(), x.until
	x.returning = true
	for x.interrupted {
		x.interrupted = false
		hook(x.c, user)
	}
	x.returning = false
	x.c.RestoreSpin(spin)
	x.until = until
}

func (m *Machine) trace(c *sim.CPU, kind string, o sim.Order, r sim.Ref, v uint64) {
	if m.opt.Trace != nil {
		m.opt.Trace(Op{CPU: m.slots[c.Slot].cpu, Task: c.Task, IRQ: c.InIRQ, Kind: kind, Order: o, Ref: r, Value: v})
	}
}

// block waits in the given state; the machine resumes the context when it can
// go on, or after an interrupt.
func (x *context) block(w waitState) {
	x.wait = w
	x.yield()
}

// stuck describes every context that has not ended.
func (m *Machine) stuck(what string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "simtest: seed %d: %s at %v", m.opt.Seed, what, m.now)
	for _, x := range m.slots {
		if x == nil || x.wait == done || x.exited && x.wait == off || x.c.Task == sim.IdleTask && !x.c.InIRQ {
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
	case halted:
		return "idles"
	case off:
		if x.why == sim.Runnable {
			return "waits for a CPU"
		}
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
