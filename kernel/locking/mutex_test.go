package locking_test

import (
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

const (
	mutexWaiters = 1
	mutexHandoff = 2
	mutexPickup  = 4
	mutexFlags   = 7
)

var waitInside = sim.NewWaitReason("test-inside")

// mutexCheck watches the owner word of the zoo's mutex: from the moment that a
// waiter asks for the lock on, it is the next owner.
type mutexCheck struct {
	*zoo
	t                        *testing.T
	seed                     uint64
	prev                     uint64
	claimant                 uint64 // task that set HANDOFF
	handoffs, pickups, parks int
	osq                      int
}

func (k *mutexCheck) observe(o simtest.Op) {
	switch o.Ref.A {
	case 0:
		if o.Kind == "sleep" {
			k.parks++
		}
	case k.at.A + 192:
		k.ownerChanged(o)
	case k.at.A + 192 + 12:
		k.osq++
	}
}

func (k *mutexCheck) ownerChanged(o simtest.Op) {
	v := k.word("mutex.owner")
	was, is := k.prev&^mutexFlags, v&^mutexFlags
	if v&mutexHandoff != 0 && k.prev&mutexHandoff == 0 {
		k.handoffs++
		k.claimant = uint64(k.Sched.Task(o.Task).A)
	}
	if k.claimant != 0 && is != was {
		if is != k.claimant {
			k.t.Errorf("seed %d: owner became %#x past the waiter %#x that had asked", k.seed, v, k.claimant)
		}
		k.claimant = 0
	}
	if k.prev&mutexPickup != 0 && is != was {
		k.t.Errorf("seed %d: a lock given to %#x went to %#x", k.seed, k.prev, v)
	}
	if v&mutexPickup != 0 && k.prev&mutexPickup == 0 {
		k.pickups++
	}
	k.prev = v
}

func (k *mutexCheck) idle() {
	k.t.Helper()
	if v, q := k.word("mutex.owner"), k.word("mutex.osq"); v != 0 || q != 0 || k.word("mutex.wait_lock") != 0 {
		k.t.Errorf("seed %d: not idle afterwards: owner %#x, osq %#x", k.seed, v, q)
	}
	head := uint64(k.at.A) + 192 + 16
	if first := k.word("mutex.wait_list"); first != head {
		k.t.Errorf("seed %d: %#x is still queued", k.seed, first)
	}
}

// section is a critical section in which the holder may sleep, so that others
// cannot spin for it.
func (k *mutexCheck) section(c *sim.CPU, sleeps bool) {
	if n := c.FetchAdd(k.holders, 1, sim.Relaxed); n != 0 {
		k.t.Errorf("seed %d: %s finds %d holders inside", k.seed, c.Name, n)
	}
	c.Store(k.count, c.Load(k.count)+1)
	if sleeps {
		k.Sched.SetCurrentState(c, 2)
		k.Sched.ScheduleTimeout(c, 300*sim.Nanosecond, waitInside)
		k.Sched.SetRunning(c)
	}
	c.FetchAdd(k.holders, ^uint64(0), sim.Relaxed)
}

// Holders that sleep and holders that do not, taken in every way: no increment
// and no wake-up is lost, waiters sleep and spin, and a waiter that was passed
// over once is next.
func TestMutex(t *testing.T) {
	var sum mutexCheck
	for _, tasks := range []int{2, 3, 7, 40} {
		for seed := range uint64(60) {
			if tasks == 40 && seed == 5 {
				break
			}
			k := &mutexCheck{zoo: newZoo(tasks), t: t, seed: seed}
			taken := uint64(0)
			k.runTraced(t, tasks, seed, k.observe, func(c *sim.CPU, i int) {
				for n := range uint64(rounds) {
					r := sim.NewRand(seed, uint64(i), n)
					if r.Below(4) > 0 {
						k.mutex.Lock(c)
					} else if !k.mutex.TryLock(c) {
						continue
					}
					taken++
					k.section(c, r.Below(4) == 0)
					k.mutex.Unlock(c)
				}
			})
			k.idle()
			if n := k.mem.Read(k.count.A, 8); n != taken {
				t.Fatalf("%d tasks, seed %d: %d increments of %d", tasks, seed, n, taken)
			}
			sum.handoffs += k.handoffs
			sum.pickups += k.pickups
			sum.parks += k.parks
			sum.osq += k.osq
		}
	}
	if sum.handoffs == 0 || sum.pickups == 0 || sum.parks == 0 || sum.osq == 0 {
		t.Errorf("not exercised: %d handoffs, %d pickups, %d sleeps, %d OSQ accesses", sum.handoffs, sum.pickups, sum.parks, sum.osq)
	}
}

// A killed waiter leaves the queue, and the others still get the lock.
func TestMutexKillable(t *testing.T) {
	const tasks = 5
	gaveUp, got := 0, 0
	for seed := range uint64(100) {
		k := &mutexCheck{zoo: newZoo(tasks), t: t, seed: seed}
		k.run(t, tasks, seed, func(c *sim.CPU, i int) {
			for n := range uint64(6) {
				switch {
				case i == 0:
					k.Sched.Kill(c, k.Sched.Task(1))
					k.Sched.Kill(c, k.Sched.Task(2))
					c.Think(c.Now() + 500*sim.Nanosecond)
					continue
				case i == 1 && !k.mutex.LockKillable(c), i == 2 && !k.mutex.LockInterruptible(c):
					gaveUp++
					continue
				case i > 2:
					k.mutex.Lock(c)
				default:
					got++
				}
				k.section(c, n%2 == 0)
				k.mutex.Unlock(c)
			}
		})
		k.idle()
	}
	if gaveUp == 0 || got == 0 {
		t.Errorf("not exercised: %d waits ended by a signal, %d locks taken", gaveUp, got)
	}
}

// An owner that runs is spun for: its waiters do not sleep.
func TestMutexSpinsOnARunningOwner(t *testing.T) {
	for seed := range uint64(seeds) {
		k := &mutexCheck{zoo: newZoo(4), t: t, seed: seed}
		k.runTraced(t, 4, seed, k.observe, func(c *sim.CPU, i int) {
			for range rounds {
				k.mutex.Lock(c)
				k.section(c, false)
				k.mutex.Unlock(c)
			}
		})
		if k.parks != 0 {
			t.Errorf("seed %d: %d sleeps although no owner left its CPU", seed, k.parks)
		}
	}
}

// A waiter that is woken without cause goes back to sleep.
func TestMutexSpuriousWakeup(t *testing.T) {
	for seed := range uint64(seeds) {
		k := &mutexCheck{zoo: newZoo(2), t: t, seed: seed}
		ops := 0
		trace := func(o simtest.Op) {
			k.observe(o)
			if o.Task == 1 && !o.IRQ {
				ops++
			}
		}
		k.runTraced(t, 2, seed, trace, func(c *sim.CPU, i int) {
			if i == 1 {
				c.SpinUntil(sim.Never, sim.Cond{Ref: k.holders, Test: sim.Ne})
				k.mutex.Lock(c)
				k.mutex.Unlock(c)
				return
			}
			k.mutex.Lock(c)
			c.Store(k.holders, 1)
			for range 3 {
				k.Sched.SetCurrentState(c, 2)
				k.Sched.ScheduleTimeout(c, 20*sim.Microsecond, waitInside)
				k.Sched.SetRunning(c)
				k.Sched.WakeUp(c, k.Sched.Task(1))
			}
			k.mutex.Unlock(c)
		})
		if ops > 1000 {
			t.Errorf("seed %d: the waiter did %d operations in 60 us of waiting", seed, ops)
		}
	}
}
