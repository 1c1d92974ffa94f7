package uprobes

import (
	"fmt"
	"testing"

	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// eachRet runs f for every kind of return probe.
func eachRet(t *testing.T, f func(t *testing.T, r Ret)) {
	for r := range Rets() {
		t.Run(Ret(r).String(), func(t *testing.T) { f(t, Ret(r)) })
	}
}

// TestReturnsUnderTimeout is U10, U11 and U12 of section 11: threads call a
// function with return probes and stay in it, so that leases time out, while a
// further consumer comes and goes and the probe's last one leaves.
func TestReturnsUnderTimeout(t *testing.T) {
	eachRet(t, func(t *testing.T, r Ret) {
		for seed := range uint64(6) {
			w := newEra(t, "6.13", 4, func(p *ProcessConfig) {
				p.Choices.Ret, p.Returns, p.RITimer = r, true, 9*sim.Microsecond
				p.Breakpoints, p.Poison, p.Consumers = true, true, 0
			})
			m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
			m.Kernel(w.base.Hooks())
			done := false
			for i := range 3 {
				m.Go("caller", i, func(c *sim.CPU) {
					rng := sim.NewRand(seed, uint64(i), 0)
					c = heldUp(m, c, seed, w.syms, "hprobe", "return_instances")
					for !done {
						if err := nest(c, w, &rng, 3); err != nil {
							t.Errorf("seed %d: %v", seed, err)
						}
					}
				})
			}
			m.Go("registrar", 3, func(c *sim.CPU) {
				for range 4 {
					w.RegisterUnregister(c, 0)
				}
				done = true
			})
			simtest.Run(t, m)
			checkReturns(t, w, seed)
		}
	})
}

// nest calls the probed function from itself up to a depth, with a pause in it.
func nest(c *sim.CPU, w *world, rng *sim.Rand, depth int) error {
	t := w.Uprobes.User(c, w.MM)
	bottom := t.SP
	n := 1 + int(rng.Below(uint64(depth)))
	for i := range n {
		t.Call(c, w.Probes[0].Addr, uint64(0x1000+i))
	}
	c.Think(c.Now() + rng.TimeBelow(40*sim.Microsecond))
	if rng.Below(4) == 0 { // longjmp: all frames are gone
		return nil
	}
	for i := n - 1; i >= 0; i-- {
		t.Ret(c)
		if t.IP != uint64(0x1000+i) {
			return fmt.Errorf("call %d of %d returned to %#x", i, n, t.IP)
		}
	}
	if t.SP != bottom {
		return fmt.Errorf("stack pointer %#x, want %#x", t.SP, bottom)
	}
	return nil
}

// checkReturns: every lease that is not pending was unlocked once, and no count
// is off.
func checkReturns(t *testing.T, w *world, seed uint64) {
	u, pending := w.Uprobes, int64(0)
	for i := range w.base.Sched.Tasks() {
		utask := w.c.LoadPtr(w.base.Sched.Task(sim.TaskID(i)).F(sched.TaskUtask))
		depth := int64(0)
		for ri := w.c.LoadPtr(utask.F(u.f.returnInstances)); !ri.IsNull(); ri = w.c.LoadPtr(ri.F(riNext)) {
			depth++
			if w.c.Load(ri.F(riState)) == hprobeLeased {
				pending++
			}
		}
		if n := int64(w.c.Load(utask.F(u.f.depth))); n != depth {
			t.Errorf("seed %d: task %d has depth %d and %d instances", seed, i, n, depth)
		}
	}
	if !u.k.Ret.leased() {
		return
	}
	if n := u.uretSRCU.Readers(w.c); n != pending {
		t.Errorf("seed %d: %d SRCU sections open, %d leases", seed, n, pending)
	}
}

// TestLeaseBecomesReference: after the time-out a pending return has a reference
// instead of its lease; where the probe has gone, nothing.
func TestLeaseBecomesReference(t *testing.T) {
	w := newEra(t, "6.14", 1, func(p *ProcessConfig) {
		p.Returns, p.RITimer, p.Breakpoints = true, 30*sim.Microsecond, true
	})
	u := w.Uprobes
	state := func(c *sim.CPU) uint64 {
		utask := c.LoadPtr(u.b.Sched.Current(c).F(sched.TaskUtask))
		return c.Load(c.LoadPtr(utask.F(u.f.returnInstances)).F(riState))
	}
	m := simtest.New(w.mem, simtest.Options{Seed: 2})
	m.Kernel(w.base.Hooks())
	m.Go("caller", 0, func(c *sim.CPU) {
		t0 := u.User(c, w.MM)
		t0.Call(c, w.Probes[0].Addr, 0x1000)
		refs := u.ref(w.Probes[0].Uprobe).Read(c)
		if state(c) != hprobeLeased {
			t.Error("no lease at the entry")
		}
		c.Think(c.Now() + 60*sim.Microsecond)
		if s, n := state(c), u.ref(w.Probes[0].Uprobe).Read(c); s != hprobeStable || n != refs+1 {
			t.Errorf("after the time-out: state %d, %d references, want %d", s, n, refs+1)
		}
		t0.Ret(c)
		if n := u.ref(w.Probes[0].Uprobe).Read(c); n != refs || t0.IP != 0x1000 {
			t.Errorf("after the return: %d references, want %d; at %#x", n, refs, t0.IP)
		}
	})
	simtest.Run(t, m)
	if n := w.Uprobes.Hits(w.c); n != 2 {
		t.Errorf("%d handler runs, want one at the entry and one at the return", n)
	}
}

// TestExpireAgainstReturn is U10 and U11 at their narrowest: the time-out looks at
// the returns of a thread that returns right now, and enters again with another
// probe.
func TestExpireAgainstReturn(t *testing.T) {
	for _, r := range []Ret{RetLease, RetLeasePooled} {
		for seed := range uint64(60) {
			w := newEra(t, "6.14", 2, func(p *ProcessConfig) { p.Choices.Ret, p.Returns, p.Probes, p.Poison = r, true, 2, true })
			u := w.Uprobes
			var refs [2]uint64
			for i := range refs {
				refs[i] = u.ref(w.Probes[i].Uprobe).Read(w.c)
			}
			m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
			m.Kernel(w.base.Hooks())
			done := false
			m.Go("caller", 0, func(c *sim.CPU) {
				for i := range 12 {
					if err := w.Call(c, i%2); err != nil {
						t.Error(err)
					}
				}
				done = true
			})
			m.Go("timer", 1, func(c *sim.CPU) {
				c = heldUp(m, c, seed, w.syms, "hprobe")
				timer := c.LoadPtr(u.b.Sched.Task(0).F(sched.TaskUtask)).Add(offRITimer)
				for !done {
					u.riTimer(c, timer)
				}
			})
			simtest.Run(t, m)
			for i, want := range refs {
				if n := u.ref(w.Probes[i].Uprobe).Read(w.c); n != want {
					t.Errorf("%v, seed %d: probe %d has %d references, want %d", r, seed, i, n, want)
				}
			}
			if n := u.uretSRCU.Readers(w.c); n != 0 {
				t.Errorf("%v, seed %d: %d SRCU sections open", r, seed, n)
			}
		}
	}
}

// TestDepthLimit: the 65th nested call is not probed, and returns all the same.
func TestDepthLimit(t *testing.T) {
	w := newEra(t, "6.14", 1, func(p *ProcessConfig) { p.Returns = true })
	m := simtest.New(w.mem, simtest.Options{})
	m.Go("caller", 0, func(c *sim.CPU) {
		user := w.Uprobes.User(c, w.MM)
		for i := range 70 {
			user.Call(c, w.Probes[0].Addr, uint64(0x1000+i))
		}
		for i := 69; i >= 0; i-- {
			if user.Ret(c); user.IP != uint64(0x1000+i) {
				t.Fatalf("call %d returned to %#x", i, user.IP)
			}
		}
	})
	simtest.Run(t, m)
	if n := w.Uprobes.Hits(w.c); n != 70+maxRetDepth {
		t.Errorf("%d handler runs, want %d entries and %d returns", n, 70, maxRetDepth)
	}
}
