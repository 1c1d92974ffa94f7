package cores

import (
	"reflect"
	"strings"
	"testing"

	"mmsim/sim"
	"mmsim/sim/lockstat"
)

var (
	stepTakeSecond = sim.NewStep("test-take-second")

	pairLayout = sim.NewLayout("lock_pair", 128, 64, sim.F("first", 0, 8), sim.F("second", 64, 8))
	pairBase   = sim.At(0x20000)
	pairFirst  = pairBase.F(pairLayout.Field("first"))
	pairSecond = pairBase.F(pairLayout.Field("second"))
)

// annotated is a test-and-set lock that tells what it does.
type annotated struct{ word sim.Ref }

func (l annotated) lock(c *sim.CPU) {
	if c.Xchg(l.word, 1, sim.Acquire) != 0 {
		c.LockContended(l.word.A, sim.Exclusive)
		for c.Xchg(l.word, 1, sim.Acquire) != 0 {
			c.SpinWhile(l.word, ^uint64(0), 1)
		}
	}
	c.LockAcquired(l.word.A, sim.Exclusive)
}

// TestLockStates: the error about a deadlock says for each thread which locks
// it holds and waits for, for each lock who holds it and who waits since when,
// and names both orders in which the locks were taken.
func TestLockStates(t *testing.T) {
	take := func(a, b sim.Ref) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			c.OpBegin()
			c.Step(stepTake)
			annotated{a}.lock(c)
			c.Compute(5000)
			c.Step(stepTakeSecond)
			annotated{b}.lock(c)
			c.OpEnd()
		}
	}
	p := namedThreads(onCPUs(sim.NewMemory(), take(pairFirst, pairSecond), take(pairSecond, pairFirst)), "left[0]", "right[0]")
	p.Syms.AddObject(pairBase.A, pairLayout, "")
	stall := runStalled(t, p, Options{Seed: 1, Duration: sim.Millisecond})
	left, right := stall.Threads[0], stall.Threads[1]
	for i, th := range stall.Threads {
		names := []string{"lock_pair.first", "lock_pair.second"}
		if len(th.Holds) != 1 || len(th.Awaits) != 1 || th.Holds[0].Lock != names[i] || th.Awaits[0].Lock != names[1-i] ||
			th.Holds[0].Since == 0 || th.Awaits[0].Since <= th.Holds[0].Since {
			t.Fatalf("%s holds %v and waits for %v", th.Name, th.Holds, th.Awaits)
		}
	}
	want := []lockstat.LockState{
		{Lock: "lock_pair.first", Holders: []lockstat.Party{{Context: "left[0]", Since: left.Holds[0].Since}},
			Waiters: []lockstat.Party{{Context: "right[0]", Since: right.Awaits[0].Since}}},
		{Lock: "lock_pair.second", Holders: []lockstat.Party{{Context: "right[0]", Since: right.Holds[0].Since}},
			Waiters: []lockstat.Party{{Context: "left[0]", Since: left.Awaits[0].Since}}},
	}
	if !reflect.DeepEqual(stall.Locks, want) {
		t.Errorf("locks %+v, want %+v", stall.Locks, want)
	}
	msg := stall.Error()
	for _, want := range []string{
		"; holds lock_pair.first (write, since ", "; waits for lock_pair.second (write, since ",
		"\n  lock lock_pair.first: held by left[0] (write, since ", "; awaited by right[0] (write, since ",
		"\n  circular lock order: lock_pair.",
		"left[0] takes lock_pair.second (step test-take-second) while it holds lock_pair.first (step test-take-lock)",
		"right[0] takes lock_pair.first (step test-take-second) while it holds lock_pair.second (step test-take-lock)",
	} {
		if !strings.Contains(msg, want) {
			t.Errorf("the error does not say %q:\n%s", want, msg)
		}
	}
}

// contend lets CPUs queue for one ticket lock for ever; its words are those of
// the pair.
func contend(c *sim.CPU) {
	for {
		c.OpBegin()
		turn := c.FetchAdd(pairFirst, 1, sim.Full)
		if c.LoadAcquire(pairSecond) != turn {
			c.LockContended(pairFirst.A, sim.Exclusive)
			c.SpinUntil(sim.Never, sim.Cond{Ref: pairSecond, Test: sim.Eq, Arg: turn, Order: sim.Acquire})
		}
		c.LockAcquired(pairFirst.A, sim.Exclusive)
		c.Compute(300)
		c.LockReleased(pairFirst.A, sim.Exclusive)
		c.StoreRelease(pairSecond, turn+1)
		c.Compute(100)
		c.OpEnd()
	}
}

// lockRun runs contend on some CPUs and returns the lock's row.
func lockRun(t *testing.T, m *Machine, cpus ...int) lockstat.Result {
	t.Helper()
	p := &Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}}
	for _, cpu := range cpus {
		p.Threads = append(p.Threads, Thread{Name: "t", Path: "test", CPU: cpu, Body: contend})
	}
	p.Syms.AddObject(pairBase.A, pairLayout, "")
	res, err := Run(m, p, Options{Seed: 3, Warmup: 20 * sim.Microsecond, Duration: 100 * sim.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Locks) != 1 || len(res.LockOrder) != 0 {
		t.Fatalf("locks %+v, order %v", res.Locks, res.LockOrder)
	}
	return res.Locks[0]
}

// TestLockResults: what a contended lock's row says fits what must be true of
// any lock, at the distances that the machine has, and is the same every time.
func TestLockResults(t *testing.T) {
	m := testMachine(2, 2, 2)
	all := []int{0, 1, 2, 3, 4, 5, 6, 7}
	r := lockRun(t, m, all...)
	if again := lockRun(t, m, all...); again != r {
		t.Errorf("two runs differ: %+v and %+v", r, again)
	}
	x := r.Modes[sim.Exclusive]
	if r.Class != "lock_pair.first" || x.Acquired < 50 || x.Contended < x.Acquired/2 || x.Contended > x.Acquired || x.Waiting == 0 {
		t.Errorf("%s: %+v", r.Class, x)
	}
	section := 300 * m.Clock[0].Clock.Period()
	if least := section * sim.Time(x.Acquired-1); x.HoldTime < least || x.HoldTime > 2*least || x.MaxHold < section || x.MaxHold > 2*section {
		t.Errorf("%d sections of %v or more took %v, at most %v", x.Acquired, section, x.HoldTime, x.MaxHold)
	}
	var n int64
	for d, h := range r.Handovers {
		n += h.Count
		if distance := lockstat.Distance(d); (h.Count > 0) != (distance != lockstat.SameCPU && distance != lockstat.SameSocket) {
			t.Errorf("%d hand-overs of distance %v", h.Count, distance)
		}
		if h.Count > 0 && (h.Time <= 0 || h.Max*sim.Time(h.Count) < h.Time) {
			t.Errorf("%v: %+v", lockstat.Distance(d), h)
		}
	}
	if n > x.Contended || n < x.Contended*9/10 {
		t.Errorf("%d hand-overs of %d contended acquisitions", n, x.Contended)
	}
}

// TestHandoverByDistance: the farther the lock travels, the dearer it is.
func TestHandoverByDistance(t *testing.T) {
	m := testMachine(2, 2, 2)
	last := sim.Time(0)
	for _, tc := range []struct {
		other    int
		distance lockstat.Distance
	}{{4, lockstat.SameCore}, {1, lockstat.SameDomain}, {2, lockstat.OtherSocket}} {
		h := lockRun(t, m, 0, tc.other).Handovers[tc.distance]
		if h.Count < 20 {
			t.Fatalf("%d hand-overs of distance %v", h.Count, tc.distance)
		}
		mean := h.Time / sim.Time(h.Count)
		if mean < last*5/4 {
			t.Errorf("distance %v: %v, the next nearer one %v", tc.distance, mean, last)
		}
		last = mean
	}
}
