package cores

import (
	"testing"

	"mmsim/sim"
)

// cyc is the length of n cycles on the test machine.
func cyc(n sim.Cycles) sim.Time { return sim.Time(n) * testMachine(1, 1, 1).Clock[0].Clock.Period() }

// TestIPISplitsDelay: an IPI that arrives within a compute delay is taken at
// once, and the delay goes on for what was left.
func TestIPISplitsDelay(t *testing.T) {
	m := testMachine(1, 2, 1)
	var sent, taken, resumed sim.Time
	sender := func(c *sim.CPU) {
		c.Compute(2000)
		c.SendIPI(1, func(c *sim.CPU) {
			taken = c.Now()
			c.Compute(300)
		})
		sent = c.Now()
	}
	worker := func(c *sim.CPU) {
		c.Compute(10_000)
		resumed = c.Now()
	}
	r := mustRun(t, m, onCPUs(sim.NewMemory(), sender, worker))
	if want := sent + m.OS.IPIDelivery + cyc(m.OS.IRQEntryExit); taken != want {
		t.Errorf("sent at %v, handled at %v, want %v", sent, taken, want)
	}
	if want := cyc(10_000 + 300 + m.OS.IRQEntryExit); resumed != want {
		t.Errorf("a delay of 10000 cycles with an interrupt ended at %v, want %v", resumed, want)
	}
	if got := spent(r, 1, Compute); got != cyc(10_000) {
		t.Errorf("%v were computed, want %v", got, cyc(10_000))
	}
	if got, want := spent(r, 1, Interrupt), cyc(300+m.OS.IRQEntryExit); got != want || r.Tasks[1].IRQ != want {
		t.Errorf("%v went to the interrupt, %v by the task's account, want %v", got, r.Tasks[1].IRQ, want)
	}
	if r.CPUs[1].Metrics[IPIsReceived] != 1 || r.CPUs[0].Metrics[IPIsSent] != 1 {
		t.Errorf("%d IPIs sent, %d received", r.CPUs[0].Metrics[IPIsSent], r.CPUs[1].Metrics[IPIsReceived])
	}
}

// TestSimultaneousIPIs: IPIs from several CPUs that arrive in the same instant
// neither shorten what they interrupt nor end a sleep.
func TestSimultaneousIPIs(t *testing.T) {
	const senders = 3
	why := sim.NewWaitReason("test-simultaneous")
	for _, parks := range []bool{false, true} {
		handled := 0
		var resumed sim.Time
		var bodies []func(c *sim.CPU)
		for range senders {
			bodies = append(bodies, func(c *sim.CPU) {
				c.Compute(100)
				c.SendIPI(senders, func(c *sim.CPU) { handled++ })
			})
		}
		bodies = append(bodies, func(c *sim.CPU) {
			if parks {
				park(c, why)
			} else {
				c.Compute(50_000)
			}
			resumed = c.Now()
		})
		bodies = append(bodies, func(c *sim.CPU) {
			c.Compute(40_000)
			if parks {
				unpark(c, senders)
			}
		})
		m := testMachine(1, senders+2, 1)
		r := mustRun(t, m, onCPUs(sim.NewMemory(), bodies...))
		if handled != senders {
			t.Errorf("parked %v: %d IPIs handled, want %d", parks, handled, senders)
		}
		if parks {
			if resumed < cyc(40_000) {
				t.Errorf("the sleeper woke at %v, before anybody woke it", resumed)
			}
			if s := r.Tasks[senders].Sleeping[why]; s < cyc(40_000)-cyc(m.OS.ContextSwitch) {
				t.Errorf("%v on account of the sleep", s)
			}
		} else if want := cyc(50_000) + senders*cyc(m.OS.IRQEntryExit); resumed != want {
			t.Errorf("the delay ended at %v, want %v", resumed, want)
		}
	}
}

// TestIRQOff: an interrupt that arrives with interrupts off is taken when they
// are switched on, and never inside.
func TestIRQOff(t *testing.T) {
	m := testMachine(1, 2, 1)
	inside := false
	var handled, on sim.Time
	sender := func(c *sim.CPU) {
		c.SendIPI(1, func(c *sim.CPU) {
			if inside {
				t.Error("an interrupt was taken with interrupts off")
			}
			handled = c.Now()
			if c.IRQSave() {
				t.Error("a handler runs with interrupts on")
			}
			c.IRQEnable()
		})
	}
	worker := func(c *sim.CPU) {
		c.IRQDisable()
		inside = true
		c.Compute(20_000)
		c.SpinUntil(c.Now()+10*sim.Microsecond, sim.Cond{Ref: word(0x20000), Arg: 1})
		inside = false
		on = c.Now()
		c.IRQEnable()
		if handled == 0 {
			t.Error("the interrupt was not taken at local_irq_enable")
		}
	}
	mustRun(t, m, onCPUs(sim.NewMemory(), sender, worker))
	if handled < on || handled > on+cyc(m.OS.IRQEntryExit+10) {
		t.Errorf("interrupts came on at %v, the pending one was taken at %v", on, handled)
	}
}

// TestTimers: a timer that re-arms itself ticks at its period, while its CPU
// computes, spins, sleeps and has returned.
func TestTimers(t *testing.T) {
	const period = 10 * sim.Microsecond
	why := sim.NewWaitReason("test-timer")
	m := testMachine(1, 2, 1)
	var ticks []sim.Time
	var tick sim.Handler
	tick = func(c *sim.CPU) {
		ticks = append(ticks, c.Now())
		if len(ticks) < 40 {
			c.SetTimer(period, tick)
		}
	}
	flag := word(0x20000)
	body := func(c *sim.CPU) {
		c.SetTimer(period, tick)
		c.Compute(200_000)
		c.SpinUntil(sim.Never, sim.Cond{Ref: flag, Arg: 1})
		park(c, why)
	}
	helper := func(c *sim.CPU) {
		c.Compute(500_000)
		c.Store(flag, 1)
		c.Compute(300_000)
		unpark(c, 0)
		c.Think(500 * sim.Microsecond)
	}
	r := mustRun(t, m, onCPUs(sim.NewMemory(), body, helper))
	if len(ticks) != 40 || r.CPUs[0].Metrics[TimerTicks] != 40 {
		t.Fatalf("%d ticks, %d counted, want 40", len(ticks), r.CPUs[0].Metrics[TimerTicks])
	}
	for i := 1; i < len(ticks); i++ {
		if d := ticks[i] - ticks[i-1]; d < period || d > period+cyc(m.OS.IRQEntryExit+m.OS.ContextSwitch)+m.OS.IdleExit {
			t.Errorf("tick %d came %v after the one before", i, d)
		}
	}
}

// TestSpinInterrupted: a handler that writes what its own CPU spins on ends
// the spin, and one that spins itself leaves the interrupted spin intact, at
// every distance between the interrupts and the other CPU's writes.
func TestSpinInterrupted(t *testing.T) {
	a, b := word(0x20000), word(0x20040)
	for delay := range sim.Cycles(40) {
		body := func(c *sim.CPU) {
			c.SetTimer(sim.Microsecond, func(c *sim.CPU) { c.SpinUntil(sim.Never, sim.Cond{Ref: b, Arg: 1}) })
			c.SpinUntil(sim.Never, sim.Cond{Ref: a, Arg: 1})
			c.SetTimer(sim.Microsecond, func(c *sim.CPU) { c.Store(a, 2) })
			c.SpinUntil(sim.Never, sim.Cond{Ref: a, Arg: 2}, sim.Cond{Ref: b, Arg: 3})
		}
		other := func(c *sim.CPU) {
			c.Compute(2300 + 37*delay)
			c.Store(b, 1)
			c.Compute(2500)
			c.Store(a, 1)
		}
		mustRun(t, testMachine(1, 2, 1), onCPUs(sim.NewMemory(), body, other))
	}
}

// TestBoot runs once per CPU, in interrupt context, before anything else.
func TestBoot(t *testing.T) {
	var booted [3]int
	p := onCPUs(sim.NewMemory(), repeat(3, 1, func(c *sim.CPU) {
		if booted[c.ID()] != 1 {
			t.Errorf("CPU %d runs its thread after %d boots", c.ID(), booted[c.ID()])
		}
	})...)
	p.Hooks.Boot = func(c *sim.CPU) {
		booted[c.ID()]++
		if !c.InIRQ {
			t.Error("boot is not in interrupt context")
		}
	}
	mustRun(t, testMachine(1, 3, 1), p)
}
