// Package preempt is the preemption count of include/linux/preempt.h as x86
// keeps it: one word per CPU, changed by this_cpu operations
// (locks-and-barriers.md section 0). Its top bit is the inverse of "this CPU
// should reschedule", so that preempt_enable tests both at once. It stands below
// the scheduler because spinlocks need it, and the scheduler needs spinlocks.
package preempt

import "mmsim/sim"

// Layout is the line of a CPU that the count lies in.
var Layout = sim.NewLayout("pcpu_hot", 64, 64, sim.F("preempt_count", 8, 4))

var countField = Layout.Field("preempt_count")

// noResched is PREEMPT_NEED_RESCHED: clear when the CPU should reschedule.
const noResched = 1 << 31

// Counts are the preemption counts of all CPUs.
type Counts struct {
	base   sim.Ptr
	stride uint64
	full   func(c *sim.CPU)
}

// New makes the counts whose line for CPU n lies at base + n*stride, each of
// Layout. Preemption is on everywhere.
func New(mem *sim.Memory, base sim.Ptr, stride uint64, ncpu int) *Counts {
	k := &Counts{base: base, stride: stride}
	c := sim.NewDirect(mem)
	for cpu := range ncpu {
		c.Store(k.of(cpu), noResched)
	}
	return k
}

func (k *Counts) of(cpu int) sim.Ref {
	return k.base.Add(uint64(cpu) * k.stride).F(countField)
}

// BeginIdle sets the count of a CPU whose first context is the idle task, which
// runs with preemption disabled. Set-up only.
func (k *Counts) BeginIdle(c *sim.CPU, cpu int) { c.Store(k.of(cpu), noResched|1) }

// PreemptWith makes a kernel with full preemption: preempt_enable calls f when
// it leaves preemption enabled and the CPU should reschedule. Set-up only.
func (k *Counts) PreemptWith(f func(c *sim.CPU)) { k.full = f }

// Disable is preempt_disable. It returns the count before.
func (k *Counts) Disable(c *sim.CPU) uint64 {
	return c.ThisCPUAdd(k.of(c.ID()), 1) &^ noResched
}

// Enable is preempt_enable. In an interrupt handler or with interrupts off it
// never reschedules.
func (k *Counts) Enable(c *sim.CPU) {
	was := c.ThisCPUAdd(k.of(c.ID()), ^uint64(0))
	if was == 1 && k.full != nil && !c.IRQsDisabled() {
		k.full(c)
	}
}

// EnableNoResched is preempt_enable_no_resched.
func (k *Counts) EnableNoResched(c *sim.CPU) { c.ThisCPUAdd(k.of(c.ID()), ^uint64(0)) }

// Enabled is preempt_count() == 0. In an interrupt handler it tells about the
// interrupted code.
func (k *Counts) Enabled(c *sim.CPU) bool { return c.Load(k.of(c.ID()))&^noResched == 0 }

// SetNeedResched is set_preempt_need_resched.
func (k *Counts) SetNeedResched(c *sim.CPU) { c.ThisCPUAnd(k.of(c.ID()), ^uint64(noResched)) }

// ClearNeedResched is clear_preempt_need_resched.
func (k *Counts) ClearNeedResched(c *sim.CPU) { c.ThisCPUOr(k.of(c.ID()), noResched) }
