package uprobes

import (
	"testing"

	"mmsim/kernel/mm"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// reloadWorld is a process whose only library comes and goes under its threads.
func reloadWorld(t *testing.T, k Choices, tasks int, returns bool) *world {
	return newEra(t, "6.13", tasks, func(p *ProcessConfig) {
		p.Choices, p.Breakpoints, p.Reloads, p.Poison, p.Returns = k, true, true, true, returns
	})
}

// runReloads has two threads run the probe, by hits or by calls, while a third
// one reloads its library. It returns the run, and how many handlers ran.
func runReloads(t *testing.T, w *world, seed uint64, run func(c *sim.CPU) error) (m *simtest.Machine, handled int) {
	t.Helper()
	u := w.Uprobes
	u.onHandler = func(c *sim.CPU, uc, p sim.Ptr) {
		handled++
		if p.A != w.Probes[0].Uprobe.A {
			t.Errorf("seed %d: a handler ran for uprobe %#x", seed, uint64(p.A))
		}
	}
	m = simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
	m.Kernel(w.base.Hooks())
	left := 1
	for i := range 2 {
		m.Go("hitter", i, func(c *sim.CPU) {
			c = heldUp(m, c, seed, w.syms, "vm_", "pte", "prev")
			for left > 0 {
				if err := run(c); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	m.Go("writer", 2, func(c *sim.CPU) {
		for range 8 {
			must(t, w.Reload(c, 0))
			c.Think(c.Now() + 2*sim.Microsecond)
		}
		left--
	})
	simtest.Run(t, m)
	if op := u.opcodeAt(w.c, w.MM, w.Probes[0].Addr); op != opcodeInt3 {
		t.Errorf("seed %d: the text has %#x in the end, not the breakpoint", seed, op)
	}
	return m, handled
}

// TestReloadWhileHit is U1, U2 and U8 of section 11 with a library that goes away
// and comes back under the hits of two threads: a trap that outlives its mapping
// runs the instruction again, what a handler sees is the right uprobe, and every
// run of the instruction is a hit unless the library came back just then: mmap
// maps the file's page before the breakpoint is in it.
func TestReloadWhileHit(t *testing.T) {
	for _, i := range mm.Designs() {
		t.Run(i.Name, func(t *testing.T) {
			for seed := range uint64(4) {
				w := reloadWorld(t, WithLookup(i.Design), 3, false)
				_, handled := runReloads(t, w, seed, func(c *sim.CPU) error {
					b := &w.Probes[0]
					seen := w.awaitLoaded(c, b)
					hit, err := w.Run(c, 0)
					if err == nil && !hit && w.unloads(c, b) == seen {
						t.Errorf("seed %d: the instruction ran without its breakpoint", seed)
					}
					return err
				})
				if handled == 0 {
					t.Error("no handler ran")
				}
			}
		})
	}
	eachKeeper(t, func(t *testing.T, k Choices) {
		w := reloadWorld(t, k, 3, false)
		runReloads(t, w, 100, func(c *sim.CPU) error {
			_, err := w.Run(c, 0)
			return err
		})
	})
}

// TestReloadWhileCalled: a call whose function is unloaded while its return is
// pending comes back all the same, and is handled.
func TestReloadWhileCalled(t *testing.T) {
	for _, era := range []string{"6.8", "6.13", "6.14"} {
		e, err := ParseEra(era)
		must(t, err)
		for seed := range uint64(4) {
			w := reloadWorld(t, e.Choices, 3, true)
			_, handled := runReloads(t, w, seed, func(c *sim.CPU) error { return w.Call(c, 0) })
			if handled == 0 || handled%2 != 0 {
				t.Errorf("%s: %d handlers ran, want one at each entry and one at each return", era, handled)
			}
		}
	}
}

// TestUnloadedForGood: without anybody to load it again the thread is killed.
func TestUnloadedForGood(t *testing.T) {
	w := reloadWorld(t, WithLookup(mm.MMSeqcount), 1, false)
	w.alone(t, func(c *sim.CPU) {
		b := &w.Probes[0]
		must(t, w.MM.Munmap(c, b.Start, b.End-b.Start))
		if _, err := w.Run(c, 0); err == nil || err.Error()[:16] != "uprobes: SIGSEGV" {
			t.Errorf("the thread got %v, want SIGSEGV", err)
		}
	})
}

// TestBothKinds: probes with return handlers and without in one process.
func TestBothKinds(t *testing.T) {
	w := newEra(t, "6.14", 1, func(p *ProcessConfig) { p.Returns, p.Probes, p.EntryProbes = true, 2, 1 })
	handled := map[sim.Addr]int{}
	w.Uprobes.onHandler = func(_ *sim.CPU, _, p sim.Ptr) { handled[p.A]++ }
	w.alone(t, func(c *sim.CPU) {
		must(t, w.Hit(c, 0))
		must(t, w.Call(c, 1))
		must(t, w.Hit(c, 0))
	})
	if a, b := handled[w.Probes[0].Uprobe.A], handled[w.Probes[1].Uprobe.A]; a != 2 || b != 2 {
		t.Errorf("handlers ran %d and %d times, want 2 and 2", a, b)
	}
}
