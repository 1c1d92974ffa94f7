package locking_test

import (
	"slices"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// Ticket and MCS locks serve their waiters in the order in which they arrived:
// of the atomics on the word.
func TestSpinLocksAreFIFO(t *testing.T) {
	for _, tc := range []struct {
		name, field, arrival string
		lock, unlock         func(z *zoo, c *sim.CPU, i int)
	}{
		{"ticket", "ticket", "add",
			func(z *zoo, c *sim.CPU, _ int) { z.ticket.Lock(c) }, func(z *zoo, c *sim.CPU, _ int) { z.ticket.Unlock(c) }},
		{"mcs", "mcs", "xchg",
			func(z *zoo, c *sim.CPU, i int) { z.mcs.Lock(c, z.nodes.Of(i)) },
			func(z *zoo, c *sim.CPU, i int) { z.mcs.Unlock(c, z.nodes.Of(i)) }},
	} {
		for _, tasks := range []int{2, 5, 48} {
			for seed := range uint64(8) {
				z := newZoo(tasks)
				var arrived, served []sim.TaskID
				word := z.at.F(zooLayout.Field(tc.field)).A
				trace := func(o simtest.Op) {
					if o.Ref.A == word && o.Kind == tc.arrival {
						arrived = append(arrived, o.Task)
					}
				}
				z.runTraced(t, tasks, seed, trace, func(c *sim.CPU, i int) {
					for range 6 {
						tc.lock(z, c, i)
						served = append(served, c.Task)
						z.exclusive(t, c)
						tc.unlock(z, c, i)
					}
				})
				if !slices.Equal(arrived, served) {
					t.Fatalf("%s, %d tasks, seed %d: arrived %v, served %v", tc.name, tasks, seed, arrived, served)
				}
			}
		}
	}
}

// A qspinlock serves those that came into its queue in order; the pending waiter
// and who finds the lock free pass them.
func TestQSpinLockQueueIsFIFO(t *testing.T) {
	const tasks = 6
	passed := false
	for seed := range uint64(seeds) {
		w := newWorld(tasks)
		var queued, served []sim.TaskID
		inQueue := make([]bool, tasks)
		tail := w.count.A - 128 + sim.Addr(objectLayout.Field("spin").Off) + 2
		trace := func(o simtest.Op) {
			if o.Ref.A == tail && o.Kind == "xchg" {
				queued = append(queued, o.Task)
				inQueue[o.Task] = true
			}
		}
		w.runTraced(t, tasks, seed, trace, func(c *sim.CPU, i int) {
			for range rounds {
				w.spin.Lock(c)
				if inQueue[i] {
					served = append(served, c.Task)
				} else {
					passed = passed || len(queued) > len(served)
				}
				inQueue[i] = false
				w.exclusive(t, c)
				w.spin.Unlock(c)
			}
		})
		if !slices.Equal(queued, served) {
			t.Fatalf("seed %d: queued %v, served %v", seed, queued, served)
		}
	}
	if !passed {
		t.Error("nobody ever passed the queue")
	}
}

// A qrwlock serves in order of arrival: a writer after all readers before it
// and before all behind it, while neighbouring readers come in together.
func TestQRWLockIsFair(t *testing.T) {
	const script = "WRRWRWWRRR" // task 0 holds while the others arrive
	for seed := range uint64(seeds) {
		z := newZoo(len(script))
		var order []int
		together := false
		z.run(t, len(script), seed, func(c *sim.CPU, i int) {
			if i > 0 {
				c.Think(sim.Time(i) * 2 * sim.Microsecond)
			}
			if script[i] == 'W' {
				z.rw.WriteLock(c)
				order = append(order, i)
				z.exclusive(t, c)
				if i == 0 {
					c.Think(60 * sim.Microsecond)
				}
				z.rw.WriteUnlock(c)
				return
			}
			z.rw.ReadLock(c)
			order = append(order, i)
			together = together || c.Load(z.readers) > 0
			z.shared(t, c)
			z.rw.ReadUnlock(c)
		})
		for k, i := range order {
			if script[i] == 'W' && i != k {
				t.Errorf("seed %d: writer %d came in at place %d: %v", seed, i, k, order)
			}
		}
		if v := z.word("rw.cnts"); v != 0 || z.word("rw.wait_lock") != 0 {
			t.Errorf("seed %d: not idle afterwards: %#x", seed, v)
		}
	}
}

// A reader in an interrupt comes in past a waiting writer: it may have
// interrupted a reader that the writer waits for.
func TestQRWLockReaderInInterrupt(t *testing.T) {
	passed := false
	for seed := range uint64(seeds) {
		z := newZoo(2)
		z.run(t, 2, seed, func(c *sim.CPU, i int) {
			if i == 1 {
				irq := c.IRQSave()
				z.rw.WriteLock(c)
				z.exclusive(t, c)
				z.rw.WriteUnlock(c)
				c.IRQRestore(irq)
				return
			}
			for range rounds {
				z.rw.ReadLock(c)
				c.SendIPI(0, func(c *sim.CPU) {
					passed = passed || z.word("rw.cnts")&0x1ff == 0x100
					z.rw.ReadLock(c)
					z.shared(t, c)
					z.rw.ReadUnlock(c)
				})
				c.Think(c.Now() + 200*sim.Nanosecond)
				z.rw.ReadUnlock(c)
			}
		})
	}
	if !passed {
		t.Error("no interrupt came while a writer waited")
	}
}
