package mm

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// percpuCounterMembers declares a percpu_counter (40 bytes: lock, count, list,
// per-CPU pointer; locks-and-barriers.md section 1) for sim.NewLayout.
func percpuCounterMembers(name string, off uint32) []sim.Field {
	return []sim.Field{
		sim.F(name+".lock", off, 4),
		sim.F(name+".count", off+8, 8),
		sim.F(name+".counters", off+32, 8),
	}
}

// percpuSlotLayout is the per-CPU side of the four rss counters of one mm.
var percpuSlotLayout = sim.NewLayout("mm_rss_percpu", 16, 16, sim.Arr("rss", 0, 4, 4))

// percpuCounter is a percpu_counter (lib/percpu_counter.c,
// locks-and-barriers.md section 14): each CPU collects in a word of its own
// and spills into the shared count under a lock when it holds a batch.
type percpuCounter struct {
	lock  locking.SpinLock
	count sim.Ref
	slots kmem.PerCPU
	index int
	batch int32
}

// add is percpu_counter_add.
func (k *percpuCounter) add(c *sim.CPU, n int32) {
	irq := c.IRQSave()
	slot := k.slots.This(c).FI(percpuSlotLayout.Field("rss"), k.index)
	sum := int32(c.Load(slot)) + n
	if sum < k.batch && sum > -k.batch {
		c.ThisCPUAdd(slot, uint64(n))
		c.IRQRestore(irq)
		return
	}
	k.lock.Lock(c)
	c.Store(k.count, c.Load(k.count)+uint64(int64(sum)))
	c.ThisCPUAdd(slot, uint64(n-sum))
	k.lock.Unlock(c)
	c.IRQRestore(irq)
}

// sum is percpu_counter_sum without its lock: exact when nothing runs.
func (k *percpuCounter) sum(c *sim.CPU) int64 {
	total := int64(c.Load(k.count))
	for cpu := range k.slots.CPUs() {
		total += int64(int32(c.Load(k.slots.Of(cpu).FI(percpuSlotLayout.Field("rss"), k.index))))
	}
	return total
}
