package litmus

import "mmsim/sim"

// rmw executes an atomic operation that always succeeds.
func (t *thread) rmw(n *node, r sim.Ref) val {
	k := &n.prim
	arg := val{v: k.operand}
	if n.y != nil {
		arg = t.eval(n.y)
	}
	if t.fault != nil {
		return val{}
	}
	switch {
	case k.negate:
		arg.v = -arg.v
	case k.invert:
		arg.v = ^arg.v
	}
	t.run.on.storeDeps(t, arg.d)
	old := t.c.RMW(r, k.rmw, uint64(arg.v), 0, k.order)
	return val{v: k.result.of(old.V, uint64(arg.v), k.rmw), d: old.D | arg.d}
}

// of is what an operation with this result returns.
func (k result) of(old, arg uint64, op sim.RMWOp) int64 {
	after, _ := op.Apply(old, arg, 0, 8)
	switch k {
	case newValue:
		return int64(after)
	case isZero:
		return truth(after == 0)
	case isNegative:
		return truth(int64(after) < 0)
	}
	return int64(old)
}

// cmpXchg executes cmpxchg; a failed one orders nothing portably.
func (t *thread) cmpXchg(n *node, r sim.Ref) val {
	old, v := t.eval(n.y), t.eval(n.z)
	if t.fault != nil {
		return val{}
	}
	t.run.on.storeDeps(t, old.d|v.d)
	prev := t.c.RMW(r, sim.CmpXchg, uint64(v.v), uint64(old.v), n.prim.order)
	return val{v: int64(prev.V), d: prev.D}
}

// addUnless executes atomic_add_unless(x, a, u) as a loop of cmpxchg: what ends
// it without an addition is a failed cmpxchg that found u.
func (t *thread) addUnless(n *node, r sim.Ref) val {
	add, unless := val{v: 1}, val{}
	if n.y != nil {
		add, unless = t.eval(n.y), t.eval(n.z)
	}
	if t.fault != nil {
		return val{}
	}
	guess := unless.v + 1
	for {
		t.run.on.storeDeps(t, add.d|unless.d)
		prev := t.c.RMW(r, sim.CmpXchg, uint64(guess+add.v), uint64(guess), n.prim.order)
		found := int64(prev.V)
		if found == guess || found == unless.v {
			if n.prim.result == oldValue {
				return val{v: found, d: prev.D}
			}
			return val{v: truth(found == guess), d: prev.D}
		}
		guess = found
	}
}
