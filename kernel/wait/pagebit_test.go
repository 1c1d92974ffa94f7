package wait_test

import (
	"fmt"
	"testing"

	"mmsim/kernel/kmem"
	"mmsim/kernel/wait"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

type folioWorld struct {
	*world
	pages sim.Ptr
	bits  *wait.PageBits
}

func newFolioWorld(tasks, pages, unfairness int) *folioWorld {
	w := newWorld(tasks)
	return &folioWorld{w, w.Arena.Bytes(uint64(pages)*64, 64, kmem.PageLayout),
		wait.NewPageBits(w.Arena, w.queues, unfairness, why)}
}

func (w *folioWorld) folio(i int) wait.Folio { return w.bits.At(w.pages.Add(uint64(i) * 64)) }

// flags are the flags of page i after a run.
func (w *folioWorld) flags(i int) uint64 { return w.mem.Read(w.pages.Add(uint64(i)*64).A, 8) }

// The page lock excludes; nobody sleeps for ever, whether it is stolen at will,
// sometimes or never; and other bits of the word survive. With 600 pages some
// share a bucket.
func TestFolioLock(t *testing.T) {
	const dirty, rounds = 1 << 4, 6
	for _, unfairness := range []int{0, wait.DefaultUnfairness, 1 << 20} {
		for _, tasks := range []int{2, 5, 24} {
			for seed := range uint64(seeds(100 / tasks)) {
				w := newFolioWorld(tasks, 3, unfairness)
				var inside, sections [3]int
				w.mem.Write(w.pages.A, 8, dirty)
				w.run(t, tasks, seed, func(c *sim.CPU, i int) {
					for k := range rounds {
						n := (k*k + i*k) % 3
						f := w.folio(n)
						if k%3 != 0 {
							f.Lock(c)
						} else if !f.TryLock(c) {
							continue
						}
						if inside[n]++; inside[n] != 1 {
							t.Errorf("unfairness %d, seed %d: two holders", unfairness, seed)
						}
						c.Compute(1)
						sections[n]++
						inside[n]--
						f.Unlock(c)
						f.WaitBit(c, wait.Locked)
					}
				})
				for n := range sections {
					if left := w.flags(n) &^ (1 << wait.Waiters); left != 0 && (n != 0 || left != dirty) {
						t.Errorf("seed %d: flags of page %d are %#x", seed, n, left)
					}
				}
			}
		}
	}
}

// Everybody who waits for the end of writeback wakes at its end, with tasks that
// wait for the lock of the same page in the same queue.
func TestWritebackWaiters(t *testing.T) {
	const tasks = 7
	for seed := range uint64(seeds(60)) {
		w := newFolioWorld(tasks, 1, wait.DefaultUnfairness)
		f, round := w.folio(0), 0
		w.mem.Write(w.pages.A, 8, 1<<wait.Writeback)
		w.run(t, tasks, seed, func(c *sim.CPU, i int) {
			switch {
			case i == 0:
				for range 5 {
					c.Think(c.Now() + 3*sim.Microsecond)
					round++
					f.ClearAndWake(c, wait.Writeback)
					c.Think(c.Now() + 3*sim.Microsecond)
					c.SetBit(w.pages.Ref(0, 8), wait.Writeback)
				}
				round++
				f.ClearAndWake(c, wait.Writeback)
			case i < 3:
				for range 8 {
					f.Lock(c)
					c.Compute(1)
					f.Unlock(c)
				}
			default:
				for round < 6 {
					before := round
					if f.Test(c, wait.Writeback); before == round && f.Test(c, wait.Writeback) {
						f.WaitBit(c, wait.Writeback)
						if round == before {
							t.Errorf("seed %d: the wait ended before writeback did", seed)
						}
					}
					c.Compute(1)
				}
			}
		})
	}
}

// An unlock without waiters is one locked operation, and a waiter that finds the
// lock free after it announced itself takes it without sleeping.
func TestFolioUncontended(t *testing.T) {
	w := newFolioWorld(1, 1, wait.DefaultUnfairness)
	var ops []string
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		ops = append(ops, fmt.Sprintf("%s.%v size %d", o.Kind, o.Order, o.Ref.Size))
	}})
	m.Go("task", 0, func(c *sim.CPU) {
		w.folio(0).Lock(c)
		w.folio(0).Unlock(c)
	})
	simtest.Run(t, m)
	if got := fmt.Sprint(ops); got != "[or.acquire size 8 xor.release size 1]" {
		t.Errorf("lock and unlock are %s", got)
	}
}

// After as many lost races as the unfairness allows, the lock is handed to the
// waiter itself: it queues once more often than it may lose.
func TestFolioLockIsHandedOver(t *testing.T) {
	most := map[int]int{}
	for _, unfairness := range []int{0, 2, 1 << 20} {
		for seed := range uint64(seeds(100)) {
			n := queuedTimes(t, unfairness, seed)
			most[unfairness] = max(most[unfairness], n)
		}
	}
	if most[0] != 1 || most[2] != 3 || most[1<<20] <= 3 {
		t.Errorf("a waiter queued at most %v times, by unfairness", most)
	}
}

// queuedTimes is how often one Lock queues, with two others that do nothing but
// lock and unlock.
func queuedTimes(t *testing.T, unfairness int, seed uint64) (n int) {
	w := newFolioWorld(3, 1, unfairness)
	f, got := w.folio(0), false
	m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: func(o simtest.Op) {
		if o.CPU == 0 && o.Ref.A == w.pages.A && o.Kind == "or" && o.Order == sim.Relaxed {
			n++ // PG_waiters
		}
	}})
	m.Kernel(w.Hooks())
	for i := range 3 {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
			for !got {
				f.Lock(c)
				c.Compute(1)
				got = got || i == 0
				f.Unlock(c)
			}
		})
	}
	simtest.Run(t, m)
	return n
}
