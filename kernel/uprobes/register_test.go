package uprobes

import (
	"fmt"
	"testing"

	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// eachKeeper runs f for every choice of tree and lifetime, without leases, which
// would wait for grace periods of their own.
func eachKeeper(t *testing.T, f func(t *testing.T, k Choices)) {
	for tree := range Trees() {
		for life := range Lifetimes() {
			k := eras[3].Choices // 6.13
			k.Tree, k.Lifetime, k.Ret = Tree(tree), Lifetime(life), RetRefcount
			t.Run(fmt.Sprintf("%v,%v", k.Tree, k.Lifetime), func(t *testing.T) { f(t, k) })
		}
	}
}

// churn is a world whose probe comes and goes under its hits.
type churn struct {
	*world
	t    *testing.T
	live map[sim.Addr]bool // consumers that a handler may run for
	hits int
}

func newChurn(t *testing.T, tasks int, change func(*ProcessConfig)) *churn {
	w := &churn{world: newEra(t, "6.13", tasks, func(p *ProcessConfig) {
		p.Breakpoints, p.Consumers, p.Poison, p.OtherProbes = true, 0, true, 3
		change(p)
	}), t: t, live: map[sim.Addr]bool{}}
	w.Uprobes.onHandler = w.handler
	return w
}

// handler sees every run of a handler: its consumer is registered, or was until
// a moment ago, and the uprobe is what was hit.
func (w *churn) handler(c *sim.CPU, uc, p sim.Ptr) {
	w.hits++
	if !w.live[uc.A] {
		w.t.Errorf("%s: a handler ran for consumer %#x, which is unregistered for good", c.Name, uint64(uc.A))
	}
	if inode := w.mem.Read(p.F(w.Uprobes.f.inode).A, 8); inode != uint64(w.Probes[0].Inode.A) {
		w.t.Errorf("%s: the uprobe that was hit has inode %#x", c.Name, inode)
	}
}

// registerUnregister is Process.RegisterUnregister that notes what may run.
func (w *churn) registerUnregister(c *sim.CPU) {
	u, b := w.Uprobes, &w.Probes[0]
	uc := u.NewConsumer(c)
	w.live[uc.A] = true
	p := u.RegisterConsumer(c, b.Inode, probeOffset, uc)
	c.Think(c.Now() + 3*sim.Microsecond)
	u.Unregister(c, p, uc)
	u.Sync(c)
	delete(w.live, uc.A)
	u.FreeConsumer(c, uc)
}

// slowHandlers is a handle of a thread whose handlers come late, by more than an
// unregistration takes, and which is held up in walks of tree and consumers too.
func (w *churn) slowHandlers(m *simtest.Machine, c *sim.CPU, seed uint64) *sim.CPU {
	return m.Slow(c, seed, 40000, func(r sim.Ref) uint64 {
		switch w.syms.Lookup(r.A).Field {
		case "handler":
			return 3
		case "consumers[0]", "offset":
			return 40
		}
		return 1 << 40
	})
}

// settle waits until grace periods and what they free are over.
func (w *churn) settle(c *sim.CPU) {
	c.Think(c.Now() + 150*sim.Microsecond)
	w.Uprobes.RunDeferred(c)
	c.Think(c.Now() + 150*sim.Microsecond)
}

// check looks at what must be left in the end: an empty tree but for the other
// probes, and no slot, depth or reference too many.
func (w *churn) check() {
	u := w.Uprobes
	if p := u.walk(w.c, w.Probes[0].Inode, probeOffset); !p.IsNull() {
		w.t.Errorf("the tree still has the uprobe, with %d references", u.ref(p).Read(w.c))
	}
	if w.mem.Read(u.globals.F(u.f.seqcount).A, 4)&1 != 0 {
		w.t.Error("uprobes_seqcount is odd")
	}
	if op := u.opcodeAt(w.c, w.MM, w.Probes[0].Addr); op != opcodes[InsnNop] {
		w.t.Errorf("the text has %#x, not the instruction", op)
	}
	for i := range w.base.Sched.Tasks() {
		utask := w.c.LoadPtr(w.base.Sched.Task(sim.TaskID(i)).F(sched.TaskUtask))
		if n := w.c.Load(utask.F(u.f.depth)); n != 0 {
			w.t.Errorf("task %d has %d pending returns", i, n)
		}
	}
}

// TestRegisterWhileHit is U5, U6, U7, U8 and U10 of section 11 for every tree
// and lifetime: uprobes come and go under the hits of two threads.
func TestRegisterWhileHit(t *testing.T) {
	eachKeeper(t, func(t *testing.T, k Choices) {
		seed := 4*uint64(k.Tree) + uint64(k.Lifetime) // another schedule for each
		w := newChurn(t, 4, func(p *ProcessConfig) { p.Choices = k })
		m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
		m.Kernel(w.base.Hooks())
		left := 2
		for i := range 2 {
			m.Go("hitter", i, func(c *sim.CPU) {
				c = w.slowHandlers(m, c, seed)
				for left > 0 {
					if _, err := w.Run(c, 0); err != nil {
						t.Errorf("seed %d: %v", seed, err)
					}
					c.Think(c.Now() + 100*sim.Nanosecond)
				}
			})
		}
		for i := range 2 {
			m.Go("registrar", 2+i, func(c *sim.CPU) {
				for range 2 {
					w.registerUnregister(c)
				}
				w.settle(c)
				left--
			})
		}
		simtest.Run(t, m)
		w.check()
		if w.hits == 0 {
			t.Error("no handler ran")
		}
	})
}

// TestGenuineBreakpoint: a breakpoint that no uprobe wrote kills the thread, also
// while uprobes elsewhere come and go (U8).
func TestGenuineBreakpoint(t *testing.T) {
	w := newChurn(t, 2, func(*ProcessConfig) {})
	addr := w.Probes[0].Addr + 8
	page := w.MM.PageAt(w.c, addr)
	w.c.Store(page.Ref(addr%sim.PageBytes, 1), opcodeInt3)
	m := simtest.New(w.mem, simtest.Options{Seed: 3})
	m.Kernel(w.base.Hooks())
	m.Go("victim", 0, func(c *sim.CPU) {
		user := w.Uprobes.User(c, w.MM)
		user.Run(c, addr)
		if !user.Killed() {
			t.Error("the breakpoint was swallowed")
		}
	})
	m.Go("registrar", 1, w.registerUnregister)
	simtest.Run(t, m)
}

// TestUprobesAreFreed: every uprobe that was unregistered goes back to the
// allocator, after the grace periods of its lifetime.
func TestUprobesAreFreed(t *testing.T) {
	eachKeeper(t, func(t *testing.T, k Choices) {
		for _, k.Ret = range []Ret{RetRefcount, RetLease} {
			uprobesAreFreed(t, k)
		}
	})
}

func uprobesAreFreed(t *testing.T, k Choices) {
	w := newChurn(t, 1, func(p *ProcessConfig) { p.Choices = k })
	m := simtest.New(w.mem, simtest.Options{Seed: 1, Syms: w.syms})
	m.Kernel(w.base.Hooks())
	var first sim.Ptr
	m.Go("registrar", 0, func(c *sim.CPU) {
		u, b := w.Uprobes, &w.Probes[0]
		uc := u.NewConsumer(c)
		first = u.RegisterConsumer(c, b.Inode, probeOffset, uc)
		u.Unregister(c, first, uc)
		now := c.Load(first.F(u.f.inode)) == poisonFree
		if counted := k.Lifetime == LifetimeRefcount && k.Tree != TreeSeqcount && !k.Ret.leased(); now != counted {
			t.Errorf("freed at once: %v, want %v", now, counted)
		}
		u.Sync(c)
		w.settle(c)
		if c.Load(first.F(u.f.inode)) != poisonFree {
			t.Error("not freed")
		}
	})
	simtest.Run(t, m)
}

// TestRegisterHasTeeth: without a grace period a handler does run too late.
func TestRegisterHasTeeth(t *testing.T) {
	for seed := range uint64(30) {
		w := newChurn(t, 3, func(p *ProcessConfig) { p.Choices.Ret = RetRefcount })
		bad := false
		w.Uprobes.onHandler = func(_ *sim.CPU, uc, _ sim.Ptr) { bad = bad || !w.live[uc.A] }
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.base.Hooks())
		done := false
		for i := range 2 {
			m.Go("hitter", i, func(c *sim.CPU) {
				c = w.slowHandlers(m, c, seed)
				for !done && !bad {
					if _, err := w.Run(c, 0); err != nil {
						t.Error(err)
					}
				}
			})
		}
		m.Go("registrar", 2, func(c *sim.CPU) {
			u, b := w.Uprobes, &w.Probes[0]
			for range 10 {
				uc := u.NewConsumer(c)
				w.live[uc.A] = true
				p := u.RegisterConsumer(c, b.Inode, probeOffset, uc)
				for range 20 {
					c.Compute(1)
				}
				u.Unregister(c, p, uc)
				delete(w.live, uc.A) // without Sync
			}
			done = true
		})
		if err := m.Run(); err != nil {
			t.Fatal(err)
		}
		if bad {
			return
		}
	}
	t.Error("nothing is wrong without a grace period")
}
