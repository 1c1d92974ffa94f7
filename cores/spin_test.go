package cores

import (
	"testing"

	"mmsim/sim"
)

// TestSpinConditions: a spin-wait on several conditions returns the index of
// the one that came to hold, whichever that is.
func TestSpinConditions(t *testing.T) {
	for which := range 3 {
		got := -2
		spinner := func(c *sim.CPU) {
			got = c.SpinUntil(sim.Never,
				sim.Cond{Ref: word(0x20000), Test: sim.Ne},
				sim.Cond{Ref: word(0x20040), Mask: 0xf0, Arg: 0x30},
				sim.Cond{Ref: word(0x20048), Arg: 5}) // on the same line
		}
		writer := func(c *sim.CPU) {
			c.Compute(3000)
			c.Store(word(0x20040), 0x43) // holds for none
			c.Compute(3000)
			switch which {
			case 0:
				c.Store(word(0x20000), 1)
			case 1:
				c.Store(word(0x20040), 0x35)
			case 2:
				c.Store(word(0x20048), 5)
			}
		}
		r := mustRun(t, testMachine(2, 1, 1), onCPUs(sim.NewMemory(), spinner, writer))
		if got != which {
			t.Errorf("condition %d held, the spin-wait returned %d", which, got)
		}
		if w := r.CPUs[0].Metrics[SpinWakeups]; w != 2 {
			t.Errorf("condition %d: woken %d times by two writes", which, w)
		}
	}
}

// TestSpinDeadline: without a condition that holds, the spin-wait ends at its
// deadline, also where the line is lost again and again.
func TestSpinDeadline(t *testing.T) {
	m := testMachine(1, 2, 1)
	for _, busy := range []bool{false, true} {
		deadline := 20 * sim.Microsecond
		spinner := func(c *sim.CPU) {
			if i := c.SpinUntil(deadline, sim.Cond{Ref: word(0x20000), Arg: 7}); i != -1 {
				t.Errorf("condition %d held", i)
			}
			if late := c.Now() - deadline; late < 0 || late > cyc(m.PauseLength)+200*sim.Nanosecond {
				t.Errorf("busy %v: the spin-wait ended %v after its deadline", busy, late)
			}
			if i := c.SpinUntil(deadline, sim.Cond{Ref: word(0x20000), Arg: 7}); i != -1 {
				t.Errorf("a deadline in the past waits for condition %d", i)
			}
			if i := c.SpinUntil(deadline, sim.Cond{Ref: word(0x20000), Test: sim.Ne, Arg: 7}); i != 0 {
				t.Errorf("a condition that holds loses against a deadline in the past: %d", i)
			}
		}
		writer := func(c *sim.CPU) {
			for busy && c.Now() < 2*deadline {
				c.FetchAdd(word(0x20008), 1, sim.Relaxed)
				c.Compute(200)
			}
		}
		mustRun(t, m, onCPUs(sim.NewMemory(), spinner, writer))
	}
}

// TestSpinSurvivesEviction: a watched line that leaves the caches for lack of
// room (an SMT sibling's misses, or an inclusive LLC that evicts) does not
// strand the spinner.
func TestSpinSurvivesEviction(t *testing.T) {
	stream := func(done *bool) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			for i := uint64(0); !*done && c.Now() < sim.Millisecond; i++ {
				c.Load(sim.At(0x100000).Ref(i%64*64, 8))
			}
		}
	}
	for _, c := range []struct {
		name string
		cpu  int // of the thread that causes evictions
		kind string
	}{{"sibling", 4, "victim"}, {"inclusive-llc", 1, "inclusive"}} {
		m := testMachine(1, 4, 2)
		shrink(m, c.kind)
		done := false
		spinner := func(cpu *sim.CPU) {
			cpu.SpinUntil(sim.Never, sim.Cond{Ref: word(0x20000), Arg: 1})
			done = true
		}
		writer := func(cpu *sim.CPU) {
			cpu.Compute(50_000)
			cpu.Store(word(0x20000), 1)
		}
		p := onCPUs(sim.NewMemory(), spinner, stream(&done), writer)
		p.Threads[1].CPU = c.cpu
		r := mustRunChecked(t, m, p)
		if w := r.CPUs[0].Metrics[SpinWakeups]; w < 3 {
			t.Errorf("%s: the watched line was lost only %d times", c.name, w)
		}
	}
}

// TestSpinLineBack: while a spinner waits for the line of its second
// condition, the line of the first may be written elsewhere and come back by
// an SMT sibling's load; the spinner must not go to sleep on what it saw.
func TestSpinLineBack(t *testing.T) {
	a, b := word(0x20000), word(0x20040)
	for delay := range sim.Cycles(60) {
		ended := false
		spinner := func(c *sim.CPU) {
			c.SpinUntil(sim.Never, sim.Cond{Ref: a, Arg: 1}, sim.Cond{Ref: b, Arg: ^uint64(0)})
			ended = true
		}
		sibling := func(c *sim.CPU) {
			for !ended && c.Now() < 20*sim.Microsecond {
				c.Load(a)
				c.Compute(20)
			}
		}
		disturber := func(c *sim.CPU) {
			for range 20 {
				c.FetchAdd(b, 1, sim.Relaxed)
				c.Compute(100)
			}
		}
		writer := func(c *sim.CPU) {
			c.Load(a)
			c.Compute(1500 + 13*delay)
			c.Store(a, 1)
		}
		p := onCPUs(sim.NewMemory(), spinner, sibling, disturber, writer)
		for i, cpu := range []int{0, 4, 2, 1} { // two cores per socket
			p.Threads[i].CPU = cpu
		}
		mustRun(t, testMachine(2, 2, 2), p)
	}
}

// TestSpinCost: a spin-wait costs the machine one wake-up per hand-over and
// spinner, charged as lock spin; a core that waits for the event pays no part
// of a PAUSE.
func TestSpinCost(t *testing.T) {
	took := func(s SpinWait) (sim.Time, *Result) {
		m := testMachine(1, 2, 1)
		m.Spin, m.PauseLength = s, 2000
		var noticed sim.Time
		var written sim.Time
		r := mustRun(t, m, onCPUs(sim.NewMemory(), func(c *sim.CPU) {
			c.SpinUntil(sim.Never, sim.Cond{Ref: word(0x20000), Arg: 1})
			noticed = c.Now()
		}, func(c *sim.CPU) {
			c.Compute(10_000)
			c.Xchg(word(0x20000), 1, sim.Full)
			written = c.Now()
		}))
		return noticed - written, r
	}
	event, r := took(Event)
	if lim := 200 * sim.Nanosecond; event > lim {
		t.Errorf("waiting for the event noticed the write after %v, want below %v", event, lim)
	}
	if spin := spent(r, 0, LockSpin); spin < cyc(10_000) || spent(r, 0, MemLocal) != 0 {
		t.Errorf("%v charged as lock spin, %v as memory; all misses of a spin-wait are lock spin", spin, spent(r, 0, MemLocal))
	}
	if pause, _ := took(Pause); pause <= event {
		t.Errorf("polling noticed the write after %v, waiting for the event after %v", pause, event)
	}
}
