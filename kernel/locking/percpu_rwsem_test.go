package locking_test

import (
	"fmt"
	"testing"

	"mmsim/kernel/locking"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

var percpuLayout = sim.NewLayout("percpu_rw_semaphore", locking.PercpuRWSemBytes, 64,
	locking.PercpuRWSemMembers("", 0)...)

func newPercpuWorld(tasks int) (*world, locking.PercpuRWSem) { return withPercpu(newWorld(tasks)) }

func withPercpu(w *world) (*world, locking.PercpuRWSem) {
	return w, w.PercpuRWSems.New(w.Arena, w.Arena.Object(percpuLayout, ""))
}

// Readers and writers exclude each other, through fast and slow phases, and
// every one of them gets its turn.
func TestPercpuRWSem(t *testing.T) {
	for _, tasks := range []int{2, 5, 16, 64} {
		for seed := range uint64(max(120/tasks, 2)) {
			percpuReadersAndWriters(t, newWorld(tasks), seed)
		}
	}
	for seed := range uint64(20) {
		percpuReadersAndWriters(t, newCrowd(3, 9), seed)
	}
}

func percpuReadersAndWriters(t *testing.T, w *world, seed uint64) {
	t.Helper()
	_, l := withPercpu(w)
	tasks, writes := w.Sched.Tasks(), uint64(0)
	w.run(t, tasks, seed, func(c *sim.CPU, i int) {
		for k := range 6 {
			switch {
			case i < 3 && k%2 == 0:
				l.DownWrite(c)
				w.exclusive(t, c)
				writes++
				l.UpWrite(c)
			case k%3 == 0 && !l.DownReadTrylock(c):
				c.Compute(1)
			default:
				if k%3 != 0 {
					l.DownRead(c)
				}
				w.shared(t, c)
				l.UpRead(c)
			}
		}
	})
	if n := w.mem.Read(w.count.A, 8); n != writes || writes == 0 {
		t.Errorf("%d tasks, seed %d: count %d after %d writes", tasks, seed, n, writes)
	}
}

// A reader may leave on another CPU, and as another task, than it came in.
func TestPercpuRWSemCrossCPUUnlock(t *testing.T) {
	for seed := range uint64(seeds) {
		w, l := newPercpuWorld(3)
		handed := 0
		w.run(t, 3, seed, func(c *sim.CPU, i int) {
			for range rounds {
				switch i {
				case 0:
					l.DownRead(c)
					c.FetchAdd(w.readers, 1, sim.Relaxed)
					handed++
					for handed > 0 {
						c.Compute(1)
					}
				case 1:
					for handed == 0 {
						c.Compute(1)
					}
					c.FetchAdd(w.readers, ^uint64(0), sim.Relaxed)
					l.UpRead(c)
					handed--
				case 2:
					l.DownWrite(c)
					w.exclusive(t, c)
					l.UpWrite(c)
				}
			}
		})
	}
}

// A fast reader has no fence and no write that another CPU can see (section 8).
func TestPercpuRWSemFastReader(t *testing.T) {
	w, l := newPercpuWorld(2)
	var ops []string
	wrote := map[sim.Addr]int{}
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		s := o.Kind
		if o.Order != sim.Relaxed {
			s += "." + o.Order.String()
		}
		if o.Ref.A != 0 {
			s += " " + w.syms.Lookup(o.Ref.A).Field
		}
		if o.CPU == 0 {
			ops = append(ops, s)
		}
		if line := o.Ref.A &^ 63; o.Kind != "load" && o.Ref.A != 0 {
			if cpu, ok := wrote[line]; ok && cpu != o.CPU {
				t.Errorf("both CPUs write the line of %s", s)
			}
			wrote[line] = o.CPU
		}
	}})
	for i := range 2 {
		m.Go("reader", i, func(c *sim.CPU) {
			l.DownRead(c)
			l.UpRead(c)
		})
	}
	simtest.Run(t, m)
	half := []string{preemptOff, "load rss.gp_state", "load read_count", "add.this_cpu read_count", preemptOn}
	if want := append(half[:5:5], half...); fmt.Sprint(ops) != fmt.Sprint(want) {
		t.Errorf("got %q\nwant %q", ops, want)
	}
}

// A writer among readers that never pause gets the lock, and once the writers
// are gone a grace period makes readers fast again.
func TestPercpuRWSemWriterIsNotStarved(t *testing.T) {
	for seed := range uint64(seeds) {
		w, l := newPercpuWorld(4)
		slow := 0
		m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: func(o simtest.Op) {
			if o.Kind == "load" && o.Order == sim.Acquire && w.syms.Lookup(o.Ref.A).Field == "block" {
				slow++
			}
		}})
		m.Kernel(w.Hooks())
		for i := range 4 {
			m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
				if i == 0 {
					for range 2 {
						l.DownWrite(c)
						w.exclusive(t, c)
						l.UpWrite(c)
					}
				}
				for c.Load(w.count) < 2 {
					l.DownRead(c)
					w.shared(t, c)
					l.UpRead(c)
				}
				c.Think(c.Now() + 20*sim.Microsecond)
				slow = 0
				l.DownRead(c)
				l.UpRead(c)
				if i == 0 && slow != 0 {
					t.Errorf("seed %d: readers are still slow 20 us after the last writer", seed)
				}
			})
		}
		simtest.Run(t, m)
		if m.Counts[sim.NewCounter("lock_waits")] == 0 {
			t.Errorf("seed %d: nobody waited", seed)
		}
	}
}

// A writer that comes while readers are slow anyway needs no grace period of its
// own: only the first one pays.
func TestPercpuRWSemWritersShareTheGracePeriod(t *testing.T) {
	const tasks = 6
	w, l := newPercpuWorld(tasks)
	var took [tasks]sim.Time
	w.run(t, tasks, 0, func(c *sim.CPU, i int) {
		if i != 0 {
			c.SpinUntil(sim.Never, sim.Cond{Ref: w.copy, Test: sim.Ne})
		}
		start := c.Now()
		l.DownWrite(c)
		took[i] = c.Now() - start
		w.exclusive(t, c)
		if i == 0 {
			c.Store(w.copy, 1)
			c.Think(c.Now() + 10*sim.Microsecond)
		}
		l.UpWrite(c)
	})
	for i, d := range took[1:] {
		if d > 10*sim.Microsecond+4*tick {
			t.Errorf("writer %d took %v, more than the holders in front of it", i+1, d)
		}
	}
}
