package check

import (
	"fmt"

	"mmsim/explore"
	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/kernel/locking/kinds"
	"mmsim/kernel/rcu"
	"mmsim/sim"
)

// LockBusted is the design of lock-exclusion that is wrong on purpose.
const LockBusted = "lock-busted"

var protectedLayout = sim.NewLayout("protected", 64, 64, sim.F("a", 0, 8), sim.F("b", 8, 8), sim.F("busted", 16, 4))

// busted gives lock_busted the interface of the others.
type busted struct{ locking.BustedLock }

func (b busted) Lock(c *sim.CPU, _ sim.LockMode)         { b.BustedLock.Lock(c) }
func (b busted) TryLock(c *sim.CPU, m sim.LockMode) bool { b.Lock(c, m); return true }
func (b busted) Unlock(c *sim.CPU, _ sim.LockMode)       { b.BustedLock.Unlock(c) }

// locked is a program over one lock of a kind and two words that it protects.
type locked struct {
	*explore.Program
	lock kinds.Lock
	a, b sim.Ref
}

func newLocked(kind string) (*locked, error) {
	w := &locked{Program: &explore.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}, MustEnd: true}}
	rcus := newGraces(2)
	b := kernel.NewBase(w.Mem, w.Syms, kernel.Config{CPUs: 2, TaskCPU: []int{0, 1}, TickPeriod: sim.Millisecond,
		Pages: kmem.PageOptions{Pages: 512}, RWSem: &locking.RWSemOptions{}, RCU: &rcu.Options{Model: rcus}})
	w.Domain = names(b.SRCU)
	data := b.Arena.Object(protectedLayout, "")
	w.a, w.b = data.F(protectedLayout.Field("a")), data.F(protectedLayout.Field("b"))
	w.lock = busted{locking.BustedLockAt(data.F(protectedLayout.Field("busted")))}
	if kind != LockBusted {
		var err error
		if w.lock, err = kinds.New(b, kinds.Options{}).Make(kind, "lock"); err != nil {
			return nil, err
		}
	}
	w.Reset = rcus.reset
	w.Hooks = b.Hooks()
	w.Hooks.Boot = nil // which starts the ticks
	return w, nil
}

// run adds the bodies, one a CPU.
func (w *locked) run(names [2]string, bodies ...func(c *sim.CPU)) *explore.Program {
	for i, body := range bodies {
		w.Threads = append(w.Threads, explore.Thread{Name: names[i], CPU: i, Body: body})
	}
	return w.Program
}

// lockExclusion is two tasks that take a lock once each: never both are inside,
// and what one wrote inside the other one sees.
func lockExclusion(kind string) (*explore.Program, error) {
	w, err := newLocked(kind)
	if err != nil {
		return nil, err
	}
	holders, reset := 0, w.Reset
	w.Reset = func() { reset(); holders = 0 }
	body := func(c *sim.CPU) {
		w.lock.Lock(c, sim.Exclusive)
		if holders++; holders > 1 {
			explore.Fail(c, "two tasks hold the lock")
		}
		c.Store(w.a, c.Load(w.a)+1)
		holders--
		w.lock.Unlock(c, sim.Exclusive)
	}
	w.Final = func(v explore.View) (string, error) {
		if n := v.Read(w.a.A, w.a.Size); n != 2 {
			return "", fmt.Errorf("what was written under the lock was lost: %d increments, expected 2", n)
		}
		return "", nil
	}
	return w.run([2]string{"task0", "task1"}, body, body), nil
}

// lockReaders is a writer that changes two words under the lock, against a
// reader, which sees both changes or none.
func lockReaders(kind string) (*explore.Program, error) {
	w, err := newLocked(kind)
	if err != nil {
		return nil, err
	}
	writer := func(c *sim.CPU) {
		w.lock.Lock(c, sim.Exclusive)
		c.Store(w.a, 1)
		c.Store(w.b, 1)
		w.lock.Unlock(c, sim.Exclusive)
	}
	reader := func(c *sim.CPU) {
		if a, b := w.read(c); a != b {
			explore.Fail(c, fmt.Sprintf("a reader saw half of a change: %d, %d", a, b))
		}
	}
	return w.run([2]string{"writer", "reader"}, writer, reader), nil
}

// read is what a reader of the lock does.
func (w *locked) read(c *sim.CPU) (a, b uint64) {
	l, ok := w.lock.(kinds.Optimistic)
	if !ok {
		w.lock.Lock(c, sim.Shared)
		a, b = c.Load(w.a), c.Load(w.b)
		w.lock.Unlock(c, sim.Shared)
		return a, b
	}
	for {
		seq := l.ReadBegin(c)
		a, b = c.Load(w.a), c.Load(w.b)
		if !l.ReadRetry(c, seq) {
			return a, b
		}
	}
}
