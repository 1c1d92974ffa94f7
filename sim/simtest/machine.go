// Package simtest is an executor of the CPU contract for tests: no costs,
// sequentially consistent memory, and a seeded random choice of who runs next
// at every single operation. Time advances by one nanosecond per operation.
// Interrupts arrive at random points after they are due. A run in which no
// task can go on ends with an error that names what each context waits for.
package simtest

import (
	"fmt"
	"testing"

	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// Options of one run. Zero values are replaced by defaults.
type Options struct {
	Seed uint64
	// MaxOps ends a run that does not come to its end (livelock); 5 million by
	// default.
	MaxOps int
	// Stall is how long all tasks may be blocked while interrupts still come
	// (timers that start themselves again); 1 ms by default.
	Stall sim.Time
	// Syms, if set, names locks in errors and sorts them into classes for the
	// lock-order check.
	Syms *sim.Symbols
	// Trace, if set, sees every operation.
	Trace func(Op)
}

// Op is one executed operation, for tests that look at sequences.
type Op struct {
	CPU   int
	Task  sim.TaskID // -1 outside tasks
	IRQ   bool
	Kind  string // "load", "store", "add", "cmpxchg", "smp_wmb", "spin", "sleep", ...
	Order sim.Order
	Ref   sim.Ref // zero if the operation has none
	Value uint64  // loaded, stored, or new value of a read-modify-write
}

// Machine is a set of CPUs and tasks on one memory. The first task of each CPU
// runs from the start.
type Machine struct {
	Mem *sim.Memory
	// Counts are the totals of the counters that the code counted.
	Counts [sim.MaxCounters]int64
	// Locks follows the locks that the code annotates.
	Locks *lockstat.Tracker
	// Ops is the number of operations executed so far.
	Ops int

	opt     Options
	rng     sim.Rand
	stick   uint64 // chance in 16 that a context keeps running
	now     sim.Time
	slots   []*context
	free    []int // slots of interrupt contexts that have ended
	tasks   []*context
	cpus    []*cpu
	timers  []timer
	hooks   sim.Hooks
	last    *context
	ran     sim.Time // when a task ran last
	current *context
}

type timer struct {
	at   sim.Time
	cpu  int
	h    sim.Handler
	tick bool
}

type cpu struct {
	ctx     *context // what runs here, or would; nil on a CPU that is not in use
	idle    *context // made when it is first switched to
	irq     *context // handler in progress
	irqOff  bool
	pending []sim.Handler
}

// New returns a machine without tasks.
func New(mem *sim.Memory, o Options) *Machine {
	if o.MaxOps == 0 {
		o.MaxOps = 5_000_000
	}
	if o.Stall == 0 {
		o.Stall = sim.Millisecond
	}
	m := &Machine{Mem: mem, Locks: newTracker(o.Syms), opt: o, rng: sim.NewRand(o.Seed, 0, 0)}
	m.stick = []uint64{0, 8, 14, 15}[o.Seed%4]
	return m
}

// Go adds a task; tasks are numbered from 0 in the order of the calls. The
// first one of each CPU runs from the start, the others when the kernel
// switches to them (Hooks.Start).
func (m *Machine) Go(name string, cpu int, body func(c *sim.CPU)) sim.TaskID {
	p := m.cpu(cpu)
	id := sim.TaskID(len(m.tasks))
	first := p.ctx == nil
	x := m.newContext(cpu, id, name, func(x *context) {
		if !first {
			if m.hooks.Start == nil {
				panic("simtest: no Hooks.Start for " + name)
			}
			m.hooks.Start(x.c, x.prev)
		}
		body(x.c)
		if m.hooks.Exit != nil {
			x.exited = true
			m.hooks.Exit(x.c)
		}
	})
	if first {
		p.ctx = x
	} else {
		x.wait, x.c.IRQOff = off, true
	}
	m.tasks = append(m.tasks, x)
	return id
}

// Kernel sets the kernel's entry points.
func (m *Machine) Kernel(h sim.Hooks) { m.hooks = h }

// Use makes the machine start CPUs that have no task at first: they idle.
func (m *Machine) Use(cpus ...int) {
	for _, i := range cpus {
		if p := m.cpu(i); p.ctx == nil {
			p.ctx = m.idle(i)
			p.ctx.wait, p.ctx.c.IRQOff = running, false
		}
	}
}

// Boot makes h run in interrupt context on every CPU in use when the machine
// starts.
func (m *Machine) Boot(h sim.Handler) { m.hooks.Boot = h }

// Elapsed is the time that has passed.
func (m *Machine) Elapsed() sim.Time { return m.now }

func (m *Machine) cpu(n int) *cpu {
	for n >= len(m.cpus) {
		m.cpus = append(m.cpus, new(cpu))
	}
	return m.cpus[n]
}

func (m *Machine) newContext(cpu int, task sim.TaskID, name string, body func(x *context)) *context {
	x := &context{m: m, cpu: cpu}
	slot := len(m.slots)
	if n := len(m.free); n > 0 {
		slot, m.free = m.free[n-1], m.free[:n-1]
	} else {
		m.slots = append(m.slots, nil)
	}
	m.slots[slot] = x
	x.c = sim.NewCPU(m, slot, task, name)
	x.coro = sim.NewCoro(func(yield func()) {
		x.yield = yield
		x.interrupted = false
		body(x)
	})
	return x
}

// Run executes until every task has returned; timers that are not due by then
// are dropped. The error names every context
// that is left when nothing can go on.
func (m *Machine) Run() error {
	defer m.stop()
	if m.hooks.Boot != nil {
		for _, p := range m.cpus {
			if p.ctx != nil {
				p.pending = append(p.pending, m.hooks.Boot)
			}
		}
	}
	for !m.finished() {
		x := m.choose()
		if x == nil {
			if !m.advance() {
				return m.stuck("deadlock")
			}
			continue
		}
		if m.stalled() {
			return m.stuck("deadlock: only interrupts ran for " + m.opt.Stall.String())
		}
		if m.Ops >= m.opt.MaxOps {
			return m.stuck(fmt.Sprintf("no end after %d operations", m.Ops))
		}
		m.resume(x)
	}
	return nil
}

// Run executes m and fails the test if it does not come to its end, or if the
// lock-order check objects.
func Run(t testing.TB, m *Machine) {
	t.Helper()
	if err := m.Run(); err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Locks.Orders() {
		t.Errorf("simtest: seed %d: %v", m.opt.Seed, r)
	}
}

func (m *Machine) resume(x *context) {
	m.current, m.last = x, x
	x.wait = running
	if x.c.Task >= 0 && !x.c.InIRQ && !x.interrupted && !x.returning {
		m.ran = m.now
	}
	if !x.coro.Resume() {
		x.wait = done
		if p := m.cpus[x.cpu]; p.irq == x {
			p.irq = nil
			p.ctx.interrupted = true
			m.slots[x.c.Slot] = nil
			m.free = append(m.free, x.c.Slot)
		}
	}
}

// finished reports whether every task has returned and every interrupt that
// was raised until then is handled.
func (m *Machine) finished() bool {
	if !m.tasksDone() {
		return false
	}
	for _, p := range m.cpus {
		if p.irq != nil || len(p.pending) > 0 {
			return false
		}
	}
	return true
}

func (m *Machine) tasksDone() bool {
	for _, x := range m.tasks {
		if x.wait != done && !(x.exited && x.wait == off) {
			return false
		}
	}
	return true
}

// stalled reports whether only interrupts have run for too long, with no timer
// but ticks and no task that waits for time to pass.
func (m *Machine) stalled() bool {
	if m.now-m.ran <= m.opt.Stall {
		return false
	}
	for i := range m.timers {
		if !m.timers[i].tick {
			return false
		}
	}
	for _, x := range m.tasks {
		if (x.wait == thinking || x.wait == spinning) && x.until != sim.Never {
			return false
		}
	}
	return true
}

// stop abandons what still runs, so that no coroutine is left behind.
func (m *Machine) stop() {
	for _, x := range m.slots {
		if x != nil && x.wait != done {
			x.coro.Stop()
		}
	}
}
