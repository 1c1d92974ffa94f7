package mm

import (
	"testing"

	"mmsim/kernel/locking"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// TestDetachedIsNotRead: an area that was unmapped cannot be speculated on, nor
// locked, by a reader that found it before; vm_rcu may lie over its fields.
func TestDetachedIsNotRead(t *testing.T) {
	for _, d := range []Design{VMARefcnt, VMASeqcount, VMASeqcountOwn} {
		w := newWorld(t, d, "mm-6.5", 1, false)
		a, err := w.mm.Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon})
		if err != nil {
			t.Fatal(err)
		}
		m := simtest.New(w.mem, simtest.Options{})
		m.Go("both", 0, func(c *sim.CPU) {
			w.base.RCU.ReadLock(c)
			vma := w.mm.VMALookup(c, a)
			if err := w.mm.Munmap(c, a, sim.PageBytes); err != nil {
				t.Error(err)
			}
			if d == VMARefcnt {
				if r := w.mm.startReadRefcnt(c, vma); r != readAgain {
					t.Errorf("%v: locking it gave %d, want another walk", d, r)
				}
			} else if _, ok := w.mm.SpeculateVMABegin(c, vma); ok {
				t.Errorf("%v: speculation on it began", d)
			}
			w.base.RCU.ReadUnlock(c)
		})
		simtest.Run(t, m)
	}
}

// TestDetachWaits is race R5: a reader that came in between the stamp and its
// own second look is out before the area is detached.
func TestDetachWaits(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, VMARefcnt, "mm-6.5", 2, false)
		a, err := w.mm.Mmap(w.c, Mapping{Bytes: sim.PageBytes, Flags: Anon})
		if err != nil {
			t.Fatal(err)
		}
		vma := w.mm.VMALookup(w.c, a)
		stamped, inside, left := false, false, false
		m := simtest.New(w.mem, simtest.Options{Syms: w.syms, Seed: seed})
		m.Kernel(w.base.Hooks())
		m.Go("writer", 0, func(c *sim.CPU) {
			w.mm.WriteLock(c)
			w.mm.StartWrite(c, vma)
			for stamped = true; !inside; {
				c.Relax()
			}
			w.sys.locking.detach(c, w.mm, vma)
			if !left {
				t.Errorf("seed %d: detached while a reader was inside", seed)
			}
			if n := c.Load(w.sys.refcnt(vma)); n != 0 {
				t.Errorf("seed %d: vm_refcnt is %#x after detaching", seed, n)
			}
			w.mm.WriteUnlock(c)
		})
		m.Go("reader", 1, func(c *sim.CPU) {
			for !stamped {
				c.Relax()
			}
			ref := w.sys.refcnt(vma)
			if _, ok := locking.Refcount(ref).IncNotZeroLimitedAcquire(c, vmaRefLimit); !ok {
				t.Errorf("seed %d: the reader did not get in", seed)
			}
			c.LockTried(ref.A, sim.Shared)
			for inside = true; !left; left = true {
				for range 100 {
					c.Relax()
				}
			}
			w.mm.putVMA(c, vma)
		})
		simtest.Run(t, m)
	}
}

// TestMprotectFlushes: taking write permission away reaches the TLBs, giving it
// does not have to.
func TestMprotectFlushes(t *testing.T) {
	w := newWorld(t, MMSeqcount, "mm-6.5", 1, false)
	a, err := w.mm.Mmap(w.c, Mapping{Bytes: 2 * sim.PageBytes, Flags: Anon, Populate: 2 * sim.PageBytes})
	if err != nil {
		t.Fatal(err)
	}
	gen := func() uint64 { return w.c.Load(w.mm.at.F(w.sys.mf.tlbGen)) }
	for i, k := range []struct {
		prot VMFlags
		want uint64
	}{{VMRead, 2}, {VMRead | VMWrite, 2}, {VMRead, 3}, {VMRead | VMExec, 3}} {
		if err := w.mm.Mprotect(w.c, a, 2*sim.PageBytes, k.prot); err != nil || gen() != k.want {
			t.Errorf("mprotect %d: %v, tlb_gen %d, want %d", i, err, gen(), k.want)
		}
	}
	if err := w.mm.Mprotect(w.c, a, 3*sim.PageBytes, VMRead); err == nil {
		t.Error("mprotect over a hole succeeded")
	}
}
