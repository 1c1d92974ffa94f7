package kinds_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/locking/kinds"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// dataLayout is the monitor of one lock: what it protects, and who is inside.
var dataLayout = sim.NewLayout("data", 64, 64,
	sim.F("count", 0, 8), sim.F("copy", 8, 8), sim.F("writers", 16, 8), sim.F("readers", 24, 8))

var (
	count   = dataLayout.Field("count")
	copied  = dataLayout.Field("copy")
	writers = dataLayout.Field("writers")
	readers = dataLayout.Field("readers")
)

type world struct {
	*kernel.Base
	mem  *sim.Memory
	syms *sim.Symbols
	kind kinds.Kind
	l    []kinds.Lock
	data []sim.Ptr
}

func newWorld(t *testing.T, kind string, tasks, locks int, o kinds.Options) *world {
	t.Helper()
	return boot(t, kind, locks, kernel.Config{CPUs: tasks, TickPeriod: sim.Time(tasks) * 500 * sim.Nanosecond, TaskCPU: upTo(tasks)}, o)
}

// newCrowd is a world with more tasks than CPUs, all of which may run anywhere
// and are preempted at any time.
func newCrowd(t *testing.T, kind string, cpus, tasks int) *world {
	t.Helper()
	const tick = 2 * sim.Microsecond
	cfg := kernel.Config{CPUs: cpus, TickPeriod: tick, Slice: tick, Preempt: sched.Full}
	for i := range tasks {
		cfg.TaskCPU, cfg.Allowed = append(cfg.TaskCPU, i%cpus), append(cfg.Allowed, upTo(cpus))
	}
	return boot(t, kind, 1, cfg, kinds.Options{})
}

func upTo(n int) (s []int) {
	for i := range n {
		s = append(s, i)
	}
	return s
}

func boot(t *testing.T, kind string, locks int, cfg kernel.Config, o kinds.Options) *world {
	t.Helper()
	mem, syms := sim.NewMemory(), &sim.Symbols{}
	w := &world{mem: mem, syms: syms}
	w.Base = kernel.NewBase(mem, syms, cfg)
	f := kinds.New(w.Base, o)
	for i := range locks {
		l, err := f.Make(kind, fmt.Sprintf("lock%d", i))
		if err != nil {
			t.Fatal(err)
		}
		w.l = append(w.l, l)
		w.data = append(w.data, w.Arena.Object(dataLayout, ""))
	}
	w.kind, _ = kinds.Find(kind)
	return w
}

func (w *world) run(t *testing.T, tasks int, seed uint64, body func(c *sim.CPU, i int)) *simtest.Machine {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
	m.Kernel(w.Hooks())
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i%w.Sched.CPUs(), func(c *sim.CPU) { body(c, i) })
	}
	if err := m.Run(); err != nil {
		t.Fatalf("%s, %d tasks: %v", w.kind.Name, tasks, err)
	}
	return m
}

// mainWord is the field that each kind is known by in lock reports.
var mainWord = map[string]string{
	"tas": "tas.val", "ticket": "ticket.val", "mcs": "mcs.tail", "qspinlock": "qspinlock.val", "mutex": "mutex.owner",
	"rwsem": "rwsem.count", "qrwlock": "qrwlock.cnts", "percpu-rwsem": "percpu_rwsem.block",
	"bravo-rwsem": "bravo.count", "seqlock": "seqlock.lock",
}

// checkReports: the lock reports know of every acquisition, and that nobody
// holds or awaits a lock any more. It returns how many waited.
func (w *world) checkReports(t *testing.T, m *simtest.Machine, taken [2]int64) (waited int64) {
	t.Helper()
	for i := range len(w.Sched.InUse()) {
		if h, a := m.Locks.HeldBy(i), m.Locks.AwaitedBy(i); len(h)+len(a) > 0 {
			t.Errorf("%s: task %d holds %v and awaits %v at the end", w.kind.Name, i, h, a)
		}
	}
	for _, r := range m.Locks.Results(m.Elapsed()) {
		if r.Class != "lock."+mainWord[w.kind.Name] {
			continue
		}
		x, s := r.Modes[sim.Exclusive], r.Modes[sim.Shared]
		if w.kind.Shared && (x.Acquired != taken[sim.Exclusive] || s.Acquired != taken[sim.Shared]) ||
			x.Acquired+s.Acquired != taken[0]+taken[1] {
			t.Errorf("%s: reported %d writers and %d readers of %d", w.kind.Name, x.Acquired, s.Acquired, taken)
		}
		return x.Contended + s.Contended
	}
	t.Errorf("%s: no report of it", w.kind.Name)
	return 0
}

// section is what a holder does: it must be alone, or alone with readers.
func (w *world) section(t *testing.T, c *sim.CPU, k int, m sim.LockMode) (together bool) {
	d := w.data[k]
	if m == sim.Shared && w.kind.Shared {
		together = c.FetchAdd(d.F(readers), 1, sim.Relaxed) != 0
		before := c.Load(d.F(count))
		if n := c.Load(d.F(writers)); n != 0 {
			t.Errorf("%s: %s reads with %d writers inside", w.kind.Name, c.Name, n)
		}
		if c.Load(d.F(count)) != before {
			t.Errorf("%s: a write came into a read section", w.kind.Name)
		}
		c.FetchAdd(d.F(readers), ^uint64(0), sim.Relaxed)
		return together
	}
	if n := c.FetchAdd(d.F(writers), 1, sim.Relaxed); n != 0 {
		t.Errorf("%s: %s finds %d holders inside", w.kind.Name, c.Name, n)
	}
	if n := c.Load(d.F(readers)); n != 0 {
		t.Errorf("%s: %s finds %d readers inside", w.kind.Name, c.Name, n)
	}
	if m == sim.Exclusive {
		v := c.Load(d.F(count)) + 1
		c.Store(d.F(count), v)
		c.Store(d.F(copied), v)
	}
	c.FetchAdd(d.F(writers), ^uint64(0), sim.Relaxed)
	return false
}

// take takes lock k in one of its ways and reports whether readers were
// together; taken counts.
func (w *world) take(t *testing.T, c *sim.CPU, k int, way uint64, taken *[2]int64) (together bool) {
	l, m := w.l[k], sim.LockMode(way%2)
	if way < 4 {
		l.Lock(c, m)
	} else if !l.TryLock(c, m) {
		return false
	}
	taken[m]++
	together = w.section(t, c, k, m)
	l.Unlock(c, m)
	return together
}

// Every kind keeps writers alone and lets readers in together, taken in every
// way, by 2 tasks (a pending waiter) up to many, and by more tasks than CPUs; and
// it reports what it does.
func TestExclusion(t *testing.T) {
	for _, kind := range kinds.Kinds() {
		met, waited := false, int64(0)
		for _, p := range []struct {
			tasks, rounds int
			seeds         uint64
		}{{2, 12, 30}, {3, 12, 30}, {7, 8, 20}, {64, 2, 2}, {256, 1, 1}} {
			for seed := range p.seeds {
				waited += exclude(t, newWorld(t, kind.Name, p.tasks, 1, kinds.Options{}), p.tasks, p.rounds, seed, &met)
			}
		}
		for seed := range uint64(4) {
			w := newCrowd(t, kind.Name, 3, 10)
			waited += exclude(t, w, 10, 8, seed, &met)
		}
		if met != kind.Shared || waited == 0 {
			t.Errorf("%s: readers met: %v, %d waited", kind.Name, met, waited)
		}
	}
}

// exclude lets the tasks take the lock in every way. It sets met if readers were
// inside together, and returns how often somebody waited.
func exclude(t *testing.T, w *world, tasks, rounds int, seed uint64, met *bool) int64 {
	t.Helper()
	var taken [2]int64
	m := w.run(t, tasks, seed, func(c *sim.CPU, i int) {
		for k := range uint64(rounds) {
			r := sim.NewRand(seed, uint64(i), k)
			*met = w.take(t, c, 0, r.Below(6), &taken) || *met
		}
	})
	if n := w.mem.Read(w.data[0].F(count).A, 8); n != uint64(taken[sim.Exclusive]) {
		t.Fatalf("%s, %d tasks, seed %d: %d increments of %d", w.kind.Name, tasks, seed, n, taken[sim.Exclusive])
	}
	return w.checkReports(t, m, taken)
}

// A held lock refuses a trylock at once, in any mode, and a free one grants it.
func TestTryLockNeverWaits(t *testing.T) {
	for _, kind := range kinds.Kinds() {
		for _, held := range []sim.LockMode{sim.Exclusive, sim.Shared} {
			w := newWorld(t, kind.Name, 2, 1, kinds.Options{})
			flag := w.data[0].F(copied)
			w.run(t, 2, 0, func(c *sim.CPU, i int) {
				l := w.l[0]
				if i == 0 {
					if held == sim.Exclusive && kind.NoWriteTry {
						l.Lock(c, held)
					} else if !l.TryLock(c, held) {
						t.Errorf("%s: a free lock was refused", kind.Name)
					}
					c.Store(flag, 1)
					c.SpinUntil(sim.Never, sim.Cond{Ref: flag, Arg: 2})
					l.Unlock(c, held)
					return
				}
				c.SpinUntil(sim.Never, sim.Cond{Ref: flag, Arg: 1})
				if l.TryLock(c, sim.Exclusive) {
					t.Errorf("%s: taken for %v while held for %v", kind.Name, sim.Exclusive, held)
				}
				want := kind.Shared && held == sim.Shared
				if got := l.TryLock(c, sim.Shared); got != want {
					t.Errorf("%s: a reader's trylock while held for %v: %v", kind.Name, held, got)
				} else if got {
					l.Unlock(c, sim.Shared)
				}
				c.Store(flag, 2)
			})
		}
	}
}

// Several locks held at once, taken in one order and released in another.
func TestNesting(t *testing.T) {
	const locks, tasks = 3, 4
	for _, kind := range kinds.Kinds() {
		for seed := range uint64(10) {
			w := newWorld(t, kind.Name, tasks, locks, kinds.Options{})
			w.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for round := range uint64(4) {
					m := sim.LockMode((round + uint64(i)) % 2)
					for k := range locks {
						w.l[k].Lock(c, m)
						w.section(t, c, k, m)
					}
					for k := range locks {
						w.l[(k+i)%locks].Unlock(c, m)
					}
				}
			})
		}
	}
}

// A preemptible lock leaves the preemption count alone.
func TestPreemptible(t *testing.T) {
	for _, kind := range []string{"tas", "ticket", "mcs"} {
		for _, preemptible := range []bool{false, true} {
			w := newWorld(t, kind, 1, 1, kinds.Options{Preemptible: preemptible})
			w.run(t, 1, 0, func(c *sim.CPU, _ int) {
				w.l[0].Lock(c, sim.Exclusive)
				if got := w.Sched.Preemptible(c); got != preemptible {
					t.Errorf("%s, preemptible %v: held with preemption on: %v", kind, preemptible, got)
				}
				w.l[0].TryLock(c, sim.Exclusive)
				w.l[0].Unlock(c, sim.Exclusive)
				if !w.Sched.Preemptible(c) {
					t.Errorf("%s: preemption stays off", kind)
				}
			})
		}
	}
}

// An rw_semaphore's count and owner share a line, or not, as asked for; it works
// either way.
func TestRWSemLines(t *testing.T) {
	const tasks, rounds = 4, 20
	for _, kind := range []string{"rwsem", "bravo-rwsem"} {
		for _, lines := range []kinds.Lines{kinds.Packed, kinds.SplitOwner} {
			w := newWorld(t, kind, tasks, 1, kinds.Options{Lines: lines})
			n := 0
			w.run(t, tasks, uint64(lines), func(c *sim.CPU, _ int) {
				for range rounds {
					w.l[0].Lock(c, sim.Exclusive)
					old := n
					c.Compute(1)
					n = old + 1
					w.l[0].Unlock(c, sim.Exclusive)
				}
			})
			if n != tasks*rounds {
				t.Errorf("%s, lines %v: %d increments of %d", kind, lines, n, tasks*rounds)
			}
			words := map[string]sim.Addr{}
			for a := w.data[0].A - 512; a < w.data[0].A; a += 8 { // the lock is in front of its data
				if _, word, ok := strings.Cut(w.syms.Lookup(a).Field, "."); ok {
					words[word] = a
				}
			}
			if together := words["count"]/64 == words["owner"]/64; words["count"] == 0 || together != (lines == kinds.Packed) {
				t.Errorf("%s, lines %v: count at %#x, owner at %#x", kind, lines, words["count"], words["owner"])
			}
		}
	}
}

// Locks that nobody contends for allocate no host memory.
func TestNoAllocations(t *testing.T) {
	for _, kind := range kinds.Kinds() {
		w := newWorld(t, kind.Name, 1, 1, kinds.Options{})
		c := sim.NewCPU(&sim.Direct{Mem: w.mem}, 0, 0, "task")
		section := func() {
			w.l[0].Lock(c, sim.Shared)
			w.l[0].Unlock(c, sim.Shared)
			if !kind.NoWriteTry { // that writer waits for a grace period
				w.l[0].Lock(c, sim.Exclusive)
				w.l[0].Unlock(c, sim.Exclusive)
			}
		}
		section()
		if n := testing.AllocsPerRun(100, section); n != 0 {
			t.Errorf("%s: %.0f allocations", kind.Name, n)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	w := newWorld(t, "tas", 1, 0, kinds.Options{})
	_, err := kinds.New(w.Base, kinds.Options{}).Make("futex", "")
	if err == nil || !strings.Contains(err.Error(), `"futex"; there are tas, ticket`) {
		t.Errorf("got %v", err)
	}
}
