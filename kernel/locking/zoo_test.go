package locking_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// zooLayout has one of each lock and counter besides the rwsem, each on a line
// of its own.
var zooLayout = func() *sim.Layout {
	fs := []sim.Field{sim.F("tas", 0, 4), sim.F("ticket", 64, 4), sim.F("mcs", 128, 8),
		sim.F("rcuref", 448, 4), sim.F("fileref", 512, 8), sim.F("latch", 576, 4)}
	fs = append(fs, locking.MutexMembers("mutex", 192)...)
	fs = append(fs, locking.QRWLockMembers("rw", 256)...)
	fs = append(fs, locking.SeqLockMembers("seqlock", 320)...)
	fs = append(fs, locking.PerCPUCounterMembers("counter", 384)...)
	fs = append(fs, locking.RWSemMembers("bravo", 640)...)
	return sim.NewLayout("zoo", 768, 64, append(fs, locking.BravoMembers("bravo", 704)...)...)
}()

var slotLayout = sim.NewLayout("slot", 64, 64, sim.F("n", 0, 4))

// zoo is a world with these locks as well.
type zoo struct {
	*world
	at      sim.Ptr
	tas     locking.TASLock
	ticket  locking.TicketLock
	mcs     locking.MCSLock
	nodes   kmem.PerCPU // MCS nodes, by task
	mutex   locking.Mutex
	rw      locking.QRWLock
	seqlock locking.SeqLock
	counter *locking.PerCPUCounter
	slots   kmem.PerCPU
	rcuref  locking.RCURef
	fileref locking.FileRef
	latch   locking.SeqcountLatch
	bravo   locking.BravoRWSem
}

func newZoo(tasks int) *zoo { return zooOf(newWorld(tasks), tasks) }

func zooOf(w *world, tasks int) *zoo {
	at := w.Arena.Object(zooLayout, "")
	f := func(name string) sim.Ref { return at.F(zooLayout.Field(name)) }
	z := &zoo{world: w, at: at,
		tas:    locking.TASLockAt(f("tas"), w.Sched),
		ticket: locking.TicketLockAt(f("ticket"), w.Sched),
		mcs:    locking.MCSLockAt(f("mcs"), w.Sched), nodes: w.Arena.PerCPU(locking.MCSNodeLayout, tasks),
		mutex:   w.Mutexes.At(at, locking.MutexFieldsOf(zooLayout, "mutex")),
		rw:      locking.QRWLockAt(at, zooLayout, "rw", w.Spin, w.Sched),
		seqlock: locking.SeqLockAt(at, zooLayout, "seqlock", w.Spin),
		slots:   w.Arena.PerCPU(slotLayout, tasks),
		rcuref:  locking.RCURefAt(f("rcuref"), w.Sched),
		fileref: locking.FileRefAt(f("fileref"), w.Sched),
		latch:   locking.SeqcountLatch(f("latch")),
		bravo:   locking.NewBravoRWSems(w.Arena, w.Sched, w.RWSems).At(at, zooLayout, "bravo"),
	}
	z.counter = locking.PerCPUCounterAt(at, zooLayout, "counter", w.Spin, z.slots, slotLayout.Field("n"), 0,
		locking.PerCPUCounterBatch(tasks))
	c := sim.NewDirect(w.mem)
	z.mutex.Init(c)
	z.bravo.Init(c)
	z.rcuref.Init(c, 1)
	z.fileref.Init(c, 1)
	return z
}

func (z *zoo) word(field string) uint64 {
	r := z.at.F(zooLayout.Field(field))
	return z.mem.Read(r.A, r.Size)
}

// runTraced is run with a trace, and without scheduler ticks.
func (w *world) runTraced(t *testing.T, tasks int, seed uint64, trace func(simtest.Op), body func(c *sim.CPU, i int)) *simtest.Machine {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Seed: seed, Trace: trace, Syms: w.syms})
	m.Kernel(w.Hooks())
	m.Boot(nil) // no ticks
	for i := range tasks {
		m.Go(fmt.Sprintf("task%d", i), i, func(c *sim.CPU) { body(c, i) })
	}
	simtest.Run(t, m)
	return m
}

// The uncontended sequences of the fact sheet: sections 4 to 7, 9, 10, 14, 18.
func TestUncontendedSequencesOfTheZoo(t *testing.T) {
	const off, on = preemptOff, preemptOn
	for _, tc := range []struct {
		name string
		f    func(z *zoo, c *sim.CPU)
		want []string
	}{
		{"tas", func(z *zoo, c *sim.CPU) { z.tas.Lock(c); z.tas.Unlock(c) },
			[]string{off, "cmpxchg.acquire tas", "store.release tas", on}},
		{"tas trylock", func(z *zoo, c *sim.CPU) { z.tas.TryLock(c) },
			[]string{off, "load tas", "cmpxchg.acquire tas"}},
		{"ticket", func(z *zoo, c *sim.CPU) { z.ticket.Lock(c); z.ticket.Unlock(c) },
			[]string{off, "add.full ticket", "load ticket", "store.release ticket", on}},
		{"ticket trylock", func(z *zoo, c *sim.CPU) { z.ticket.TryLock(c) },
			[]string{off, "load ticket", "cmpxchg.full ticket"}},
		{"mcs", func(z *zoo, c *sim.CPU) { z.mcs.Lock(c, z.nodes.Of(0)); z.mcs.Unlock(c, z.nodes.Of(0)) },
			[]string{off, "store locked", "store next", "xchg.full mcs", "load next", "cmpxchg.release mcs", on}},
		{"mutex", func(z *zoo, c *sim.CPU) { z.mutex.Lock(c); z.mutex.Unlock(c) },
			[]string{"cmpxchg.acquire mutex.owner", "cmpxchg.release mutex.owner"}},
		{"mutex trylock", func(z *zoo, c *sim.CPU) { z.mutex.TryLock(c); z.mutex.TryLock(c) },
			[]string{"load mutex.owner", "cmpxchg.acquire mutex.owner", "load mutex.owner"}},
		{"read_lock", func(z *zoo, c *sim.CPU) { z.rw.ReadLock(c); z.rw.ReadUnlock(c) },
			[]string{off, "add.acquire rw.cnts", "add.release rw.cnts", on}},
		{"write_lock", func(z *zoo, c *sim.CPU) { z.rw.WriteLock(c); z.rw.WriteUnlock(c) },
			[]string{off, "cmpxchg.acquire rw.cnts", "store.release rw.cnts", on}},
		{"read_trylock", func(z *zoo, c *sim.CPU) { z.rw.ReadTryLock(c) },
			[]string{off, "load rw.cnts", "add.acquire rw.cnts"}},
		{"write_trylock", func(z *zoo, c *sim.CPU) { z.rw.WriteTryLock(c) },
			[]string{off, "load rw.cnts", "cmpxchg.acquire rw.cnts"}},
		{"read_seqbegin", func(z *zoo, c *sim.CPU) { z.seqlock.ReadRetry(c, z.seqlock.ReadBegin(c)) },
			[]string{"load.acquire seqlock.sequence", "smp_rmb", "load seqlock.sequence"}},
		{"latch", func(z *zoo, c *sim.CPU) {
			z.latch.WriteBegin(c)
			z.latch.Write(c)
			z.latch.Retry(c, z.latch.Read(c))
		}, []string{"smp_wmb", "load latch", "store latch", "smp_wmb", "smp_wmb", "load latch", "store latch", "smp_wmb",
			"load latch", "smp_rmb", "load latch"}},
		{"rcuref", func(z *zoo, c *sim.CPU) { z.rcuref.Get(c); z.rcuref.Put(c); z.rcuref.Put(c) },
			[]string{"add rcuref", off, "add.release rcuref", on,
				off, "add.release rcuref", "cmpxchg.release rcuref", "smp_acquire__after_ctrl_dep", on}},
		{"file_ref", func(z *zoo, c *sim.CPU) { z.fileref.Get(c); z.fileref.Put(c); z.fileref.PutClose(c) },
			[]string{"add.full fileref", off, "add.full fileref", on, "load fileref", "cmpxchg.full fileref"}},
		{"percpu_counter", func(z *zoo, c *sim.CPU) { z.counter.Add(c, 3); z.counter.Read(c) },
			[]string{"load n", "cmpxchg.this_cpu n", "load counter.count"}},
	} {
		z := newZoo(1)
		got := z.record(t, func(c *sim.CPU) { tc.f(z, c) })
		if fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, strings.Join(got, "; "), strings.Join(tc.want, "; "))
		}
	}
}
