package locking_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel/locking"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// lockOps are the operations of each task on the words of the lock, apart from
// the list's links. Task i comes 10 us behind task i-1.
func lockOps(t *testing.T, o *locking.RWSemOptions, bodies ...func(s *semCheck, c *sim.CPU)) []string {
	t.Helper()
	s := newCheck(t, len(bodies), 0, o)
	ops := make([]string, len(bodies))
	m := simtest.New(s.mem, simtest.Options{Trace: func(o simtest.Op) {
		f := s.syms.Lookup(o.Ref.A).Field
		if o.Ref.A == 0 || o.Task < 0 || !strings.HasPrefix(f, "rwsem.") || strings.HasPrefix(f, "rwsem.wait_list") {
			return
		}
		op := o.Kind
		if o.Order != sim.Relaxed {
			op += "." + o.Order.String()
		}
		ops[o.Task] += op + " " + strings.TrimPrefix(f, "rwsem.") + "; "
	}})
	m.Kernel(s.Hooks())
	m.Boot(nil) // no ticks
	for i, body := range bodies {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) {
			c.Think(sim.Time(i) * 10 * sim.Microsecond)
			body(s, c)
		})
	}
	simtest.Run(t, m)
	return ops
}

// The contended sequences of sections 2.3, 2.4 and 2.6: a writer leaves a
// queued reader the lock.
func TestRWSemContendedSequences(t *testing.T) {
	const lock, unlock = "cmpxchg.acquire wait_lock; ", "store.release wait_lock; "
	const downWrite, upWrite = "cmpxchg.acquire count; store owner; ", "store owner; add.release count; "
	writer := func(s *semCheck, c *sim.CPU) { s.hold(c, 50*sim.Microsecond) }
	got := lockOps(t, options(sim.Never), writer, func(s *semCheck, c *sim.CPU) { s.rwsem.DownRead(c) })
	compare(t, "a reader waits for a writer", got, []string{
		downWrite + upWrite + lock + "load count; add.full count; load owner; store owner; load count; add count; " + unlock,
		"add.acquire count; load owner; " + lock + "load count; add.full count; " + unlock})

	o := options(sim.Never)
	o.OptimisticSpin = false
	got = lockOps(t, o, writer, writer, writer)
	compare(t, "two writers wait for a writer", got, []string{
		downWrite + upWrite + lock + unlock,
		"cmpxchg.acquire count; " + lock + "or count; load count; " + unlock +
			lock + "load count; cmpxchg.acquire count; store owner; " + unlock + upWrite + lock + unlock,
		"cmpxchg.acquire count; " + lock + "load count; load count; " + unlock +
			lock + "load count; cmpxchg.acquire count; store owner; " + unlock + upWrite})
}

// With hung-task blocker detection a leaving reader takes its name out of the
// owner word, which is one more load, and one more atomic if it was the last to
// come in (section 2.2, note 1).
func TestRWSemStripOwner(t *testing.T) {
	o := options(sim.Never)
	o.StripOwner = true
	got := lockOps(t, o, func(s *semCheck, c *sim.CPU) {
		s.rwsem.DownRead(c)
		s.rwsem.UpRead(c)
	})
	compare(t, "alone", got, []string{"add.acquire count; load owner; store owner; " +
		"load owner; cmpxchg.full owner; add.release count; "})
	early := func(s *semCheck, c *sim.CPU) {
		s.rwsem.DownRead(c)
		c.Think(50 * sim.Microsecond)
		s.rwsem.UpRead(c)
	}
	got = lockOps(t, o, early, func(s *semCheck, c *sim.CPU) { s.rwsem.DownRead(c) })
	compare(t, "not the last one", got[:1], []string{"add.acquire count; load owner; store owner; load owner; add.release count; "})
}

func compare(t *testing.T, name string, got, want []string) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s, task %d:\n got %s\nwant %s", name, i, got[i], want[i])
		}
	}
}

// A trylock neither waits nor writes where it fails: whoever holds the lock,
// waits for it or was promised it.
func TestRWSemTrylockNeverWaits(t *testing.T) {
	for _, tc := range []struct {
		count       uint64
		read, write bool
	}{
		{0, true, true},
		{readerBias, true, false},
		{writerLocked, false, false},
		{waiters, false, false},
		{waiters + handoff, false, false},
		{waiters + readerBias, false, false},
	} {
		for _, try := range []string{"read", "write"} {
			w := newWorld(1)
			count, wrote := sim.At(w.count.A-128).Ref(0, 8), 0
			m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
				switch {
				case o.Kind == "spin" || o.Kind == "sleep" || o.Kind == "relax":
					t.Errorf("try%s at %#x waits", try, tc.count)
				case o.Kind != "load" && o.Order != sim.ThisCPU:
					wrote++
				}
			}})
			c := sim.NewDirect(w.mem)
			c.Store(count, tc.count)
			got, want, allowed := false, tc.read, 0
			m.Go("task", 0, func(c *sim.CPU) {
				if try == "read" {
					got = w.rwsem.DownReadTrylock(c)
					return
				}
				// A failed cmpxchg takes the line, but leaves the word as it was.
				got, want, allowed = w.rwsem.DownWriteTrylock(c), tc.write, 1
			})
			simtest.Run(t, m)
			word := c.Load(count)
			if got != want || !got && (word != tc.count || wrote > allowed) {
				t.Errorf("try%s at %#x: %v with %d operations that write, count is %#x", try, tc.count, got, wrote, word)
			}
		}
	}
}
