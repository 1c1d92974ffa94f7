package check

import (
	"fmt"

	"mmsim/explore"
	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/kernel/locking/kinds"
	"mmsim/sim"
)

// LockBusted is the design of lock-exclusion that is wrong on purpose.
const LockBusted = "lock-busted"

var protectedLayout = sim.NewLayout("protected", 64, 64, sim.F("count", 0, 8), sim.F("busted", 8, 4))

// busted gives lock_busted the interface of the others.
type busted struct{ locking.BustedLock }

func (b busted) Lock(c *sim.CPU, _ sim.LockMode)         { b.BustedLock.Lock(c) }
func (b busted) TryLock(c *sim.CPU, m sim.LockMode) bool { b.Lock(c, m); return true }
func (b busted) Unlock(c *sim.CPU, _ sim.LockMode)       { b.BustedLock.Unlock(c) }

// lockExclusion is two tasks that take a lock once each: never both are inside,
// and what one wrote inside the other one sees.
func lockExclusion(kind string) (*explore.Program, error) {
	p := &explore.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}, MustEnd: true}
	b := kernel.NewBase(p.Mem, p.Syms, kernel.Config{CPUs: 2, TaskCPU: []int{0, 1}, TickPeriod: sim.Millisecond,
		Pages: kmem.PageOptions{Pages: 512}, RWSem: &locking.RWSemOptions{}})
	data := b.Arena.Object(protectedLayout, "")
	count := data.F(protectedLayout.Field("count"))
	var l kinds.Lock = busted{locking.BustedLockAt(data.F(protectedLayout.Field("busted")))}
	if kind != LockBusted {
		var err error
		if l, err = kinds.New(b, kinds.Options{}).Make(kind, "lock"); err != nil {
			return nil, err
		}
	}
	holders := 0
	p.Reset = func() { holders = 0 }
	body := func(c *sim.CPU) {
		l.Lock(c, sim.Exclusive)
		if holders++; holders > 1 {
			explore.Fail(c, "two tasks hold the lock")
		}
		c.Store(count, c.Load(count)+1)
		holders--
		l.Unlock(c, sim.Exclusive)
	}
	p.Threads = []explore.Thread{{Name: "task0", CPU: 0, Body: body}, {Name: "task1", CPU: 1, Body: body}}
	p.Final = func(v explore.View) (string, error) {
		if n := v.Read(count.A, count.Size); n != 2 {
			return "", fmt.Errorf("what was written under the lock was lost: %d increments, expected 2", n)
		}
		return "", nil
	}
	p.Hooks = b.Hooks()
	p.Hooks.Boot = nil // which starts the ticks
	return p, nil
}
