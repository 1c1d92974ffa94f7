package cores

import (
	"fmt"
	"testing"

	"mmsim/coherence"
	"mmsim/sim"
)

// patient options: a run long enough for every body to return, without the
// watchdog's opinion on bodies that count no operations.
func patient() Options {
	return Options{Seed: 1, Duration: 20 * sim.Millisecond, NoProgress: sim.Second, TaskStall: sim.Second}
}

// mustRun runs a program whose bodies all return, and fails the test if one
// does not, or if the accounts do not add up.
func mustRun(t *testing.T, m *Machine, p *Program) *Result {
	t.Helper()
	return mustRunWith(t, m, p, false)
}

// mustRunChecked also holds the memory system against its invariants after
// every event, and checks that no core ran ahead of what reaches it.
func mustRunChecked(t *testing.T, m *Machine, p *Program) *Result {
	t.Helper()
	return mustRunWith(t, m, p, true)
}

func mustRunWith(t *testing.T, m *Machine, p *Program, check bool) *Result {
	t.Helper()
	opt := patient()
	began := make([]sim.Time, m.Mem.Topology.Cores()) // start of the latest operation, by core
	if check {
		opt.Trace = func(op TraceOp) {
			core := m.Mem.Topology.CoreOf(op.CPU)
			began[core] = max(began[core], op.Start)
		}
	}
	e, err := newEngine(m, p, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer e.stopAll()
	for e.pendingEvents() > 0 && e.failure == nil && !e.allReturned() {
		ev := e.next()
		if ev.At >= e.end {
			break
		}
		e.events++
		e.handle(ev)
		if check {
			if err := e.sys.Check(); err != nil {
				t.Fatalf("event %d at %v: %v", e.events, ev.At, err)
			}
			for id := range began {
				if next := e.sys.NextArrival(int16(id)); next < began[id] {
					t.Fatalf("event %d (kind %d) at %v: something reaches core %d at %v, which has begun an operation at %v",
						e.events, ev.Kind, ev.At, id, next, began[id])
				}
			}
		}
	}
	if e.failure != nil {
		t.Fatal(e.failure)
	}
	if !e.allReturned() {
		t.Fatal(e.stall(e.end, "not every thread returned"))
	}
	res := e.collect()
	if err := res.Check(); err != nil {
		t.Fatal(err)
	}
	return res
}

// allReturned: every body has returned and its stores are visible.
func (e *engine) allReturned() bool {
	for _, tk := range e.tasks {
		if !tk.done {
			return false
		}
	}
	for _, h := range e.hws {
		if h != nil && (h.sb.n > 0 || h.inIRQ) {
			return false
		}
	}
	return true
}

// total sums a metric over all CPUs.
func total(r *Result, m Metric) (n int64) {
	for i := range r.CPUs {
		n += r.CPUs[i].Metrics[m]
	}
	return n
}

// spent sums a category over all steps of CPU i.
func spent(r *Result, i int, k Category) (t sim.Time) {
	for s := range r.CPUs[i].Time {
		t += r.CPUs[i].Time[s][k]
	}
	return t
}

var classNames = [...]string{"x86-tso", "arm64", "arm64-lse", "power", "riscv"}

// classMachine is the test machine with the ordering class, and the drain
// order and instruction costs that go with it.
func classMachine(o OrderingClass, sockets, coresPerSocket, threads int) *Machine {
	m := testMachine(sockets, coresPerSocket, threads)
	m.Ordering = o
	if o != X86TSO {
		m.DrainInOrder = false
		m.Costs = InstrCosts{Atomic: 8, MB: 12, RMB: 6, WMB: 4, Acquire: 2, Release: 3, AtomicAcq: 2,
			AtomicRel: 2, AtomicFull: 12, ThisCPU: 2, LostOverlap: 3}
	}
	return m
}

var protocolNames = [...]string{"mesi", "mesif", "moesi"}

// shrink makes the caches so small that few lines already cause evictions.
func shrink(m *Machine, kind string) {
	p := &m.Mem
	p.L1D = coherence.CacheGeometry{Bytes: 2 * p.LineBytes, Ways: 1}
	p.L2 = coherence.CacheGeometry{Bytes: 4 * p.LineBytes, Ways: 2}
	p.LLC = coherence.CacheGeometry{Bytes: 8 * p.LineBytes, Ways: 2}
	switch kind {
	case "none":
		p.LLC.Bytes = 0
	case "inclusive":
		p.LLCKind = coherence.Inclusive
	case "non-inclusive":
		p.LLCKind = coherence.NonInclusive
	case "victim":
		p.LLCKind = coherence.Victim
	default:
		panic("cores: no LLC kind " + kind)
	}
}

// word is an 8-byte operand.
func word(a sim.Addr) sim.Ref { return sim.At(a).Ref(0, 8) }

// at waits in user mode until the i-th time slot, so that threads meet there.
func at(c *sim.CPU, i int) { c.Think(sim.Time(i) * 4 * sim.Microsecond) }

func label(parts ...any) string {
	s := fmt.Sprint(parts[0])
	for _, p := range parts[1:] {
		s += fmt.Sprintf("/%v", p)
	}
	return s
}
