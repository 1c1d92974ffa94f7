package explore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mmsim/sim"
)

// threads makes a program of bodies on CPUs of their own.
func threads(bodies ...func(c *sim.CPU)) *Program {
	p := &Program{Mem: sim.NewMemory()}
	for i, b := range bodies {
		p.Threads = append(p.Threads, Thread{Name: fmt.Sprintf("P%d", i), CPU: i, Body: b})
	}
	return p
}

// search runs a search that must not fail.
func search(t *testing.T, p *Program, o Options) *Summary {
	t.Helper()
	s, err := Run(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var layout = sim.NewLayout("lock", 64, 64, sim.F("owner", 0, 8), sim.F("count", 8, 8))

// busted is a lock that tests and sets in two steps.
func busted(cpus int) *Program {
	holders := 0
	body := func(c *sim.CPU) {
		owner := sim.At(varBase).F(layout.Field("owner"))
		for c.Load(owner) != 0 {
			c.Relax()
		}
		c.Store(owner, uint64(c.ID())+1)
		GhostAccess(c, 1)
		if holders++; holders > 1 {
			Fail(c, "two holders")
		}
		GhostAccess(c, 1)
		holders--
		c.StoreRelease(owner, 0)
	}
	p := threads()
	for i := range cpus {
		p.Threads = append(p.Threads, Thread{CPU: i, Body: body})
	}
	p.Reset = func() { holders = 0 }
	p.Syms = &sim.Symbols{}
	p.Syms.AddObject(varBase, layout, "")
	return p
}

func TestBustedLockIsFound(t *testing.T) {
	for m := range numModels {
		for _, o := range []Options{{Bound: 2}, {Bound: Unbounded}, {Search: PCT, Seed: 1}, {Search: Random, Seed: 1}} {
			o.Model = m
			v := search(t, busted(2), o).Violation
			if v == nil || v.Invariant != "two holders" {
				t.Errorf("%v, %v search, bound %d: found %v", m, o.Search, o.Bound, v)
				continue
			}
			if n := v.Preemptions + v.StaleReads + v.DelayedStores; n != 2 {
				t.Errorf("%v, %v search, bound %d: %d deviations, want 2\n%s", m, o.Search, o.Bound, n, v.Trace)
			}
		}
	}
}

func TestColumns(t *testing.T) {
	v := search(t, busted(2), Options{Bound: 2}).Violation
	const want = `   CPU0                 | CPU1
------------------------+---------------------
1  read lock.owner -> 0 |
2                       | read lock.owner -> 0
3                       | write lock.owner = 2
4  write lock.owner = 1 |
`
	if got := v.Trace.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A stale read says whose store it misses and which order is lacking.
func TestStaleReadsAreExplained(t *testing.T) {
	for between, want := range map[string]string{"po": "no smp_rmb", "rmb": "nothing makes that store reach"} {
		w := "wmb"
		if between == "rmb" {
			w = "po"
		}
		s := shape{bodies: []body{ww(vx, vy, w), rr(vy, vx, 0, 1, between)}, asked: regs(1, 0)}
		p := s.program()
		p.Final = failOn(p.Final)
		v := search(t, p, Options{Model: LKMM, Bound: 2}).Violation
		if v == nil {
			t.Fatal("not found")
		}
		if text := v.Trace.String(); !strings.Contains(text, "stale: misses CPU0's store in row 1; "+want) {
			t.Errorf("%s: no explanation %q:\n%s", between, want, text)
		}
		if v.Preemptions != 0 || v.StaleReads != 1 || v.DelayedStores != 0 {
			t.Errorf("%d preemptions, %d stale reads, %d delayed stores", v.Preemptions, v.StaleReads, v.DelayedStores)
		}
	}
}

// failOn makes the outcome that was asked for a violation.
func failOn(f func(View) (string, error)) func(View) (string, error) {
	return func(v View) (string, error) {
		s, _ := f(v)
		if strings.HasSuffix(s, "*") {
			return s, errors.New("asked for")
		}
		return s, nil
	}
}

// A violation that takes two preemptions is out of reach of bound 1.
func TestBoundCountsPreemptions(t *testing.T) {
	x := variable(vx)
	p := func() *Program {
		return threads(func(c *sim.CPU) {
			c.Store(x, 1)
			c.Store(x, 2)
		}, func(c *sim.CPU) {
			if c.Load(x) == 1 && c.Load(x) == 2 {
				Fail(c, "both seen")
			}
		})
	}
	if s := search(t, p(), Options{Bound: 1}); s.Violation != nil || !s.Exhausted {
		t.Errorf("bound 1: %+v", s)
	}
	s := search(t, p(), Options{Bound: 2})
	if s.Violation == nil || s.Violation.Preemptions != 2 {
		t.Errorf("bound 2: %+v", s)
	}
}

// Stale reads and delayed stores count like preemptions.
func TestBoundCountsStaleness(t *testing.T) {
	mp := shape{bodies: []body{ww(vx, vy, "po"), rr(vy, vx, 0, 1, "po")}, asked: regs(1, 0)}
	w22 := shape{bodies: []body{func(t *lit) { t.W(vx, 1); t.W(vy, 2) }, func(t *lit) { t.W(vy, 1); t.W(vx, 2) }},
		asked: final(final(regs(), vx, 1), vy, 1)}
	for _, s := range []shape{mp, w22} {
		p := s.program()
		p.Final = failOn(p.Final)
		if s := search(t, p, Options{Model: LKMM, Bound: 0}); s.Violation != nil || !s.Exhausted {
			t.Errorf("bound 0: %+v", s)
		}
		if s := search(t, p, Options{Model: LKMM, Bound: 1}); s.Violation == nil {
			t.Errorf("bound 1: %+v", s)
		}
	}
}

func TestMemoryIsRestored(t *testing.T) {
	for _, o := range []Options{{Bound: 2}, {Bound: Unbounded}, {Bound: 2, Model: LKMM}, {Search: Random, MaxExecutions: 50, Model: X86TSO}} {
		p := busted(2)
		private := sim.At(varBase+4096).Ref(3, 1)
		p.Mem.Write(private.A, 1, 7)
		body := p.Threads[0].Body
		p.Threads[0].Body = func(c *sim.CPU) {
			if c.Load(private) != 7 {
				Fail(c, "memory was not restored")
			}
			c.Store(private, 9)
			body(c)
		}
		o.KeepGoing = true
		v := search(t, p, o).Violation
		if v != nil && v.Invariant != "two holders" {
			t.Errorf("%+v: %s", o, v.Invariant)
		}
		if p.Mem.Read(private.A, 1) != 7 || p.Mem.Read(varBase, 8) != 0 {
			t.Errorf("%+v: the initial state has changed", o)
		}
	}
}

func TestReplayIsExact(t *testing.T) {
	for m := range numModels {
		for _, o := range []Options{{Bound: 3}, {Bound: Unbounded}, {Search: PCT, Seed: 5}} {
			o.Model = m
			v := search(t, busted(3), o).Violation
			w, err := Replay(busted(3), v.Token)
			if err != nil || w.Trace.String() != v.Trace.String() || w.Invariant != v.Invariant {
				t.Errorf("%v: %v: %v\n%s\n%s", m, v.Token, err, v.Trace, w.Trace)
			}
		}
	}
}

func TestBadTokens(t *testing.T) {
	for _, s := range []string{"", "sc:d:0.1", "pc:d::", "sc:x::", "sc:d:0:", "sc:d:0.x:", "sc:g::1", "sc:d:q0.1:"} {
		if _, err := Replay(busted(2), s); err == nil {
			t.Errorf("%q: no error", s)
		}
		if _, err := replay(busted(2), s); err == nil {
			t.Errorf("%q: no error without a seal", s)
		}
	}
	for _, s := range []string{"sc:d:7.1:", "sc:d:i9.1:", "sc:d:i0.1:", "sc:g:0.1:1.9", "sc:d:-1.3:", "sc:g:0.2:1.-1"} {
		if _, err := replay(busted(2), s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}

// A token of a program does not pass for one of another, even if it fits.
func TestTokensAreSealed(t *testing.T) {
	v := search(t, busted(2), Options{Bound: 3}).Violation
	other := busted(2)
	other.Threads[0].Name = "renamed"
	if _, err := Replay(other, v.Token); err != ErrReplay {
		t.Errorf("replaying in another program: %v", err)
	}
	if _, err := Replay(busted(2), v.Token[:len(v.Token)-1]); err != ErrReplay {
		t.Errorf("replaying a token cut short: %v", err)
	}
}

// Executions that do not end count against the limit too.
func TestLivelocksAreLimited(t *testing.T) {
	poll := func(mine, other int) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			for n := uint64(0); ; n++ {
				c.Store(variable(mine), n)
				c.Load(variable(other))
			}
		}
	}
	s := search(t, threads(poll(vx, vy), poll(vy, vx)), Options{Model: ARM64, Bound: 3, MaxOps: 50, MaxExecutions: 20})
	if n := s.Livelocks + s.Executions + s.Cut; n == 0 || n > 20 || s.Exhausted {
		t.Errorf("%+v", s)
	}
}

// A closed channel stops a search without a verdict.
func TestDoneStopsASearch(t *testing.T) {
	done, n := make(chan struct{}), 0
	s := search(t, ringProgram(), Options{Model: LKMM, Bound: Unbounded, Done: done, Progress: func(Summary) {
		if n++; n == 3 {
			close(done)
		}
	}})
	if s.Exhausted || s.Executions+s.Cut > 64 {
		t.Errorf("exhausted %v, %d executions", s.Exhausted, s.Executions)
	}
}

func TestDeadlocks(t *testing.T) {
	abba := func(a, b int) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			SpinLock(c, variable(a))
			SpinLock(c, variable(b))
			SpinUnlock(c, variable(b))
			SpinUnlock(c, variable(a))
		}
	}
	self := threads(func(c *sim.CPU) { SpinLock(c, variable(vs)); SpinLock(c, variable(vs)) })
	grace := threads(func(c *sim.CPU) { ReadLock(c, 0); Synchronize(c, 0) }, func(c *sim.CPU) { c.Load(variable(vx)) })
	wait := threads(func(c *sim.CPU) { c.SpinUntil(sim.Never, sim.Cond{Ref: variable(vx), Test: sim.Ne}) })
	for m := range numModels {
		for _, bound := range []int{1, Unbounded} {
			s := search(t, threads(abba(vs, vt), abba(vt, vs)), Options{Model: m, Bound: bound})
			if s.Deadlocks == 0 || s.Executions == 0 {
				t.Errorf("%v bound %d: ABBA: %d executions, %d deadlocks", m, bound, s.Executions, s.Deadlocks)
			}
			for i, p := range []*Program{self, grace, wait} {
				if s := search(t, p, Options{Model: m, Bound: bound}); s.Deadlocks == 0 || s.Executions != 0 {
					t.Errorf("%v bound %d: program %d: %d executions, %d deadlocks", m, bound, i, s.Executions, s.Deadlocks)
				}
			}
		}
	}
	p := threads(abba(vs, vt), abba(vt, vs))
	p.MustEnd = true
	if s := search(t, p, Options{Bound: 2}); s.Violation == nil || s.Violation.Invariant != "deadlock" {
		t.Errorf("a deadlock is no violation: %+v", s)
	}
}

// A lock that is never given back in one order is in the other one.
func TestTheOtherOrderOfADeadlock(t *testing.T) {
	p := func() *Program {
		return threads(func(c *sim.CPU) {
			SpinLock(c, variable(vs))
			if c.Load(variable(vx)) == 0 {
				SpinLock(c, variable(vs))
			}
			SpinUnlock(c, variable(vs))
		}, func(c *sim.CPU) {
			SpinLock(c, variable(vs))
			c.Store(variable(vx), 1)
			SpinUnlock(c, variable(vs))
		})
	}
	for m := range numModels {
		for _, bound := range []int{1, Unbounded} {
			if s := search(t, p(), Options{Model: m, Bound: bound}); s.Deadlocks == 0 || s.Executions == 0 {
				t.Errorf("%v bound %d: %d executions, %d deadlocks", m, bound, s.Executions, s.Deadlocks)
			}
		}
	}
}

func TestCrashesAreViolations(t *testing.T) {
	p := threads(func(c *sim.CPU) { c.Store(variable(vx), 1) }, func(c *sim.CPU) {
		if c.Load(variable(vx)) == 1 {
			c.Load(sim.Ptr{}.Ref(8, 8))
		}
	})
	for _, bound := range []int{2, Unbounded} {
		s := search(t, p, Options{Bound: bound})
		if s.Violation == nil || !strings.Contains(s.Violation.Invariant, "null pointer") {
			t.Errorf("bound %d: %+v", bound, s)
		}
	}
}

func TestLivelocksAreCut(t *testing.T) {
	store := func(c *sim.CPU) { c.Store(variable(vx), 0) }
	p := threads(func(c *sim.CPU) {
		for c.Load(variable(vx)) == 0 {
		}
	}, store)
	s := search(t, p, Options{Bound: 0, MaxOps: 100})
	if s.Livelocks == 0 || s.Exhausted {
		t.Errorf("%+v", s)
	}
	p = threads(func(c *sim.CPU) {
		for c.Load(variable(vx)) == 0 {
			c.Relax()
		}
	}, store)
	for m := range numModels {
		for _, bound := range []int{1, Unbounded} {
			if s := search(t, p, Options{Model: m, Bound: bound}); s.Deadlocks == 0 || s.Livelocks+s.Executions > 0 {
				t.Errorf("%v bound %d: %+v", m, bound, s)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	if s := search(t, ringProgram(), Options{Model: LKMM, Bound: 3, MaxExecutions: 500}); s.Exhausted || s.Executions+s.Cut < 500 {
		t.Errorf("%+v", s)
	}
	if s := search(t, ringProgram(), Options{Model: LKMM, Bound: 3, Budget: time.Nanosecond}); s.Exhausted {
		t.Errorf("%+v", s)
	}
	n := 0
	search(t, ringProgram(), Options{Bound: 1, Progress: func(Summary) { n++ }})
	if n == 0 {
		t.Error("no progress was told")
	}
	if _, err := Run(&Program{}, Options{}); err == nil {
		t.Error("a program without threads ran")
	}
}

// Sampling with one seed gives one summary, with another a different one.
func TestSamplesAreSeeded(t *testing.T) {
	for _, k := range []Search{PCT, Random} {
		outcomes := func(seed uint64) string {
			s := shapes()[4]
			return fmt.Sprint(search(t, s.program(), Options{Model: LKMM, Search: k, Seed: seed, MaxExecutions: 200}).Outcomes)
		}
		first := outcomes(1)
		if again := outcomes(1); again != first {
			t.Errorf("%v: one seed, two results", k)
		}
		if first == outcomes(2) {
			t.Errorf("%v: two seeds, one result", k)
		}
	}
}

// Ghost accesses to one key happen in every order; to different keys in one.
func TestGhostOrders(t *testing.T) {
	for _, bound := range []int{2, Unbounded} {
		var log string
		ghost := func(key uint64, name string) func(c *sim.CPU) {
			return func(c *sim.CPU) { GhostAccess(c, key); log += name }
		}
		p := threads(ghost(1, "a"), ghost(1, "b"), ghost(1, "c"))
		p.Reset = func() { log = "" }
		p.Final = func(View) (string, error) { return log, nil }
		if s := search(t, p, Options{Bound: bound}); len(s.Outcomes) != 6 {
			t.Errorf("bound %d: orders %v", bound, s.Outcomes)
		}
	}
}

// A condition that waits goes on with any value that meets it, and a deadline
// may pass at any time.
func TestSpinWaits(t *testing.T) {
	for m := range numModels {
		for _, bound := range []int{3, Unbounded} {
			var got int
			x, y := variable(vx), variable(vy)
			p := threads(func(c *sim.CPU) {
				got = c.SpinUntil(sim.Microsecond, sim.Cond{Ref: x, Test: sim.Ne}, sim.Cond{Ref: y, Test: sim.Ne, Order: sim.Acquire})
			}, func(c *sim.CPU) { c.Store(y, 1); c.Store(x, 1) })
			p.Final = func(View) (string, error) { return fmt.Sprint(got), nil }
			s := search(t, p, Options{Model: m, Bound: bound})
			if states(s) != "-1\n0\n1\n" {
				t.Errorf("%v bound %d: %q", m, bound, states(s))
			}
		}
	}
}
