package lockstat_test

import (
	"reflect"
	"testing"

	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// at feeds one annotation at a time.
func (s *script) at(now sim.Time, ctx int, k sim.LockEvent, lock sim.Addr, m sim.LockMode) {
	s.now = now
	s.note(ctx, k, lock, m, stepOuter)
}

const (
	contended = sim.LockContended
	acquired  = sim.LockAcquired
	released  = sim.LockReleased
	w, r      = sim.Exclusive, sim.Shared
)

func (s *script) wantResults(t *testing.T, want ...lockstat.Result) {
	t.Helper()
	got := s.Results(1200)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("results\n%+v, want\n%+v", got, want)
	}
}

// TestCounts: totals by class, group and mode, with the parts of waits and
// holds that lie in the measured interval (100 to 1000).
func TestCounts(t *testing.T) {
	s := newScript()
	s.at(10, 0, acquired, leaf(0), w) // before the interval
	s.at(20, 1, contended, leaf(0), w)
	s.at(150, 0, released, leaf(0), w) // 50 inside
	s.at(160, 1, acquired, leaf(0), w) // 60 waited inside
	s.at(200, 1, released, leaf(0), w)
	s.at(300, 4, sim.LockTried, leaf(3), r)
	s.at(310, 5, acquired, leaf(3), r)
	s.at(330, 4, released, leaf(3), r)
	s.at(350, 5, released, leaf(3), r)
	s.at(400, 5, contended, leaf(1), r)
	s.at(430, 5, sim.LockAbandoned, leaf(1), r)
	s.at(900, 6, acquired, node(1), w)
	s.at(950, 7, contended, node(1), w) // both still so at the end
	s.at(1001, 3, acquired, node(7), w) // behind the interval
	s.wantResults(t,
		lockstat.Result{Class: "leaf.lock", Group: 0,
			Modes: [2]lockstat.ModeResult{{Acquired: 1, Contended: 1, WaitTime: 60, MaxWait: 60, HoldTime: 90, MaxHold: 50}},
			Handovers: [lockstat.NumDistances]lockstat.Handover{
				lockstat.SameCore: {Count: 1, Time: 10, Max: 10}}},
		lockstat.Result{Class: "leaf.lock", Group: 1,
			Modes: [2]lockstat.ModeResult{{}, {Acquired: 2, Abandoned: 1, WaitTime: 30, MaxWait: 30, HoldTime: 70, MaxHold: 40}}},
		lockstat.Result{Class: "node.lock", Group: 1,
			Modes: [2]lockstat.ModeResult{{Acquired: 1, Waiting: 1, WaitTime: 50, MaxWait: 50, HoldTime: 100, MaxHold: 100}}})
}

// handovers are the hand-overs of group 0 for one class.
func (s *script) handovers() (h [lockstat.NumDistances]lockstat.Handover) {
	for _, x := range s.Results(1200) {
		if x.Group == 0 {
			h = x.Handovers
		}
	}
	return h
}

// TestHandovers: a hand-over goes from the last release that the waiter waited
// for. Nobody hands over to one that came later, or that did not wait.
func TestHandovers(t *testing.T) {
	s := newScript()
	s.at(200, 0, acquired, leaf(0), w)
	s.at(210, 2, contended, leaf(0), w)
	s.at(300, 0, released, leaf(0), w)
	s.at(310, 1, acquired, leaf(0), w) // stolen
	s.at(340, 1, released, leaf(0), w)
	s.at(370, 2, acquired, leaf(0), w) // 30 from CPU 1
	s.at(400, 2, released, leaf(0), w)
	s.at(410, 1, contended, leaf(0), w) // the lock was free when it came
	s.at(420, 1, acquired, leaf(0), w)
	want := [lockstat.NumDistances]lockstat.Handover{lockstat.SameSocket: {Count: 1, Time: 30, Max: 30}}
	if got := s.handovers(); got != want {
		t.Errorf("exclusive: %+v, want %+v", got, want)
	}

	s = newScript() // two readers hold, the later release counts for the writer, whatever comes first
	s.at(200, 0, acquired, leaf(0), r)
	s.at(200, 1, acquired, leaf(0), r)
	s.at(210, 2, contended, leaf(0), w)
	s.at(300, 1, released, leaf(0), r)
	s.at(290, 0, released, leaf(0), r)
	s.at(310, 2, acquired, leaf(0), w)
	want = [lockstat.NumDistances]lockstat.Handover{lockstat.SameSocket: {Count: 1, Time: 10, Max: 10}}
	if got := s.handovers(); got != want {
		t.Errorf("readers to writer: %+v, want %+v", got, want)
	}

	s = newScript() // a reader waits for the writer, not for the reader that was faster
	s.at(200, 0, acquired, leaf(0), w)
	s.at(210, 1, contended, leaf(0), r)
	s.at(210, 2, contended, leaf(0), r)
	s.at(300, 0, sim.LockDowngraded, leaf(0), r)
	s.at(320, 1, acquired, leaf(0), r)
	s.at(330, 1, released, leaf(0), r)
	s.at(350, 2, acquired, leaf(0), r)
	want = [lockstat.NumDistances]lockstat.Handover{lockstat.SameCore: {Count: 1, Time: 20, Max: 20},
		lockstat.OtherSocket: {Count: 1, Time: 50, Max: 50}}
	if got := s.handovers(); got != want {
		t.Errorf("writer to readers: %+v, want %+v", got, want)
	}
	if got := s.Results(1200)[0].Modes; got[w].HoldTime != 100 || got[r].Acquired != 2 || got[r].MaxHold < 700 {
		t.Errorf("the downgraded lock counts as %+v", got)
	}
}

// TestStates: who holds and who waits, in nested waits and when another
// context releases.
func TestStates(t *testing.T) {
	s := newScript()
	s.at(10, 0, acquired, leaf(0), w)
	s.at(20, 1, contended, leaf(0), r)
	s.at(25, 1, contended, leaf(0), r) // again, the same wait
	s.at(30, 2, acquired, node(0), w)
	s.at(40, 1, contended, node(0), w) // a lock inside the waiting code
	want := []lockstat.LockState{
		{Lock: "node.lock", Holders: []lockstat.Party{{Context: "ctx2", Mode: w, Since: 30}}, Waiters: []lockstat.Party{{Context: "ctx1", Mode: w, Since: 40}}},
		{Lock: "leaf.lock", Holders: []lockstat.Party{{Context: "ctx0", Mode: w, Since: 10}}, Waiters: []lockstat.Party{{Context: "ctx1", Mode: r, Since: 20}}},
	}
	if got := s.Contended(); !reflect.DeepEqual(got, want) {
		t.Errorf("contended: %+v, want %+v", got, want)
	}
	s.at(50, 2, released, node(0), w)
	s.at(60, 1, acquired, node(0), w)
	s.at(70, 3, released, leaf(0), w) // by another context
	if got := s.HeldBy(0); got != nil {
		t.Errorf("ctx0 still holds %v", got)
	}
	if got, want := lockstat.Describe(s.HeldBy(1), s.AwaitedBy(1)), "; holds node.lock (write, since 6e-05ns); waits for leaf.lock (read, since 2e-05ns)"; got != want {
		t.Errorf("ctx1 is described as %q, want %q", got, want)
	}
	s.lock(5, leaf(3))
	s.lock(6, leaf(3)) // two holders, as of readers; the first one's is given up by another
	s.unlock(6, leaf(3))
	s.unlock(7, leaf(3))
	if len(s.HeldBy(5))+len(s.HeldBy(6)) != 0 {
		t.Error("the second last holder was not found")
	}
}

// TestManyLocks: the table of locks keeps every one apart as it grows.
func TestManyLocks(t *testing.T) {
	s := lockstat.NewTracker(lockstat.Options{To: 1000})
	c := sim.NewCPU(nil, 0, 0, "ctx")
	for range 2 {
		for i := range 5000 {
			s.Note(c, &lockstat.Event{Kind: acquired, Lock: sim.Addr(0x10000 + 8*i)})
			s.Note(c, &lockstat.Event{Kind: released, Lock: sim.Addr(0x10000 + 8*i)})
		}
	}
	res := s.Results(1000)
	if len(res) != 5000 || len(s.HeldBy(0)) != 0 {
		t.Fatalf("%d classes, %d still held", len(res), len(s.HeldBy(0)))
	}
	for _, x := range res {
		if x.Modes[w].Acquired != 2 {
			t.Fatalf("%+v", x)
		}
	}
}

// TestNoAllocation: in steady state an annotation allocates nothing.
func TestNoAllocation(t *testing.T) {
	s := newScript()
	round := func() {
		s.lock(0, node(0), leaf(0))
		s.at(200, 1, contended, node(0), r)
		s.unlock(0, leaf(0), node(0))
		s.at(210, 1, acquired, node(0), r)
		s.at(220, 1, released, node(0), r)
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a round", n)
	}
}

func BenchmarkNote(b *testing.B) {
	for _, nested := range []bool{false, true} {
		b.Run(map[bool]string{false: "alone", true: "nested"}[nested], func(b *testing.B) {
			s := newScript()
			if nested {
				s.lock(0, node(0))
			}
			for i := range b.N {
				s.note(0, acquired, leaf(i&31), w, stepInner)
				s.note(0, released, leaf(i&31), w, stepInner)
			}
		})
	}
}
