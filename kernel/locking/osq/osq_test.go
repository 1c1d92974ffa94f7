package osq_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/locking/osq"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

var objectLayout = sim.NewLayout("object", 128, 64,
	sim.F("osq", 0, 4),
	sim.F("count", 64, 8),
)

const needResched = 3 // TIF_NEED_RESCHED

// world is a booted kernel with one queue, and the order in which spinners
// came to it.
type world struct {
	*kernel.Base
	mem   *sim.Memory
	syms  *sim.Symbols
	osq   osq.Lock
	tail  sim.Ref
	count sim.Ref
	queue []int        // CPUs that came, oldest first, until they got the lock or gave up
	late  map[int]bool // CPUs that a later one has passed
	fail  string
}

func newWorld(cpus int) *world {
	mem, syms := sim.NewMemory(), &sim.Symbols{}
	ids := make([]int, cpus)
	for i := range ids {
		ids[i] = i
	}
	b := kernel.NewBase(mem, syms, kernel.Config{CPUs: cpus, TaskCPU: ids, TickPeriod: sim.Millisecond})
	o := b.Arena.Object(objectLayout, "")
	tail := o.F(objectLayout.Field("osq"))
	return &world{Base: b, mem: mem, syms: syms, osq: b.OSQ.At(tail), tail: tail,
		count: o.F(objectLayout.Field("count")), late: map[int]bool{}}
}

// observe notes who joins the queue: the exchange of its tail.
func (w *world) observe(o simtest.Op) {
	if o.Kind == "xchg" && o.Ref.A == w.tail.A {
		w.queue = append(w.queue, o.CPU)
	}
}

// leave takes a CPU out of the order; one that got the lock must not have been
// passed by a later one, and passes all that are still in front.
func (w *world) leave(cpu int, locked bool) {
	i := slices.Index(w.queue, cpu)
	if locked {
		for _, ahead := range w.queue[:i] {
			w.late[ahead] = true
		}
		if w.late[cpu] {
			w.fail = fmt.Sprintf("CPU %d got the lock after a later one", cpu)
		}
	}
	delete(w.late, cpu)
	w.queue = slices.Delete(w.queue, i, i+1)
}

// spinner takes the lock rounds times or gives up.
func (w *world) spinner(c *sim.CPU, rounds int) (got, aborted uint64) {
	flags := w.Sched.Current(c).F(sched.TaskFlags)
	w.Sched.PreemptDisable(c)
	for range rounds {
		ok := w.osq.Lock(c)
		w.leave(c.ID(), ok)
		if !ok {
			aborted++
			c.ClearBit(flags, needResched)
			continue
		}
		got++
		c.Store(w.count, c.Load(w.count)+1)
		w.osq.Unlock(c)
	}
	w.Sched.PreemptEnable(c)
	return got, aborted
}

// stress runs spinners on n CPUs and one more that asks them to reschedule at
// random. It returns how often somebody gave up.
func stress(t *testing.T, n, rounds int, seed uint64) (aborted uint64) {
	t.Helper()
	w := newWorld(n + 1)
	got := uint64(0)
	m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: w.observe})
	m.Kernel(w.Hooks())
	m.Boot(nil) // no ticks
	for i := range n {
		m.Go(fmt.Sprintf("spinner%d", i), i, func(c *sim.CPU) {
			g, a := w.spinner(c, rounds)
			got, aborted = got+g, aborted+a
		})
	}
	m.Go("nagger", n, func(c *sim.CPU) {
		for k := range uint64(n * rounds) {
			r := sim.NewRand(seed, 0, k)
			victim := w.Sched.Task(sim.TaskID(r.Below(uint64(n))))
			c.SetBit(victim.F(sched.TaskFlags), needResched)
		}
	})
	simtest.Run(t, m)
	if w.fail != "" {
		t.Errorf("%d CPUs, seed %d: %s", n, seed, w.fail)
	}
	if n := w.mem.Read(w.count.A, 8); n != got {
		t.Errorf("%d CPUs, seed %d: %d increments by %d holders", n, seed, n, got)
	}
	if w.mem.Read(w.tail.A, 4) != 0 {
		t.Errorf("%d CPUs, seed %d: the queue is not empty afterwards", n, seed)
	}
	return aborted
}

// Spinners hold the lock one at a time, in the order they came; those who give
// up lose no successor (that would be a deadlock).
func TestQueue(t *testing.T) {
	for _, n := range []int{2, 3, 5, 9} {
		aborted := uint64(0)
		for seed := range uint64(300) {
			aborted += stress(t, n, 8, seed)
		}
		if aborted < 100 {
			t.Errorf("%d CPUs: only %d spinners gave up", n, aborted)
		}
	}
	stress(t, 64, 4, 1)
	stress(t, 255, 2, 2)
}

// Spinners that should reschedule leave the queue in any order, each without
// help from the holder.
func TestAllGiveUp(t *testing.T) {
	const n = 5
	for seed := range uint64(400) {
		w := newWorld(n)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		m.Boot(nil) // no ticks
		for i := range n {
			m.Go(fmt.Sprintf("spinner%d", i), i, func(c *sim.CPU) {
				if i > 0 {
					c.SpinUntil(sim.Never, sim.Cond{Ref: w.tail, Test: sim.Ne}) // the holder is in
					if w.osq.Lock(c) {
						t.Errorf("seed %d: two holders", seed)
					}
					c.FetchAdd(w.count, 1, sim.Relaxed)
					return
				}
				w.osq.Lock(c)
				for k := range n - 1 {
					c.SetBit(w.Sched.Task(sim.TaskID(k+1)).F(sched.TaskFlags), needResched)
				}
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.count, Arg: n - 1})
				w.osq.Unlock(c)
			})
		}
		simtest.Run(t, m)
		if w.mem.Read(w.tail.A, 4) != 0 {
			t.Errorf("seed %d: the queue is not empty afterwards", seed)
		}
	}
}

// The uncontended sequence of section 3: one atomic in, one out.
func TestUncontendedSequence(t *testing.T) {
	w := newWorld(1)
	var ops []string
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		s := o.Kind
		if o.Order != sim.Relaxed {
			s += "." + o.Order.String()
		}
		ops = append(ops, s+" "+w.syms.Lookup(o.Ref.A).Field)
	}})
	m.Go("task", 0, func(c *sim.CPU) {
		if !w.osq.Lock(c) || !w.osq.IsLocked(c) {
			t.Error("did not get a free lock")
		}
		w.osq.Unlock(c)
	})
	simtest.Run(t, m)
	want := "store locked; store next; store cpu; xchg.full osq; load osq; cmpxchg.release osq"
	if got := strings.Join(ops, "; "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
