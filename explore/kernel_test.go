package explore_test

import (
	"fmt"
	"testing"

	"mmsim/explore"
	"mmsim/kernel"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

var objectLayout = sim.NewLayout("object", 256, 64, append(locking.RWSemMembers("rwsem", 0),
	sim.F("spin", 64, 4), sim.F("count", 128, 8))...)

// object is a booted kernel with one object to lock.
type object struct {
	*explore.Program
	rwsem locking.RWSem
	spin  locking.SpinLock
	count sim.Ref
}

func newObject(cpus int) *object {
	o := &object{Program: &explore.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}}}
	at := make([]int, cpus)
	for i := range at {
		at[i] = i
	}
	b := kernel.NewBase(o.Mem, o.Syms, kernel.Config{CPUs: cpus, TaskCPU: at, TickPeriod: sim.Millisecond})
	p := b.Arena.Object(objectLayout, "")
	o.rwsem = b.RWSems.At(p, locking.RWSemFieldsOf(objectLayout, "rwsem"))
	o.rwsem.Init(sim.NewDirect(o.Mem))
	o.spin = b.Spin.At(p.F(objectLayout.Field("spin")))
	o.count = p.F(objectLayout.Field("count"))
	o.Hooks, o.MustEnd = b.Hooks(), true
	o.Hooks.Exit = nil
	return o
}

// tasks gives every CPU a body that enters a critical section once: nobody else
// may be inside, and no plain increment may be lost.
func (o *object) tasks(cpus int, lock, unlock func(c *sim.CPU)) {
	holders := 0
	o.Reset = func() { holders = 0 }
	for i := range cpus {
		o.Threads = append(o.Threads, explore.Thread{CPU: i, Body: func(c *sim.CPU) {
			lock(c)
			if holders++; holders > 1 {
				explore.Fail(c, "two holders")
			}
			c.Store(o.count, c.Load(o.count)+1)
			holders--
			unlock(c)
		}})
	}
	o.Final = func(v explore.View) (string, error) {
		if n := v.Read(o.count.A, 8); n != uint64(cpus) {
			return "", fmt.Errorf("%d increments, want %d", n, cpus)
		}
		return "", nil
	}
}

// The kernel's own locks, as they are priced, exclude under every model.
func TestKernelLocks(t *testing.T) {
	for m := explore.SC; m <= explore.LKMM; m++ {
		o := newObject(2)
		o.tasks(2, o.spin.Lock, o.spin.Unlock)
		exhausted(t, "qspinlock", o.Program, explore.Options{Model: m, Bound: 2})
		o = newObject(3)
		o.tasks(3, o.spin.Lock, o.spin.Unlock)
		exhausted(t, "qspinlock on 3", o.Program, explore.Options{Model: m, Bound: 2})
		o = newObject(2)
		o.tasks(2, o.spin.Lock, o.spin.Unlock)
		exhausted(t, "qspinlock graphs", o.Program, explore.Options{Model: m, Bound: explore.Unbounded})
		o = newObject(2)
		o.tasks(2, o.rwsem.DownWrite, o.rwsem.UpWrite)
		exhausted(t, "rwsem", o.Program, explore.Options{Model: m, Bound: 2})
		o = newObject(3)
		o.tasks(3, o.rwsem.DownWrite, o.rwsem.UpWrite)
		exhausted(t, "rwsem on 3", o.Program, explore.Options{Model: m, Bound: 2})
	}
}

func exhausted(t *testing.T, what string, p *explore.Program, o explore.Options) {
	t.Helper()
	s, err := explore.Run(p, o)
	switch {
	case err != nil:
		t.Fatal(err)
	case s.Violation != nil:
		t.Errorf("%s under %v: %s\n%s\n%s", what, o.Model, s.Violation.Invariant, s.Violation.Token, s.Violation.Trace)
	case !s.Exhausted || s.Executions == 0:
		t.Errorf("%s under %v: %+v", what, o.Model, *s)
	}
	t.Logf("%s %v: %d executions, %d cut, depth %d", what, o.Model, s.Executions, s.Cut, s.Depth)
}

// A lock without acquire and release excludes, but what it protects is seen late
// where the machine may reorder.
func TestRelaxedLock(t *testing.T) {
	for m := explore.SC; m <= explore.LKMM; m++ {
		for _, bound := range []int{2, explore.Unbounded} {
			o := newObject(2)
			word := o.count
			word.A += 64
			o.tasks(2, func(c *sim.CPU) {
				c.SpinWhile(word, 1, 1)
				for {
					if _, ok := c.CmpXchg(word, 0, 1, sim.Relaxed); ok {
						return
					}
					c.Relax()
				}
			}, func(c *sim.CPU) { c.Store(word, 0) })
			s, err := explore.Run(o.Program, explore.Options{Model: m, Bound: bound})
			if err != nil {
				t.Fatal(err)
			}
			if found := s.Violation != nil; found != (m >= explore.ARM64) {
				t.Errorf("%v, bound %d: found %v", m, bound, found)
			}
			if s.Violation != nil && m <= explore.ARM64 {
				t.Log(s.Violation.Invariant, s.Violation.Token, "\n", s.Violation.Trace)
			}
		}
	}
}
