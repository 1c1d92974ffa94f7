package explore_test

import (
	"testing"

	"mmsim/explore"
	"mmsim/kernel"
	"mmsim/sim"
)

var publishedLayout = sim.NewLayout("published", 128, 64, sim.F("pointer", 0, 8), sim.F("value", 64, 8))

const freed = 0x6b

// A grace period of the kernel's own algorithms, with its ticks, ends in every
// execution, and after the readers that may see what was taken away; without it
// a reader uses what was freed.
func TestKernelGracePeriods(t *testing.T) {
	for _, k := range []struct {
		name       string
		lock, end  func(*kernel.Base) func(*sim.CPU)
		wait       func(*kernel.Base) func(*sim.CPU)
		model      explore.Model
		bound      int
		violations bool
	}{
		{"rcu", rcuLock, rcuUnlock, synchronize, explore.SC, 2, false},
		{"rcu", rcuLock, rcuUnlock, synchronize, explore.LKMM, 1, false},
		{"expedited", rcuLock, rcuUnlock, expedited, explore.SC, 1, false},
		{"tasks-trace", traceLock, traceUnlock, synchronizeTrace, explore.SC, 1, false},
		{"none", rcuLock, rcuUnlock, func(*kernel.Base) func(*sim.CPU) { return func(*sim.CPU) {} }, explore.SC, 1, true},
	} {
		p := &explore.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}, MustEnd: true}
		b := kernel.NewBase(p.Mem, p.Syms, kernel.Config{CPUs: 2, TaskCPU: []int{0, 1}, TickPeriod: sim.Millisecond})
		p.Hooks = b.Hooks()
		at := b.Arena.Object(publishedLayout, "")
		pointer, value := at.F(publishedLayout.Field("pointer")), at.F(publishedLayout.Field("value"))
		p.Mem.Write(pointer.A, 8, 1)
		lock, end, wait := k.lock(b), k.end(b), k.wait(b)
		p.Threads = []explore.Thread{{Name: "updater", CPU: 0, Body: func(c *sim.CPU) {
			c.Store(pointer, 0)
			wait(c)
			c.Store(value, freed)
		}}, {Name: "reader", CPU: 1, Body: func(c *sim.CPU) {
			lock(c)
			if c.Load(pointer) != 0 && c.Load(value) == freed {
				explore.Fail(c, "used after it was freed")
			}
			end(c)
		}}}
		s, err := explore.Run(p, explore.Options{Model: k.model, Bound: k.bound, MaxOps: 20_000})
		switch {
		case err != nil:
			t.Fatal(err)
		case (s.Violation != nil) != k.violations:
			t.Errorf("%s, %v: violation %v, expected %v", k.name, k.model, s.Violation, k.violations)
		case !k.violations && (!s.Exhausted || s.Deadlocks+s.Livelocks > 0):
			t.Errorf("%s, %v: %+v", k.name, k.model, *s)
		}
		t.Logf("%s %v: %d executions", k.name, k.model, s.Executions)
	}
}

func rcuLock(b *kernel.Base) func(*sim.CPU)          { return b.RCU.ReadLock }
func rcuUnlock(b *kernel.Base) func(*sim.CPU)        { return b.RCU.ReadUnlock }
func traceLock(b *kernel.Base) func(*sim.CPU)        { return b.RCU.TraceReadLock }
func traceUnlock(b *kernel.Base) func(*sim.CPU)      { return b.RCU.TraceReadUnlock }
func synchronize(b *kernel.Base) func(*sim.CPU)      { return b.RCU.Synchronize }
func expedited(b *kernel.Base) func(*sim.CPU)        { return b.RCU.SynchronizeExpedited }
func synchronizeTrace(b *kernel.Base) func(*sim.CPU) { return b.RCU.SynchronizeTasksTrace }
