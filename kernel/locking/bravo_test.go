package locking_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// A reader under the bias writes a slot of its own and its own note, and no
// word of the semaphore.
func TestBravoReaderSequence(t *testing.T) {
	z := newZoo(1)
	ops := z.record(t, func(c *sim.CPU) {
		z.bravo.DownRead(c) // turns the bias on
		z.bravo.UpRead(c)
		c.Compute(1)
		z.bravo.DownRead(c)
		z.bravo.UpRead(c)
	})
	ops = ops[slices.Index(ops, "compute")+1:]
	slot, _, _ := strings.Cut(strings.TrimPrefix(ops[2], "cmpxchg.full "), ";")
	want := []string{"load bravo.rbias", "load slot[0]", "cmpxchg.full " + slot, "load.acquire bravo.rbias", "store slot[0]",
		"load slot[0]", "store slot[0]", "store.release " + slot}
	if !slices.Equal(ops, want) {
		t.Errorf("\n got %s\nwant %s", strings.Join(ops, "; "), strings.Join(want, "; "))
	}
}

// bravoCheck counts what a BRAVO lock's readers and writers went through.
type bravoCheck struct {
	*zoo
	visible, refused, revocations, waits int
	taken                                [2]int64 // by mode
}

func (k *bravoCheck) observe(o simtest.Op) {
	if o.Ref.A == 0 {
		return
	}
	s := k.syms.Lookup(o.Ref.A)
	switch {
	case s.Field == "bravo.rbias" && o.Kind == "xchg":
		k.revocations++
	case s.Object != "visible_readers":
	case o.Kind == "cmpxchg":
		k.visible++
	case o.Kind == "store" && o.Order == sim.Relaxed:
		k.refused++ // the bias went while the reader made itself visible
	case o.Kind == "spin":
		k.waits++
	}
}

// Readers in both ways, writers that revoke the bias, trylocks that refuse to,
// nested sections and downgrades: readers and writers exclude each other.
func TestBravo(t *testing.T) {
	var sum bravoCheck
	for _, tasks := range []int{2, 4, 16} {
		for seed := range uint64(8) {
			k := &bravoCheck{zoo: newZoo(tasks)}
			m := k.runTraced(t, tasks, seed, k.observe, func(c *sim.CPU, i int) {
				for n := range uint64(rounds) {
					r := sim.NewRand(seed, uint64(i), n)
					if wrote := k.take(t, c, r.Below(16)); wrote {
						c.Think(c.Now() + sim.Time(r.Below(150))*sim.Microsecond) // inhibited: 9 scans
					}
				}
			})
			if n := k.mem.Read(k.count.A, 8); n != uint64(k.taken[sim.Exclusive]) {
				t.Errorf("%d tasks, seed %d: %d increments of %d", tasks, seed, n, k.taken[sim.Exclusive])
			}
			for _, r := range m.Locks.Results(m.Elapsed()) {
				if x, s := r.Modes[0].Acquired, r.Modes[1].Acquired; r.Class == "zoo.bravo.count" && (x != k.taken[0] || s != k.taken[1]) {
					t.Errorf("%d tasks, seed %d: reported %d writers and %d readers of %d", tasks, seed, x, s, k.taken)
				}
			}
			k.checkIdle(t, fmt.Sprintf("%d tasks, seed %d", tasks, seed))
			sum.visible += k.visible
			sum.refused += k.refused
			sum.revocations += k.revocations
			sum.waits += k.waits
		}
	}
	if sum.visible == 0 || sum.refused == 0 || sum.revocations == 0 || sum.waits == 0 {
		t.Errorf("not exercised: %d visible readers, %d refused, %d revocations, %d waits",
			sum.visible, sum.refused, sum.revocations, sum.waits)
	}
}

func (k *bravoCheck) take(t *testing.T, c *sim.CPU, way uint64) (wrote bool) {
	b := k.bravo
	switch way {
	case 0:
		b.DownWrite(c)
		k.taken[sim.Exclusive]++
		k.exclusive(t, c)
		b.UpWrite(c)
		return true
	case 1:
		b.DownWrite(c)
		k.taken[sim.Exclusive]++
		k.exclusive(t, c)
		b.DowngradeWrite(c)
		k.shared(t, c)
		b.UpRead(c)
		return true
	case 2, 3:
		if !b.DownWriteTrylock(c) {
			return false
		}
		k.taken[sim.Exclusive]++
		k.exclusive(t, c)
		b.UpWrite(c)
		return true
	case 4, 5:
		if b.DownReadTrylock(c) {
			k.taken[sim.Shared]++
			k.shared(t, c)
			if b.DownReadTrylock(c) { // nested
				k.taken[sim.Shared]++
				b.UpRead(c)
			}
			k.shared(t, c)
			b.UpRead(c)
		}
		return false
	}
	b.DownRead(c)
	k.taken[sim.Shared]++
	k.shared(t, c)
	if way == 6 { // long enough for a writer's scan to come by
		c.Think(c.Now() + 20*sim.Microsecond)
		k.shared(t, c)
	}
	b.UpRead(c)
	return false
}

func (k *bravoCheck) checkIdle(t *testing.T, what string) {
	t.Helper()
	if v := k.word("bravo.count"); v != 0 {
		t.Errorf("%s: count is %#x afterwards", what, v)
	}
	c := sim.NewDirect(k.mem)
	if !k.bravo.DownWriteTrylock(c) {
		t.Errorf("%s: a slot still names the lock", what)
	}
	k.bravo.UpWrite(c)
}

// After a revocation the bias stays off for nine times as long as it took.
func TestBravoInhibition(t *testing.T) {
	z := newZoo(1)
	z.run(t, 1, 0, func(c *sim.CPU, _ int) {
		read := func() (biased bool) {
			z.bravo.DownRead(c)
			z.bravo.UpRead(c)
			return z.word("bravo.rbias") != 0
		}
		if !read() {
			t.Error("the first reader did not turn the bias on")
		}
		start := c.Now()
		z.bravo.DownWrite(c)
		took := c.Now() - start
		z.bravo.UpWrite(c)
		end := c.Now()
		for !read() {
			c.Think(c.Now() + took/10)
		}
		if off := c.Now() - end; off < 8*took || off > 10*took {
			t.Errorf("the bias was off for %v after a revocation of %v", off, took)
		}
	})
}

// A write trylock that gives up because of a visible reader leaves the bias on:
// the next writer must look for that reader too.
func TestBravoTrylockLeavesTheBias(t *testing.T) {
	z := newZoo(2)
	z.run(t, 2, 0, func(c *sim.CPU, i int) {
		if i == 0 {
			z.bravo.DownRead(c)
			z.bravo.UpRead(c)
			z.bravo.DownRead(c)
			c.Store(z.copy, 1)
			c.SpinUntil(sim.Never, sim.Cond{Ref: z.copy, Arg: 2})
			z.bravo.UpRead(c)
			return
		}
		c.SpinUntil(sim.Never, sim.Cond{Ref: z.copy, Arg: 1})
		for range 2 {
			if z.bravo.DownWriteTrylock(c) {
				t.Error("taken past a visible reader")
			}
		}
		c.Store(z.copy, 2)
	})
}
