package locking_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// record runs f alone and lists its operations on the object and the named
// neighbours: "load.acquire object.seq".
func record(t *testing.T, f func(w *world, c *sim.CPU)) []string {
	t.Helper()
	w := newWorld(1)
	return w.record(t, func(c *sim.CPU) { f(w, c) })
}

func (w *world) record(t *testing.T, f func(c *sim.CPU)) (ops []string) {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		s := o.Kind
		if o.Order != sim.Relaxed {
			s += "." + o.Order.String()
		}
		if o.Ref.A != 0 {
			s += " " + w.syms.Lookup(o.Ref.A).Field
		}
		ops = append(ops, s)
	}})
	m.Go("task", 0, f)
	simtest.Run(t, m)
	return ops
}

const (
	preemptOff = "add.this_cpu preempt_count"
	preemptOn  = preemptOff
)

// The uncontended sequences of the fact sheet: sections 2.2, 5, 9 and 10.
func TestUncontendedSequences(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    func(w *world, c *sim.CPU)
		want []string
	}{
		{"spin_lock", func(w *world, c *sim.CPU) { w.spin.Lock(c); w.spin.Unlock(c) },
			[]string{preemptOff, "cmpxchg.acquire spin", "store.release spin", preemptOn}},
		{"down_read", func(w *world, c *sim.CPU) { w.rwsem.DownRead(c) },
			[]string{preemptOff, "add.acquire rwsem.count", "load rwsem.owner", "store rwsem.owner", preemptOn}},
		{"down_read up_read", func(w *world, c *sim.CPU) { w.rwsem.DownRead(c); w.rwsem.UpRead(c) },
			[]string{preemptOff, "add.acquire rwsem.count", "load rwsem.owner", "store rwsem.owner", preemptOn,
				preemptOff, "add.release rwsem.count", preemptOn}},
		{"down_read_trylock", func(w *world, c *sim.CPU) { w.rwsem.DownReadTrylock(c) },
			[]string{preemptOff, "load rwsem.count", "cmpxchg.acquire rwsem.count", "load rwsem.owner", "store rwsem.owner", preemptOn}},
		{"down_write up_write", func(w *world, c *sim.CPU) { w.rwsem.DownWrite(c); w.rwsem.UpWrite(c) },
			[]string{preemptOff, "cmpxchg.acquire rwsem.count", "store rwsem.owner", preemptOn,
				preemptOff, "store rwsem.owner", "add.release rwsem.count", preemptOn}},
		{"downgrade_write", func(w *world, c *sim.CPU) { w.rwsem.DownWrite(c); w.rwsem.DowngradeWrite(c) },
			[]string{preemptOff, "cmpxchg.acquire rwsem.count", "store rwsem.owner", preemptOn,
				preemptOff, "add.release rwsem.count", "load rwsem.owner", "store rwsem.owner", preemptOn}},
		{"seqcount read", func(w *world, c *sim.CPU) { w.seq.Retry(c, w.seq.ReadBegin(c)) },
			[]string{"load.acquire seq", "smp_rmb", "load seq"}},
		{"seqcount write", func(w *world, c *sim.CPU) { w.seq.WriteBegin(c); w.seq.WriteEnd(c) },
			[]string{"load seq", "store seq", "smp_wmb", "smp_wmb", "load seq", "store seq"}},
		{"refcount", func(w *world, c *sim.CPU) {
			w.refs.Set(c, 1)
			w.refs.Inc(c)
			w.refs.DecAndTest(c)
			w.refs.DecAndTest(c)
		},
			[]string{"store refs", "add refs", "add.release refs", "add.release refs", "smp_acquire__after_ctrl_dep"}},
		{"refcount_inc_not_zero_acquire", func(w *world, c *sim.CPU) { w.refs.Set(c, 1); w.refs.IncNotZeroAcquire(c) },
			[]string{"store refs", "load refs", "cmpxchg.acquire refs"}},
	} {
		got := record(t, tc.f)
		if fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, strings.Join(got, "; "), strings.Join(tc.want, "; "))
		}
	}
}

// Two contenders hand a qspinlock over through its pending byte; only a third
// brings the MCS queue in (section 5).
func TestPendingWaiterNeedsNoNode(t *testing.T) {
	queued := func(tasks int) (nodes int) {
		for seed := range uint64(seeds) {
			w := newWorld(tasks)
			m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: func(o simtest.Op) {
				if o.Ref.A != 0 && w.syms.Lookup(o.Ref.A).Object == fmt.Sprintf("qnodes(cpu%d)", o.CPU) {
					nodes++
				}
			}})
			m.Kernel(w.Hooks())
			m.Boot(nil) // no ticks
			for i := range tasks {
				m.Go("task", i, func(c *sim.CPU) {
					w.spin.Lock(c)
					w.exclusive(t, c)
					w.spin.Unlock(c)
				})
			}
			simtest.Run(t, m)
		}
		return nodes
	}
	if n := queued(2); n != 0 {
		t.Errorf("2 tasks, one section each: %d accesses to MCS nodes", n)
	}
	if queued(4) == 0 {
		t.Error("4 tasks never queued")
	}
}

// A writer that waits gets the lock although readers keep coming: readers
// queue behind it (section 2.2, READ_FAILED includes WAITERS).
func TestWriterIsNotStarved(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(4)
		w.run(t, 4, seed, func(c *sim.CPU, i int) {
			if i == 0 {
				w.rwsem.DownWrite(c)
				w.exclusive(t, c)
				w.rwsem.UpWrite(c)
				return
			}
			for c.Load(w.count) == 0 {
				w.rwsem.DownRead(c)
				w.shared(t, c)
				w.rwsem.UpRead(c)
			}
		})
	}
}

// mark_wake grants all queued readers with one atomic on count, and a granted
// reader does none when it wakes (section 2.3).
func TestReadersAreGrantedTogether(t *testing.T) {
	const tasks = 5
	w := newWorld(tasks)
	rmws, released := 0, false
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
		count := w.syms.Lookup(o.Ref.A).Field == "rwsem.count"
		if released && o.Ref.A != 0 && count && o.Kind == "add" {
			rmws++
		}
	}})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
			if i > 0 {
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.holders, Test: sim.Ne})
				w.rwsem.DownRead(c)
				return
			}
			w.rwsem.DownWrite(c)
			c.Store(w.holders, 1)
			c.Think(100 * sim.Microsecond) // all readers are asleep by now
			released = true
			w.rwsem.UpWrite(c)
		})
	}
	simtest.Run(t, m)
	// The release, the first reader's bias, and one sum for the others.
	if rmws != 3 {
		t.Errorf("%d atomics on count from the release on, want 3", rmws)
	}
	if n := w.mem.Read(w.count.A-128, 8); n != (tasks-1)<<8 {
		t.Errorf("count is %#x", n)
	}
}

// downgrade_write lets the queued readers in while the downgraded holder still
// reads, and keeps writers out.
func TestDowngradeGrantsReaders(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(4)
		w.run(t, 4, seed, func(c *sim.CPU, i int) {
			switch i {
			case 0:
				w.rwsem.DownWrite(c)
				c.Store(w.copy, 1)
				c.Think(50 * sim.Microsecond) // the others are asleep by now
				w.rwsem.DowngradeWrite(c)
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.readers, Arg: 2})
				w.rwsem.UpRead(c)
			case 1:
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.copy, Test: sim.Ne})
				c.Think(c.Now() + 20*sim.Microsecond) // a writer in front would hold the readers back
				w.rwsem.DownWrite(c)
				if n := c.Load(w.readers); n != 2 {
					t.Errorf("seed %d: the writer came in with %d of 2 readers done", seed, n)
				}
				w.rwsem.UpWrite(c)
			default:
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.copy, Test: sim.Ne})
				w.rwsem.DownRead(c)
				c.FetchAdd(w.readers, 1, sim.Relaxed)
				c.SpinUntil(sim.Never, sim.Cond{Ref: w.readers, Arg: 2})
				w.rwsem.UpRead(c)
			}
		})
	}
}
