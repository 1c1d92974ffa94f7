package cores

import (
	"encoding/json"
	"testing"

	"mmsim/sim"
)

// TestComputeOnly: a thread that only computes spends exactly its cycles on
// that, and its CPU is idle afterwards.
func TestComputeOnly(t *testing.T) {
	r := mustRun(t, testMachine(1, 1, 1), onCPUs(sim.NewMemory(), repeat(1, 100, func(c *sim.CPU) { c.Compute(123) })...))
	for k := range NumCategories {
		want := sim.Time(0)
		switch k {
		case Compute:
			want = cyc(100 * 123)
		case Idle:
			want = r.Elapsed - cyc(100*123)
		}
		if got := spent(r, 0, k); got != want {
			t.Errorf("%v on account of %v, want %v", got, k, want)
		}
	}
	for m := range NumMetrics {
		if n := total(r, m); n != 0 {
			t.Errorf("%d %v in a thread that only computes", n, m)
		}
	}
}

// TestOneOfEach: every kind of cost lands in its own category, at the cost the
// machine states.
func TestOneOfEach(t *testing.T) {
	m := testMachine(1, 1, 1)
	stepMeasured := sim.NewStep("test-measured")
	measure := func(warm, op func(c *sim.CPU)) [NumCategories]sim.Time {
		p := onCPUs(sim.NewMemory(), func(c *sim.CPU) {
			warm(c)
			c.Compute(5000)
			prev := c.Step(stepMeasured)
			op(c)
			c.Step(prev)
		})
		return mustRun(t, m, p).CPUs[0].Time[stepMeasured]
	}
	x, y := word(0x20000), word(0x30000)
	load := func(c *sim.CPU) { c.Load(x) }
	own := func(c *sim.CPU) { c.FetchAdd(x, 1, sim.Full) }
	nothing := func(*sim.CPU) {}
	mem := &m.Mem
	miss := cyc(m.L2Latency) + 2*mem.AgentLeg + mem.AgentLookup + mem.MemoryLatency
	for _, c := range []struct {
		name     string
		warm, op func(c *sim.CPU)
		want     map[Category]sim.Time
	}{
		{"L1 hit", load, load, map[Category]sim.Time{L1: cyc(m.L1Latency)}},
		{"memory", nothing, load, map[Category]sim.Time{MemLocal: miss}},
		{"own store", own, func(c *sim.CPU) { c.Store(x, 1) }, map[Category]sim.Time{L1: cyc(m.StoreCommit)}},
		{"atomic", own, own, map[Category]sim.Time{Atomic: cyc(m.Costs.Atomic)}},
		{"atomic that misses", nothing, own, map[Category]sim.Time{MemLocal: miss, Atomic: cyc(m.Costs.Atomic)}},
		{"idle fence", own, func(c *sim.CPU) { c.SmpMB() }, map[Category]sim.Time{Atomic: cyc(m.Costs.MB)}},
		{"compiler barriers", own, func(c *sim.CPU) { c.SmpWMB(); c.SmpRMB(); c.LoadAcquire(x) }, map[Category]sim.Time{L1: cyc(m.L1Latency)}},
		{"pause", nothing, func(c *sim.CPU) { c.Relax() }, map[Category]sim.Time{LockSpin: cyc(m.PauseLength)}},
		// The store asks for its line at once; the fence waits for the rest.
		{"fence behind a missing store", nothing, func(c *sim.CPU) { c.Store(y, 1); c.SmpMB() },
			map[Category]sim.Time{L1: cyc(m.StoreCommit), FenceStall: miss, Atomic: cyc(m.Costs.MB)}},
	} {
		got := measure(c.warm, c.op)
		for k := range NumCategories {
			if got[k] != c.want[k] {
				t.Errorf("%s: %v on account of %v, want %v", c.name, got[k], k, c.want[k])
			}
		}
	}
}

// TestOverlap: stores that miss drain behind the core's back and overlap; a
// full store buffer stalls.
func TestOverlap(t *testing.T) {
	elapsed := func(buffer, missBuffers int) (sim.Time, *Result) {
		m := testMachine(1, 1, 1)
		m.StoreBuffer, m.MissBuffers = buffer, missBuffers
		var d sim.Time
		r := mustRun(t, m, onCPUs(sim.NewMemory(), func(c *sim.CPU) {
			for i := range uint64(16) {
				c.Store(sim.At(0x20000).Ref(64*i, 8), 1)
			}
			c.SmpMB()
			d = c.Now()
		}))
		return d, r
	}
	wide, r := elapsed(32, 16)
	if s := spent(r, 0, StoreStall); s != 0 {
		t.Errorf("%v of store stall with room for all", s)
	}
	narrow, r := elapsed(4, 16)
	if s := spent(r, 0, StoreStall); s == 0 {
		t.Error("no store stall with a buffer of 4")
	}
	serial, _ := elapsed(32, 1)
	if wide*2 > narrow || narrow*2 > serial {
		t.Errorf("16 missing stores take %v overlapped, %v with a buffer of 4, %v with one miss at a time", wide, narrow, serial)
	}
}

// steady is a loop without end that uses all of the machine: shared and
// private lines, a lock, sleeping, IPIs and a timer.
func steady(seed uint64) *Program {
	var bodies []func(c *sim.CPU)
	counter := sim.NewCounter("test-rounds")
	for i := range 4 {
		bodies = append(bodies, func(c *sim.CPU) {
			for k := uint64(0); ; k++ {
				r := sim.NewRand(seed, uint64(i), k)
				c.OpBegin()
				for c.Xchg(word(lockAddr), 1, sim.Acquire) != 0 {
					c.SpinWhile(word(lockAddr), 1, 1)
				}
				c.Store(word(counterAddr), k)
				c.StoreRelease(word(lockAddr), 0)
				c.Load(sim.At(0x100000).Ref(r.Below(500)*64, 8))
				c.Clear(sim.At(0x200000+sim.Addr(i)*0x1000), 256)
				if k%7 == 3 {
					c.SendIPI((i+1)%4, func(c *sim.CPU) { c.Compute(50) })
				}
				if k%11 == 5 {
					unpark(c, c.ID())
					park(c, whyTest)
				}
				c.Count(counter, 1)
				c.OpEnd()
				c.Think(c.Now() + r.TimeBelow(300*sim.Nanosecond))
			}
		})
	}
	p := onCPUs(sim.NewMemory(), bodies...)
	p.Hooks.Boot = func(c *sim.CPU) {
		var tick sim.Handler
		tick = func(c *sim.CPU) { c.Compute(30); c.SetTimer(7*sim.Microsecond, tick) }
		c.SetTimer(sim.Time(1+c.ID())*sim.Microsecond, tick)
	}
	return p
}

func runSteady(t *testing.T, seed uint64, warmup, duration sim.Time) *Result {
	t.Helper()
	m := testMachine(2, 1, 2)
	r, err := Run(m, steady(seed), Options{Seed: seed, Warmup: warmup, Duration: duration})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWarmup: what is measured behind a warm-up is the tail of the same run
// without one: times and counts of warm-up and tail add up to the whole.
func TestWarmup(t *testing.T) {
	for _, w := range []sim.Time{1, 10 * sim.Microsecond, 50*sim.Microsecond + 12345} {
		const whole = 120 * sim.Microsecond
		all := runSteady(t, 1, 0, whole)
		head := runSteady(t, 1, 0, w)
		tail := runSteady(t, 1, w, whole-w)
		for i := range all.CPUs {
			a, h, l := &all.CPUs[i], &head.CPUs[i], &tail.CPUs[i]
			for m := range NumMetrics {
				if a.Metrics[m] != h.Metrics[m]+l.Metrics[m] {
					t.Errorf("warm-up %v, CPU %d: %d %v in all, %d + %d in its parts", w, i, a.Metrics[m], m, h.Metrics[m], l.Metrics[m])
				}
			}
			for s := range a.Time {
				whole, first, rest := missesInOne(a.Time[s]), missesInOne(h.Time[s]), missesInOne(l.Time[s])
				for k := range whole {
					if whole[k] != first[k]+rest[k] {
						t.Errorf("warm-up %v, CPU %d: %v of %v in step %v in all, %v + %v in its parts", w, i,
							whole[k], Category(k), sim.Step(s), first[k], rest[k])
					}
				}
			}
			if a.Events != sumEvents(h.Events, l.Events) {
				t.Errorf("warm-up %v, CPU %d: counters %v in all, %v + %v in its parts", w, i, a.Events, h.Events, l.Events)
			}
			if ta := &all.Tasks[i]; ta.Ops != head.Tasks[i].Ops+tail.Tasks[i].Ops || ta.Running != head.Tasks[i].Running+tail.Tasks[i].Running {
				t.Errorf("warm-up %v, thread %d: %+v in all, %+v and %+v in its parts", w, i, ta, head.Tasks[i], tail.Tasks[i])
			}
		}
	}
}

// missesInOne adds up all waits for lines: where a miss is served that the end of
// a run cuts off is not always known yet.
func missesInOne(t [NumCategories]sim.Time) [NumCategories]sim.Time {
	for _, k := range []Category{MemLocal, MemRemote, CacheDomain, CacheSocket, CacheRemote} {
		t[LLC] += t[k]
		t[k] = 0
	}
	return t
}

func sumEvents(a, b [sim.MaxCounters]int64) [sim.MaxCounters]int64 {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

// TestDeterminism: the same seed gives the same result to the byte, another
// seed does not.
func TestDeterminism(t *testing.T) {
	bytes := func(seed uint64) string {
		r := runSteady(t, seed, 10*sim.Microsecond, 100*sim.Microsecond)
		b, err := json.Marshal([]any{r.Elapsed, r.CPUs, r.Tasks, r.Bounces, r.HostEvents, r.Latency[0].Export()})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	a := bytes(1)
	if bytes(1) != a {
		t.Error("two runs of one seed differ")
	}
	if bytes(2) == a {
		t.Error("two seeds give the same run")
	}
	if n := runSteady(t, 1, 0, 100*sim.Microsecond).Tasks[0].Ops; n < 30 {
		t.Errorf("only %d operations: the program hardly runs", n)
	}
}
