package list_test

import (
	"fmt"
	"testing"

	"mmsim/kernel/list"
	"mmsim/sim"
)

func at(i int) sim.Ptr { return sim.At(sim.Addr(0x10000 + 64*i)) }

// walk lists the entries by number, forwards, and checks the way back.
func walk(t *testing.T, c *sim.CPU, head sim.Ptr) (got []int) {
	t.Helper()
	prev := head
	for e := list.First(c, head); e.A != head.A; e = list.Next(c, e) {
		if back := sim.Addr(c.Load(e.Ref(8, 8))); back != prev.A {
			t.Fatalf("prev of %#x is %#x, want %#x", uint64(e.A), uint64(back), uint64(prev.A))
		}
		got = append(got, int(e.A-at(0).A)/64)
		prev = e
	}
	if last := list.Last(c, head); last.A != prev.A {
		t.Fatalf("last is %#x, want %#x", uint64(last.A), uint64(prev.A))
	}
	return got
}

func TestList(t *testing.T) {
	c := sim.NewDirect(sim.NewMemory())
	a, b := at(0), at(100)
	list.Init(c, a)
	list.Init(c, b)
	if !list.Empty(c, a) || list.Singular(c, a) {
		t.Error("a new list is not empty")
	}
	list.AddTail(c, at(1), a)
	if list.Empty(c, a) || !list.Singular(c, a) {
		t.Error("one entry is not one")
	}
	list.AddTail(c, at(2), a)
	list.Add(c, at(3), a)
	list.AddTail(c, at(4), a)
	if list.Singular(c, a) {
		t.Error("four entries are one")
	}
	list.MoveTail(c, at(2), b)
	list.MoveTail(c, at(3), b)
	if got := fmt.Sprint(walk(t, c, a), walk(t, c, b)); got != "[1 4] [2 3]" {
		t.Errorf("got %s", got)
	}
	list.Del(c, at(4))
	list.Del(c, at(2))
	if got := fmt.Sprint(walk(t, c, a), walk(t, c, b)); got != "[1] [3]" {
		t.Errorf("got %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("following a stale link went unnoticed")
		}
	}()
	list.Del(c, at(4))
}
