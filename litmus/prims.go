package litmus

import (
	"strings"

	"mmsim/sim"
)

// result says what an atomic operation returns.
type result uint8

const (
	noResult result = iota
	oldValue
	newValue
	isZero     // whether the new value is zero
	isNegative // whether the new value is below zero
)

// prim is a primitive of the kernel: what it does and how its arguments are
// written.
type prim struct {
	op opcode
	// args has one letter for each argument: l is an lvalue (*x), p a pointer
	// (x), v a value, V the value operand of an atomic operation that comes first.
	args   string
	order  sim.Order
	fence  sim.Fence
	rmw    sim.RMWOp
	result result
	// operand is the implicit second operand of inc and dec; negate and invert
	// are applied to an explicit one (sub, andnot).
	operand        int64
	negate, invert bool
}

// prims are the primitives with names of their own; the atomic families are
// recognised by their parts.
var prims = map[string]prim{
	"READ_ONCE":          {op: opLoad, args: "l"},
	"rcu_dereference":    {op: opLoad, args: "l"},
	"rcu_access_pointer": {op: opLoad, args: "l"},
	"WRITE_ONCE":         {op: opStore, args: "lv"},
	"RCU_INIT_POINTER":   {op: opStore, args: "lv"},
	"rcu_assign_pointer": {op: opStore, args: "lv", order: sim.Release},
	"smp_load_acquire":   {op: opLoad, args: "p", order: sim.Acquire},
	"smp_store_release":  {op: opStore, args: "pv", order: sim.Release},
	"smp_store_mb":       {op: opStoreMB, args: "lv"},

	"smp_mb":                      {op: opFence, fence: sim.MB},
	"smp_rmb":                     {op: opFence, fence: sim.RMB},
	"smp_wmb":                     {op: opFence, fence: sim.WMB},
	"smp_mb__before_atomic":       {op: opFence, fence: sim.MBBeforeAtomic},
	"smp_mb__after_atomic":        {op: opFence, fence: sim.MBAfterAtomic},
	"smp_mb__after_spinlock":      {op: opFence, fence: sim.MBAfterSpinlock},
	"smp_acquire__after_ctrl_dep": {op: opFence, fence: sim.AcquireAfterCtrlDep},
	"smp_mb__after_unlock_lock":   {op: opAfterUnlockLock},
	// As strong as smp_mb, so that nothing is shown that the kernel model, which
	// makes it one behind an srcu_read_unlock only, does not allow.
	"smp_mb__after_srcu_read_unlock": {op: opFence, fence: sim.MB},
	"barrier":                        {op: opNothing},
	"smp_read_barrier_depends":       {op: opNothing},

	"spin_lock":      {op: opLock, args: "p"},
	"spin_unlock":    {op: opUnlock, args: "p"},
	"spin_trylock":   {op: opTrylock, args: "p", result: oldValue},
	"spin_is_locked": {op: opIsLocked, args: "p", result: oldValue},

	"rcu_read_lock":              {op: opReadLock},
	"rcu_read_unlock":            {op: opReadUnlock},
	"synchronize_rcu":            {op: opSynchronize},
	"synchronize_rcu_expedited":  {op: opSynchronize},
	"srcu_read_lock":             {op: opSRCULock, args: "p", result: oldValue},
	"srcu_read_unlock":           {op: opSRCUUnlock, args: "pv"},
	"srcu_down_read":             {op: opSRCULock, args: "p", result: oldValue},
	"srcu_up_read":               {op: opSRCUUnlock, args: "pv"},
	"synchronize_srcu":           {op: opSRCUSynchronize, args: "p"},
	"synchronize_srcu_expedited": {op: opSRCUSynchronize, args: "p"},
}

// arithmetic are the operations of the atomic_ families.
var arithmetic = map[string]prim{
	"add":    {rmw: sim.Add, args: "Vp"},
	"sub":    {rmw: sim.Add, args: "Vp", negate: true},
	"inc":    {rmw: sim.Add, args: "p", operand: 1},
	"dec":    {rmw: sim.Add, args: "p", operand: -1},
	"and":    {rmw: sim.And, args: "Vp"},
	"or":     {rmw: sim.Or, args: "Vp"},
	"xor":    {rmw: sim.Xor, args: "Vp"},
	"andnot": {rmw: sim.And, args: "Vp", invert: true},
}

// findPrim returns the primitive of a name.
func findPrim(name string) (prim, bool) {
	if k, ok := prims[name]; ok {
		return k, true
	}
	base, order := cutOrder(name)
	switch base {
	case "xchg":
		return prim{op: opRMW, args: "pv", rmw: sim.Xchg, order: order, result: oldValue}, true
	case "cmpxchg":
		return prim{op: opCmpXchg, args: "pvv", order: order, result: oldValue}, true
	}
	for _, family := range []string{"atomic_long_", "atomic64_", "atomic_"} {
		if op, ok := strings.CutPrefix(base, family); ok {
			return atomicPrim(op, order, base != name)
		}
	}
	return prim{}, false
}

// atomicPrim returns the primitive atomic_OP; suffixed tells that its order was
// written out.
func atomicPrim(op string, o sim.Order, suffixed bool) (prim, bool) {
	switch {
	case op == "read" && (!suffixed || o == sim.Acquire):
		return prim{op: opLoad, args: "p", order: o % sim.Full}, true
	case op == "set" && (!suffixed || o == sim.Release):
		return prim{op: opStore, args: "pv", order: o % sim.Full}, true
	case op == "xchg":
		return prim{op: opRMW, args: "pv", rmw: sim.Xchg, order: o, result: oldValue}, true
	case op == "cmpxchg":
		return prim{op: opCmpXchg, args: "pvv", order: o, result: oldValue}, true
	case op == "add_unless" && !suffixed:
		return prim{op: opAddUnless, args: "pvv", order: o, result: newValue}, true
	case op == "fetch_add_unless" && !suffixed:
		return prim{op: opAddUnless, args: "pvv", order: o, result: oldValue}, true
	case op == "inc_not_zero" && !suffixed:
		return prim{op: opAddUnless, args: "p", order: o, result: newValue}, true
	case op == "add_negative":
		return prim{op: opRMW, args: "Vp", rmw: sim.Add, order: o, result: isNegative}, true
	}
	return arithmeticPrim(op, o, suffixed)
}

// arithmeticPrim returns add, add_return, fetch_add, add_and_test and the like.
func arithmeticPrim(op string, o sim.Order, suffixed bool) (prim, bool) {
	base, res := op, noResult
	if b, ok := strings.CutPrefix(op, "fetch_"); ok {
		base, res = b, oldValue
	} else if b, ok := strings.CutSuffix(op, "_return"); ok {
		base, res = b, newValue
	} else if b, ok := strings.CutSuffix(op, "_and_test"); ok {
		base, res = b, isZero
	}
	k, ok := arithmetic[base]
	counts := k.rmw == sim.Add
	switch {
	case !ok,
		res == noResult && suffixed,
		res == newValue && !counts,
		res == isZero && (suffixed || !counts || base == "add"):
		return prim{}, false
	case res == noResult:
		k.rmw |= sim.Void
		o = sim.Relaxed
	}
	k.op, k.order, k.result = opRMW, o, res
	return k, true
}

// cutOrder takes the ordering suffix off a name; without one it is Full.
func cutOrder(name string) (base string, o sim.Order) {
	for i, suffix := range []string{"_relaxed", "_acquire", "_release"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return base, []sim.Order{sim.Relaxed, sim.Acquire, sim.Release}[i]
		}
	}
	return name, sim.Full
}
