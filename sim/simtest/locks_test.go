package simtest

import (
	"strings"
	"testing"

	"mmsim/sim"
)

var boxLayout = sim.NewLayout("box", 64, 64, sim.F("lid", 0, 8), sim.F("lock", 8, 8))

// twoLocks runs two tasks that take the two locks of a box, in the same order or
// in opposite ones.
func twoLocks(seed uint64, opposite bool) *Machine {
	syms, box := &sim.Symbols{}, sim.At(0x1000)
	syms.AddObject(box.A, boxLayout, "")
	m := New(sim.NewMemory(), Options{Seed: seed, Syms: syms})
	words := []sim.Ref{box.F(boxLayout.Field("lid")), box.F(boxLayout.Field("lock"))}
	for i, name := range []string{"left", "right"} {
		order := []sim.Ref{words[0], words[1]}
		if opposite && i == 1 {
			order = []sim.Ref{words[1], words[0]}
		}
		m.Go(name, i, func(c *sim.CPU) {
			for _, w := range order {
				for c.Xchg(w, 1, sim.Acquire) != 0 {
					c.LockContended(w.A, sim.Exclusive)
					c.SpinWhile(w, ^uint64(0), 1)
				}
				c.LockAcquired(w.A, sim.Exclusive)
			}
			for _, w := range order {
				c.LockReleased(w.A, sim.Exclusive)
				c.StoreRelease(w, 0)
			}
		})
	}
	return m
}

// TestLocks: opposite orders are found in every schedule, also in those that do
// not deadlock; the error of those that do says who holds what and who waits.
func TestLocks(t *testing.T) {
	deadlocks := 0
	for seed := range uint64(50) {
		m := twoLocks(seed, true)
		err := m.Run()
		if n := len(m.Locks.Orders()); n != 1 {
			t.Fatalf("seed %d: %d findings about the order of two locks", seed, n)
		}
		if err == nil {
			continue
		}
		deadlocks++
		for _, want := range []string{
			"left (cpu0, step user): spins on 0x1008 (value 0x1); holds box.lid (write, since ", "; waits for box.lock (write, since ",
			"\n  lock box.lid: held by left (write, since ", "; awaited by right (write, since ",
			"\n  circular lock order: box.l", "left takes box.lock (step user) while it holds box.lid",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Fatalf("seed %d: the error does not say %q:\n%v", seed, want, err)
			}
		}
	}
	if deadlocks == 0 || deadlocks == 50 {
		t.Errorf("%d of 50 schedules deadlocked", deadlocks)
	}
	m := twoLocks(1, false)
	Run(t, m)
	for _, r := range m.Locks.Results(m.Elapsed()) {
		if x := r.Modes[sim.Exclusive]; x.Acquired != 2 || x.HoldTime <= 0 || x.Waiting != 0 {
			t.Errorf("%s: %+v", r.Class, x)
		}
	}
}
