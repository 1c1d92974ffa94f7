package cores

import (
	"context"
	"errors"
	"strings"
	"testing"

	"mmsim/sim"
)

var (
	stepTake = sim.NewStep("test-take-lock")
	whyQueue = sim.NewWaitReason("test-queue")
)

// runStalled runs a program that must be stopped, and returns why.
func runStalled(t *testing.T, p *Program, o Options) *StallError {
	t.Helper()
	_, err := Run(testMachine(1, 4, 1), p, o)
	var stall *StallError
	if !errors.As(err, &stall) {
		t.Fatalf("the run ended with %v, want a StallError", err)
	}
	return stall
}

func namedThreads(p *Program, names ...string) *Program {
	for i, n := range names {
		p.Threads[i].Name, p.Threads[i].Path = n, "path-of-"+n
	}
	return p
}

// TestDeadlock: two threads take two locks in opposite order while a third
// sleeps for ever. The error says for each where it is and what it waits for.
func TestDeadlock(t *testing.T) {
	pair := sim.NewLayout("lock_pair", 128, 64, sim.F("first", 0, 8), sim.F("second", 64, 8))
	base := sim.At(0x20000)
	take := func(a, b string) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			c.OpBegin()
			c.Step(stepTake)
			for _, f := range []string{a, b} {
				for c.Xchg(base.F(pair.Field(f)), 1, sim.Acquire) != 0 {
					c.SpinWhile(base.F(pair.Field(f)), ^uint64(0), 1)
				}
				c.Compute(5000)
			}
			c.OpEnd()
		}
	}
	p := namedThreads(onCPUs(sim.NewMemory(), take("first", "second"), take("second", "first"),
		func(c *sim.CPU) { c.OpBegin(); park(c, whyQueue) }), "left[0]", "right[0]", "sleeper[0]")
	p.Syms.AddObject(base.A, pair, "")
	stall := runStalled(t, p, Options{Seed: 1, Duration: sim.Millisecond})
	msg := stall.Error()
	for _, want := range []string{
		"deadlock: every thread waits",
		"left[0] on CPU 0: path path-of-left[0], step test-take-lock, spinning on lock_pair.second",
		"right[0] on CPU 1: path path-of-right[0], step test-take-lock, spinning on lock_pair.first",
		"sleeper[0] on CPU 2: path path-of-sleeper[0], step user, sleeping: test-queue",
	} {
		if !strings.Contains(msg, want) {
			t.Errorf("the error does not say %q:\n%s", want, msg)
		}
	}
	if stall.At == 0 || stall.At >= sim.Millisecond {
		t.Errorf("noticed at %v of 1ms", stall.At)
	}
}

// TestLivelock: threads that run for ever without finishing anything are
// stopped, and so is a run in which one thread is left behind while others go
// on.
func TestLivelock(t *testing.T) {
	w := word(0x20000)
	busy := func(c *sim.CPU) {
		c.OpBegin()
		for {
			c.FetchAdd(w, 1, sim.Full)
		}
	}
	msg := runStalled(t, namedThreads(onCPUs(sim.NewMemory(), busy, busy), "a", "b"), Options{Seed: 1, Duration: 2 * sim.Millisecond}).Error()
	if !strings.Contains(msg, "no thread finished an operation") || !strings.Contains(msg, "a on CPU 0") {
		t.Errorf("livelock: %s", msg)
	}

	working := func(c *sim.CPU) {
		for {
			c.OpBegin()
			c.Compute(100)
			c.OpEnd()
		}
	}
	msg = runStalled(t, namedThreads(onCPUs(sim.NewMemory(), busy, working), "starved", "working"),
		Options{Seed: 1, Duration: sim.Millisecond, TaskStall: 100 * sim.Microsecond}).Error()
	if !strings.Contains(msg, "starved has been in one operation for more than 100us") {
		t.Errorf("one thread left behind: %s", msg)
	}
}

// TestThinkingIsNoStall: threads in think time are waited for.
func TestThinkingIsNoStall(t *testing.T) {
	body := func(c *sim.CPU) {
		for i := sim.Time(1); ; i++ {
			c.Think(i * 200 * sim.Microsecond)
			c.OpBegin()
			c.Compute(10)
			c.OpEnd()
		}
	}
	r, err := Run(testMachine(1, 1, 1), onCPUs(sim.NewMemory(), body), Options{Seed: 1, Duration: sim.Millisecond, NoProgress: 50 * sim.Microsecond})
	if err != nil || r.Tasks[0].Ops != 4 {
		t.Errorf("ended with %v", err)
	}
}

// TestFaultNamesThread: a fault of simulated code comes back as an error with
// the state of all threads, not as a panic.
func TestFaultNamesThread(t *testing.T) {
	p := namedThreads(onCPUs(sim.NewMemory(), func(c *sim.CPU) {
		c.Step(stepTake)
		c.Load(sim.At(0).Ref(16, 8))
	}), "reader[3]")
	msg := runStalled(t, p, Options{Seed: 1, Duration: sim.Millisecond}).Error()
	if !strings.Contains(msg, "null pointer dereference") || !strings.Contains(msg, "reader[3] on CPU 0") || !strings.Contains(msg, "step test-take-lock") {
		t.Errorf("fault: %s", msg)
	}
}

func TestBadPrograms(t *testing.T) {
	body := func(*sim.CPU) {}
	p := onCPUs(sim.NewMemory(), body, body)
	p.Threads[1].CPU = 0
	if _, err := Run(testMachine(1, 2, 1), p, Options{Duration: 1}); err == nil || !strings.Contains(err.Error(), "CPU 0 is taken") {
		t.Errorf("two threads on one CPU: %v", err)
	}
	p.Threads[1].CPU = 7
	if _, err := Run(testMachine(1, 2, 1), p, Options{Duration: 1}); err == nil || !strings.Contains(err.Error(), "CPU 7") {
		t.Errorf("a CPU that does not exist: %v", err)
	}
}

// TestCancel: a cancelled context ends the run with its error.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	body := func(c *sim.CPU) {
		for {
			c.OpBegin()
			c.FetchAdd(word(0x20000), 1, sim.Full)
			c.OpEnd()
			if n++; n == 3000 {
				cancel()
			}
		}
	}
	_, err := Run(testMachine(1, 2, 1), onCPUs(sim.NewMemory(), body, body), Options{Seed: 1, Duration: sim.Second, Context: ctx})
	if !errors.Is(err, context.Canceled) || n > 30_000 {
		t.Errorf("after %d operations: %v", n, err)
	}
}
