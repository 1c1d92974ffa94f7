package litmus

import (
	"slices"

	"mmsim/sim"
)

// Readers of SRCU are matched as the kernel's model does it: srcu_read_unlock
// ends the section whose srcu_read_lock its argument comes from, so that the
// sections of a thread can overlap. The value itself is 0, as in the model; what
// says where it comes from is beside it (val.section).

// section is a read-side critical section of SRCU.
type section struct {
	domain int   // index of the variable
	id     int32 // from 1, in the order in which the thread begins them
}

// srcuOp executes the primitives of SRCU.
func (t *thread) srcuOp(n *node, r sim.Ref) val {
	domain := t.run.p.variableAt(t.run.base, int64(r.A))
	switch n.op {
	case opSRCULock:
		t.begun++
		s := section{domain, t.begun}
		t.run.on.srcuLock(t, s)
		t.srcu = append(t.srcu, s)
		return val{section: s.id}
	case opSRCUUnlock:
		if i := t.srcuEnds(n, r, domain); i >= 0 {
			t.srcuUnlock(i)
		}
	default:
		if t.srcuReaders(domain) > 0 {
			t.stuck(n.at, "synchronize_srcu inside a reader of %s", t.nameOf(r))
		}
		t.run.on.srcuSynchronize(t, domain)
	}
	return val{}
}

// srcuUnlock ends the i-th of the sections in progress.
func (t *thread) srcuUnlock(i int) {
	s := t.srcu[i]
	t.srcu = slices.Delete(t.srcu, i, i+1)
	t.run.on.srcuUnlock(t, s)
}

// srcuReaders is how many sections of a domain are in progress.
func (t *thread) srcuReaders(domain int) (n int) {
	for _, s := range t.srcu {
		if s.domain == domain {
			n++
		}
	}
	return n
}

// srcuEnds is the index of the section that srcu_read_unlock ends, or -1 after a
// fault: the one its argument comes from; or, if that comes from none (a
// literal), the only one.
func (t *thread) srcuEnds(n *node, r sim.Ref, domain int) int {
	id := t.eval(n.y).section
	if t.fault != nil {
		return -1
	}
	if open := t.srcuReaders(domain); open == 0 {
		t.fail(n.at, "srcu_read_unlock outside of a reader of %s", t.nameOf(r))
		return -1
	} else if id == 0 && open > 1 {
		t.fail(n.at, "srcu_read_unlock with a value that tells not which of %d readers of %s ends", open, t.nameOf(r))
		return -1
	}
	i := slices.IndexFunc(t.srcu, func(s section) bool { return s.domain == domain && (id == 0 || s.id == id) })
	if i < 0 {
		t.fail(n.at, "srcu_read_unlock of %s with the value of another reader", t.nameOf(r))
	}
	return i
}
