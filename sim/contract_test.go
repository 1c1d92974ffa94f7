package sim

import "testing"

func TestRMWApply(t *testing.T) {
	for _, c := range []struct {
		op            RMWOp
		old, arg, cmp uint64
		size          Size
		want          uint64
		writes        bool
	}{
		{Add, 0xffffffff, 1, 0, 4, 0, true}, // wraps at the operand's width
		{Add | Void, 5, ^uint64(0), 0, 8, 4, true},
		{And, 0xff, 0x0f, 0, 1, 0x0f, true},
		{Or, 0xf0, 0x0f, 0, 1, 0xff, true},
		{Xor, 0xff, 0x0f, 0, 2, 0xf0, true},
		{Xchg, 7, 0x1_0000_0009, 0, 4, 9, true},
		{CmpXchg, 7, 8, 7, 8, 8, true},
		{CmpXchg, 7, 8, 6, 8, 7, false},
		{CmpXchg, 0xffffffff, 1, ^uint64(0), 4, 1, true}, // compares the operand's width
	} {
		if got, writes := c.op.Apply(c.old, c.arg, c.cmp, c.size); got != c.want || writes != c.writes {
			t.Errorf("%v of %#x with %#x (compare %#x) gives %#x, %v", c.op, c.old, c.arg, c.cmp, got, writes)
		}
	}
}

func TestCondHolds(t *testing.T) {
	for _, c := range []struct {
		k    Cond
		v    uint64
		want bool
	}{
		{Cond{Test: Eq, Arg: 3}, 3, true},
		{Cond{Test: Ne, Arg: 3}, 3, false},
		{Cond{Test: Eq, Mask: 1, Arg: 0}, 6, true},
		{Cond{Test: Ne, Mask: 4, Arg: 0}, 6, true},
	} {
		if c.k.Holds(c.v) != c.want {
			t.Errorf("%+v of %d holds: %v", c.k, c.v, !c.want)
		}
	}
}

// TestIRQNesting: the flags that IRQSave returns nest as in the kernel.
func TestIRQNesting(t *testing.T) {
	c := NewDirect(NewMemory())
	outer := c.IRQSave()
	inner := c.IRQSave()
	if !c.IRQsDisabled() {
		t.Error("interrupts are still on")
	}
	if !outer || inner {
		t.Errorf("interrupts were on before: %v outside, %v inside", outer, inner)
	}
	c.IRQRestore(inner)
	if c.IRQSave() {
		t.Error("the inner restore switched interrupts on")
	}
	c.IRQRestore(outer)
	if c.IRQsDisabled() {
		t.Error("interrupts are still off")
	}
	if !c.IRQSave() {
		t.Error("the outer restore did not switch interrupts on")
	}
}

// TestDirect: builders work on memory at once and may not wait.
func TestDirect(t *testing.T) {
	m := NewMemory()
	c := NewDirect(m)
	r := At(0x2000).Ref(8, 4)
	c.Store(r, 0x1_0000_0002)
	if old, ok := c.CmpXchg(r, 2, 5, Full); old != 2 || !ok || c.Load(r) != 5 {
		t.Errorf("cmpxchg saw %d, left %d", old, c.Load(r))
	}
	if c.TestAndSetBit(r, 1) || !c.TestAndSetBit(r, 1) || !c.TestAndClearBit(r, 1) || c.Load(r) != 5 {
		t.Errorf("test_and_set_bit, test_and_clear_bit left %d", c.Load(r))
	}
	c.Copy(At(0x3000), At(0x2000), 64)
	if m.Read(0x3008, 4) != 5 {
		t.Error("a copy did not arrive")
	}
	c.Clear(At(0x3000), 64)
	if m.Read(0x3008, 4) != 0 {
		t.Error("a clear did not arrive")
	}
	c.SpinWhile(r, 1, 0)
	if panicOf(func() { c.SpinWhile(r, 1, 1) }) == "<nil>" || panicOf(func() { c.IRQSave(); c.SwitchTo(0, Runnable) }) == "<nil>" {
		t.Error("a builder may wait")
	}
}

// TestNames: a name declared twice is one step; limits are enforced.
func TestNames(t *testing.T) {
	a, b := NewStep("test-step"), NewStep("test-step")
	if a != b || a.String() != "test-step" || Steps()[a] != "test-step" {
		t.Errorf("steps %d and %d, named %s", a, b, a)
	}
	if StepUser.String() != "user" {
		t.Errorf("step 0 is %s", StepUser)
	}
	g := registry{what: "step", limit: 2}
	g.add("a")
	g.add("b")
	if got := panicOf(func() { g.add("c") }); got != "sim: more than 2 steps declared" {
		t.Errorf("one too many: %q", got)
	}
}
