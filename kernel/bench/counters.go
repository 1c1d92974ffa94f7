package bench

import (
	"fmt"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// Variant is one way to do what a benchmark does.
type Variant struct {
	Name string
	Doc  string // one line
}

// counter is one way to count events: add is what every event pays, read what
// someone pays who wants the total.
type counter interface {
	add(c *sim.CPU)
	read(c *sim.CPU) uint64
}

// counterKind is an entry of the table of counters.
type counterKind struct {
	Variant
	make func(b *kernel.Base, s Sizes) counter
}

var counterKinds = []counterKind{
	{Variant{"atomic", "one shared word: atomic_inc, whose result nobody uses"}, newAtomic},
	{Variant{"fetch-add", "one shared word: atomic_fetch_inc, whose result is used"}, newFetchAdd},
	{Variant{"cmpxchg-loop", "one shared word: read it, cmpxchg, again until it fits"}, newCmpxchgLoop},
	{Variant{"spinlock", "one shared word under a spinlock"}, newLockedCounter},
	{Variant{"percpu-counter", "percpu_counter: a word per CPU that spills into a shared count by the batch; reading sums up under its lock"}, newBatchedCounter},
	{Variant{"per-cpu", "a word per CPU: this_cpu_inc; reading adds up all CPUs"}, newPerCPUCounter},
}

// CounterKinds lists the designs of path counter-bench.
func CounterKinds() []Variant {
	var out []Variant
	for _, k := range counterKinds {
		out = append(out, k.Variant)
	}
	return out
}

// Counters are shared counters of one kind.
type Counters struct {
	sched *sched.Scheduler
	all   []counter
}

// NewCounters allocates the counters.
func NewCounters(b *kernel.Base, kind string, s Sizes) (*Counters, error) {
	for _, k := range counterKinds {
		if k.Name != kind {
			continue
		}
		p := &Counters{sched: b.Sched}
		for range s.Objects {
			p.all = append(p.all, k.make(b, s))
		}
		return p, nil
	}
	return nil, fmt.Errorf("unknown counter %q", kind)
}

// Len is the number of counters.
func (p *Counters) Len() int { return len(p.all) }

// Add counts one event in counter i.
func (p *Counters) Add(c *sim.CPU, i int) {
	prev := c.Step(stepCount)
	p.all[i].add(c)
	c.Step(prev)
	p.sched.CondResched(c)
}

// Read is the total of counter i.
func (p *Counters) Read(c *sim.CPU, i int) uint64 {
	prev := c.Step(stepCount)
	total := p.all[i].read(c)
	c.Step(prev)
	p.sched.CondResched(c)
	return total
}

// word is a counter in one shared word, on a line of its own.
type word struct{ ref sim.Ref }

var counterLayout = sim.NewLayout("counter", 64, 64, sim.F("value", 0, 8), sim.F("lock", 8, 4))

var (
	counterValue = counterLayout.Field("value")
	counterLock  = counterLayout.Field("lock")
)

func newWord(b *kernel.Base) word { return word{b.Arena.Object(counterLayout, "").F(counterValue)} }

func (w word) read(c *sim.CPU) uint64 { return c.Load(w.ref) }

type atomicWord struct{ word }

func newAtomic(b *kernel.Base, _ Sizes) counter { return atomicWord{newWord(b)} }

func (w atomicWord) add(c *sim.CPU) { c.AtomicAdd(w.ref, 1) }

type fetchAddWord struct{ word }

func newFetchAdd(b *kernel.Base, _ Sizes) counter { return fetchAddWord{newWord(b)} }

func (w fetchAddWord) add(c *sim.CPU) { c.FetchAdd(w.ref, 1, sim.Relaxed) }

type cmpxchgWord struct{ word }

func newCmpxchgLoop(b *kernel.Base, _ Sizes) counter { return cmpxchgWord{newWord(b)} }

// add is what code does that looks at the value before it decides: a load, so
// that the line comes shared first, and a cmpxchg that takes it exclusive.
func (w cmpxchgWord) add(c *sim.CPU) {
	for {
		old := c.Load(w.ref)
		if _, ok := c.CmpXchg(w.ref, old, old+1, sim.Relaxed); ok {
			return
		}
	}
}

// lockedCounter is a word with the spinlock beside it, as struct members are.
type lockedCounter struct {
	word
	lock locking.SpinLock
}

func newLockedCounter(b *kernel.Base, _ Sizes) counter {
	p := b.Arena.Object(counterLayout, "")
	return lockedCounter{word{p.F(counterValue)}, b.Spin.At(p.F(counterLock))}
}

func (k lockedCounter) add(c *sim.CPU) {
	k.lock.Lock(c)
	c.Store(k.ref, c.Load(k.ref)+1)
	k.lock.Unlock(c)
}

func (k lockedCounter) read(c *sim.CPU) uint64 {
	k.lock.Lock(c)
	v := c.Load(k.ref)
	k.lock.Unlock(c)
	return v
}

var perCPUCounterLayout = sim.NewLayout("percpu_count", 8, 8, sim.F("value", 0, 8))

// perCPUCounter is a word on every CPU.
type perCPUCounter struct{ words kmem.PerCPU }

func newPerCPUCounter(b *kernel.Base, _ Sizes) counter {
	return perCPUCounter{b.Arena.PerCPU(perCPUCounterLayout, b.Sched.CPUs())}
}

var perCPUValue = perCPUCounterLayout.Field("value")

func (k perCPUCounter) add(c *sim.CPU) { c.ThisCPUAdd(k.words.This(c).F(perCPUValue), 1) }

func (k perCPUCounter) read(c *sim.CPU) (total uint64) {
	for cpu := range k.words.CPUs() {
		total += c.Load(k.words.Of(cpu).F(perCPUValue))
	}
	return total
}

var (
	batchedLayout = sim.NewLayout("percpu_counter", 64, 64, locking.PerCPUCounterMembers("events", 0)...)
	batchedSlot   = sim.NewLayout("percpu_counter_slot", 8, 8, sim.Arr("counters", 0, 4, 1))
)

// batchedCounter is a percpu_counter with the kernel's default batch.
type batchedCounter struct{ *locking.PerCPUCounter }

func newBatchedCounter(b *kernel.Base, _ Sizes) counter {
	cpus := b.Sched.CPUs()
	return batchedCounter{locking.PerCPUCounterAt(b.Arena.Object(batchedLayout, ""), batchedLayout, "events", b.Spin,
		b.Arena.PerCPU(batchedSlot, cpus), batchedSlot.Field("counters"), 0, locking.PerCPUCounterBatch(cpus))}
}

func (k batchedCounter) add(c *sim.CPU) { k.Add(c, 1) }

func (k batchedCounter) read(c *sim.CPU) uint64 { return uint64(k.Sum(c)) }
