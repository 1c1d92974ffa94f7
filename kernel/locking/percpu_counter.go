package locking

import (
	"mmsim/kernel/kmem"
	"mmsim/sim"
)

// PerCPUCounterMembers declares the members of a percpu_counter called name at
// offset off of the embedding struct, for sim.NewLayout: name.lock at 0,
// name.count at 8 and name.counters at 32; 40 bytes. The list that the kernel
// keeps for CPU hotplug lies between.
func PerCPUCounterMembers(name string, off uint32) []sim.Field {
	return []sim.Field{
		sim.F(name+".lock", off, 4),
		sim.F(name+".count", off+8, 8),
		sim.F(name+".counters", off+32, 8),
	}
}

// PerCPUCounter is a percpu_counter (lib/percpu_counter.c,
// locks-and-barriers.md section 14): each CPU collects in a 4-byte word of its
// own and spills into the shared count under a lock when it holds a batch.
type PerCPUCounter struct {
	lock  SpinLock
	count sim.Ref
	slots kmem.PerCPU
	slot  sim.Field
	index int
	batch int64
}

// PerCPUCounterBatch is the kernel's default batch (percpu_counter_batch).
func PerCPUCounterBatch(cpus int) int64 { return int64(max(32, 2*cpus)) }

// PerCPUCounterAt is the counter called name of the object at p with layout l.
// Each CPU's word is element index of the field slot in its area of slots.
func PerCPUCounterAt(p sim.Ptr, l *sim.Layout, name string, spin *SpinLocks,
	slots kmem.PerCPU, slot sim.Field, index int, batch int64) *PerCPUCounter {
	return &PerCPUCounter{
		lock: spin.At(p.F(l.Field(name + ".lock"))), count: p.F(l.Field(name + ".count")),
		slots: slots, slot: slot, index: index, batch: batch,
	}
}

func (k *PerCPUCounter) of(cpu int) sim.Ref { return k.slots.Of(cpu).FI(k.slot, k.index) }

// Add is percpu_counter_add. A task that migrates between finding its CPU's
// word and the cmpxchg adds to the old CPU's, which %gs addressing rules out
// on x86; the sum is right all the same.
func (k *PerCPUCounter) Add(c *sim.CPU, n int64) {
	slot := k.of(c.ID())
	v := c.Load(slot)
	for {
		sum := int64(int32(v)) + n
		if sum >= k.batch || sum <= -k.batch {
			k.spill(c, n)
			return
		}
		old, ok := c.CmpXchg(slot, v, uint64(sum), sim.ThisCPU)
		if ok {
			return
		}
		v = old
	}
}

// spill adds n and what this CPU has collected to the shared count.
func (k *PerCPUCounter) spill(c *sim.CPU, n int64) {
	irq := k.lock.LockIRQSave(c)
	slot := k.of(c.ID())
	v := int64(int32(c.Load(slot)))
	c.Store(k.count, c.Load(k.count)+uint64(v+n))
	c.ThisCPUAdd(slot, uint64(-v))
	k.lock.UnlockIRQRestore(c, irq)
}

// Read is percpu_counter_read: the shared count alone, which is off by less
// than a batch per CPU.
func (k *PerCPUCounter) Read(c *sim.CPU) int64 { return int64(c.Load(k.count)) }

// Sum is percpu_counter_sum: one line of every CPU, under the lock. It is exact
// when nobody adds meanwhile.
func (k *PerCPUCounter) Sum(c *sim.CPU) int64 {
	irq := k.lock.LockIRQSave(c)
	total := int64(c.Load(k.count))
	for cpu := range k.slots.CPUs() {
		total += int64(int32(c.Load(k.of(cpu))))
	}
	k.lock.UnlockIRQRestore(c, irq)
	return total
}
