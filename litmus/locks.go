package litmus

import (
	"fmt"
	"slices"

	"mmsim/sim"
)

// The state that a thread keeps of its locks and readers finds what a test does
// wrong and where it waits for itself; the platform does the rest.

// stuck notes that the thread waits for itself, and waits.
func (t *thread) stuck(at Pos, format string, args ...any) {
	t.blocked = &Fault{at, t.proc.id, fmt.Sprintf(format, args...)}
	t.waitIdle()
}

func (t *thread) lock(n *node, r sim.Ref) {
	if slices.Contains(t.held, r.A) {
		t.stuck(n.at, "spin_lock of %s, which P%d holds", t.nameOf(r), t.proc.id)
	}
	t.run.on.lock(t, r)
	t.held = append(t.held, r.A)
}

func (t *thread) trylock(r sim.Ref) val {
	if !t.run.on.trylock(t, r) {
		return val{}
	}
	t.held = append(t.held, r.A)
	return val{v: 1}
}

func (t *thread) unlock(n *node, r sim.Ref) {
	i := slices.Index(t.held, r.A)
	if i < 0 {
		t.fail(n.at, "spin_unlock of %s, which P%d does not hold", t.nameOf(r), t.proc.id)
		return
	}
	t.held = slices.Delete(t.held, i, i+1)
	t.run.on.unlock(t, r)
}

// leave ends the readers and gives up the locks of a thread that a fault stops:
// others wait for them, and only whole readers tell whether a grace period
// rules the execution out.
func (t *thread) leave() {
	for _, lock := range t.held {
		t.run.on.unlock(t, sim.At(lock).Ref(0, 8))
	}
	if t.readers > 0 {
		t.run.on.readUnlock(t)
	}
	for len(t.srcu) > 0 {
		t.srcuUnlock(0)
	}
}

func (t *thread) nameOf(r sim.Ref) string {
	return t.run.p.Vars[t.run.p.variableAt(t.run.base, int64(r.A))].Name
}

// rcu executes the primitives of RCU; only outermost readers are readers.
func (t *thread) rcu(n *node) {
	switch n.op {
	case opReadLock:
		if t.readers++; t.readers == 1 {
			t.run.on.readLock(t)
		}
	case opReadUnlock:
		if t.readers == 0 {
			t.fail(n.at, "rcu_read_unlock outside of a reader")
			return
		}
		if t.readers--; t.readers == 0 {
			t.run.on.readUnlock(t)
		}
	default:
		if t.readers > 0 {
			t.stuck(n.at, "synchronize_rcu inside an RCU reader")
		}
		t.run.on.synchronize(t)
	}
}
