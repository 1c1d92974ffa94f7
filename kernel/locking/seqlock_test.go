package locking_test

import (
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// Writers of a seqlock exclude each other, and its readers accept whole pairs
// only, with and without the lock.
func TestSeqLock(t *testing.T) {
	retries, locked := 0, 0
	for seed := range uint64(seeds) {
		z := newZoo(5)
		z.run(t, 5, seed, func(c *sim.CPU, i int) {
			for range uint64(rounds) {
				if i < 2 {
					z.seqlock.WriteLock(c)
					z.exclusive(t, c)
					c.Store(z.copy, c.Load(z.count))
					z.seqlock.WriteUnlock(c)
					continue
				}
				var a, b, seq uint64
				for {
					z.seqlock.ReadBeginOrLock(c, &seq)
					a, b = c.Load(z.count), c.Load(z.copy)
					if !z.seqlock.NeedRetry(c, seq) {
						break
					}
					retries++
					seq = uint64(i) & 1 // tasks 3 and on take the lock, the others go on without
				}
				locked += int(seq & 1)
				z.seqlock.DoneRetry(c, seq)
				if a != b {
					t.Errorf("seed %d: torn read %d, %d", seed, a, b)
				}
			}
		})
		if n := z.mem.Read(z.count.A, 8); n != 2*rounds {
			t.Errorf("seed %d: %d writes, want %d", seed, n, 2*rounds)
		}
	}
	if retries == 0 || locked == 0 {
		t.Errorf("not exercised: %d retries, %d locked passes", retries, locked)
	}
}

// A locking reader keeps writers out and leaves the sequence alone.
func TestSeqLockReaderExcl(t *testing.T) {
	z := newZoo(1)
	z.run(t, 1, 0, func(c *sim.CPU, _ int) {
		seq := z.seqlock.ReadBegin(c)
		z.seqlock.ReadLockExcl(c)
		if z.seqlock.WriteTryLock(c) || z.seqlock.ReadTryLockExcl(c) {
			t.Error("taken past a locking reader")
		}
		z.seqlock.ReadUnlockExcl(c)
		if z.seqlock.ReadRetry(c, seq) {
			t.Error("a locking reader disturbed one that does not lock")
		}
		if !z.seqlock.WriteTryLock(c) {
			t.Error("a free lock was refused")
		}
		if !z.seqlock.ReadRetry(c, seq) {
			t.Error("a writer went unnoticed")
		}
		z.seqlock.WriteUnlock(c)
	})
}

// A latch's readers always get a whole copy without waiting, even in an
// interrupt over the writer.
func TestLatch(t *testing.T) {
	retries, over := 0, 0
	for seed := range uint64(seeds) {
		z := newZoo(2)
		copies := z.slots.Of(0)
		pair := func(i uint64) (sim.Ref, sim.Ref) { return copies.Ref(16*i, 8), copies.Ref(16*i+8, 8) }
		read := func(c *sim.CPU) {
			for {
				seq := z.latch.Read(c)
				a, b := pair(seq.V & 1)
				x, y := c.Load(a), c.Load(b)
				if z.latch.Retry(c, seq) {
					retries++
					continue
				}
				if x != y {
					t.Errorf("seed %d: torn read %d, %d", seed, x, y)
				}
				return
			}
		}
		update := func(c *sim.CPU, copy, v uint64) {
			a, b := pair(copy)
			c.Store(a, v)
			c.Store(b, v)
		}
		inside := false
		z.runTraced(t, 2, seed, func(simtest.Op) {}, func(c *sim.CPU, i int) {
			for v := range uint64(rounds) {
				if i == 1 {
					read(c)
					c.SendIPI(0, func(c *sim.CPU) {
						if inside {
							over++
						}
						read(c)
					})
					continue
				}
				inside = true
				z.latch.WriteBegin(c)
				update(c, 0, v)
				z.latch.Write(c)
				update(c, 1, v)
				inside = false
			}
		})
	}
	if retries == 0 || over == 0 {
		t.Errorf("not exercised: %d retries, %d reads over the writer", retries, over)
	}
}
