package cores

import (
	"testing"

	"mmsim/sim"
)

var whyTest = sim.NewWaitReason("test-park")

// TestUnparkFirst: an Unpark that comes before the Park is remembered, once.
func TestUnparkFirst(t *testing.T) {
	var first, second sim.Time
	sleeper := func(c *sim.CPU) {
		c.Compute(20_000)
		start := c.Now()
		park(c, whyTest)
		first = c.Now() - start
		start = c.Now()
		park(c, whyTest)
		second = c.Now() - start
	}
	waker := func(c *sim.CPU) {
		unpark(c, 0)
		unpark(c, 0)
		c.Compute(60_000)
		unpark(c, 0)
	}
	r := mustRun(t, testMachine(1, 2, 1), onCPUs(sim.NewMemory(), sleeper, waker))
	if first > cyc(500) {
		t.Errorf("the first Park slept %v although the Unpark had come", first)
	}
	if second < cyc(30_000) {
		t.Errorf("the second Park slept only %v: two early Unparks were both remembered", second)
	}
	if got := r.Tasks[0].Sleeping[whyTest]; got > second || got < second/2 {
		t.Errorf("%v on account of a sleep of %v", got, second)
	}
}

// TestNoLostWakeup runs the kernel's sleep protocol: the sleeper announces
// itself, checks the condition and parks; the waker sets the condition and
// then looks for a sleeper. At every distance of the two, the sleeper wakes.
func TestNoLostWakeup(t *testing.T) {
	const rounds = 150
	for o := X86TSO; o <= RISCV; o++ {
		for _, cpus := range [][2]int{{0, 1}, {0, 2}, {0, 4}} { // neighbours, sockets, SMT siblings
			m := classMachine(o, 2, 2, 2)
			cond, asleep, answer := word(0x20000), word(0x20040), word(0x20080)
			sleeper := func(c *sim.CPU) {
				for i := uint64(1); i <= rounds; i++ {
					for {
						c.StoreMB(asleep, 1)
						if c.Load(cond) >= i {
							break
						}
						park(c, whyTest)
					}
					c.Store(asleep, 0)
					c.StoreRelease(answer, i)
				}
			}
			waker := func(c *sim.CPU) {
				for i := uint64(1); i <= rounds; i++ {
					c.SpinUntil(sim.Never, sim.Cond{Ref: answer, Arg: i - 1, Order: sim.Acquire})
					r := sim.NewRand(1, uint64(o), i)
					c.Compute(sim.Cycles(r.Below(4000)))
					c.Store(cond, i)
					c.SmpMB()
					if c.Load(asleep) == 1 {
						unpark(c, cpus[0])
					}
				}
			}
			p := onCPUs(sim.NewMemory(), sleeper, waker)
			p.Threads[0].CPU, p.Threads[1].CPU = cpus[0], cpus[1]
			r := mustRun(t, m, p)
			if r.CPUs[0].Metrics[Switches] < rounds/4 {
				t.Errorf("%s on CPUs %v: only %d switches in %d rounds: it hardly slept", classNames[o], cpus, r.CPUs[0].Metrics[Switches], rounds)
			}
		}
	}
}
