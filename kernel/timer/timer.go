// Package timer is the timer wheel of kernel/time/timer.c on simulated memory:
// one base per CPU with a lock, buckets in levels of falling resolution, and
// mod_timer with its shortcuts (uprobes.md section 6.1). Timers run in the
// scheduler tick, where the kernel raises TIMER_SOFTIRQ.
//
// Simplified: one base per CPU (BASE_STD), so no deferrable and no global
// timers that another CPU runs for an idle one; a CPU with a pending timer keeps
// its tick, where the kernel programs the next event.
package timer

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// The wheel: levels of 64 buckets, each level 8 times as coarse as the one below.
const (
	levelBits    = 6
	levelBuckets = 1 << levelBits
	clkShift     = 3
	levels       = 9
	buckets      = levels * levelBuckets
)

// Bits of timer_list.flags: the base's CPU, the migration mark, and the bucket.
const (
	cpuMask   = 0x3ffff
	migrating = 0x40000
	idxShift  = 22
	flagsMask = 1<<idxShift - 1
)

// Offsets of the members of a timer_list.
const (
	offNext    = 0
	offPprev   = 8
	offExpires = 16
	offFunc    = 24
	offFlags   = 32
	// Bytes is the size of a timer_list.
	Bytes = 40
)

// Members declares a timer_list at offset off of the embedding struct; prefix is
// "name." of the member.
func Members(prefix string, off uint32) []sim.Field {
	return []sim.Field{
		sim.F(prefix+"entry.next", off+offNext, 8),
		sim.F(prefix+"entry.pprev", off+offPprev, 8),
		sim.F(prefix+"expires", off+offExpires, 8),
		sim.F(prefix+"function", off+offFunc, 8),
		sim.F(prefix+"flags", off+offFlags, 4),
	}
}

// baseLayout is timer_base; stack.heads is on the stack of who runs its timers.
var (
	baseLayout = sim.NewLayout("timer_base", 128+8*(buckets+levels), 64,
		sim.F("lock", 0, 4),
		sim.F("running_timer", 8, 8),
		sim.F("clk", 16, 8),
		sim.F("next_expiry", 24, 8),
		sim.F("cpu", 32, 4),
		sim.F("next_expiry_recalc", 36, 1),
		sim.F("timers_pending", 39, 1),
		sim.Arr("pending_map", 40, 8, levels),
		sim.Arr("vectors", 128, 8, buckets),
		sim.Arr("stack.heads", 128+8*buckets, 8, levels),
	)
	baseLock    = baseLayout.Field("lock")
	baseRunning = baseLayout.Field("running_timer")
	baseClk     = baseLayout.Field("clk")
	baseNext    = baseLayout.Field("next_expiry")
	baseRecalc  = baseLayout.Field("next_expiry_recalc")
	basePending = baseLayout.Field("timers_pending")
	baseMap     = baseLayout.Field("pending_map")
	baseVectors = baseLayout.Field("vectors")
	baseHeads   = baseLayout.Field("stack.heads")
)

// nextMaxDelta is NEXT_TIMER_MAX_DELTA: an empty base expires this much later.
const nextMaxDelta = 1<<30 - 1

// Func is what a timer runs, in interrupt context; it gets the timer.
type Func func(c *sim.CPU, timer sim.Ptr)

// Wheels are the timer bases of one kernel.
type Wheels struct {
	sched *sched.Scheduler
	spin  *qspinlock.Locks
	bases kmem.PerCPU
	funcs []Func
}

// New allocates the bases and hooks them into the tick.
func New(a *kmem.Arena, s *sched.Scheduler, spin *qspinlock.Locks) *Wheels {
	w := &Wheels{sched: s, spin: spin, bases: a.PerCPU(baseLayout, s.CPUs())}
	c := sim.NewDirect(a.Mem)
	for cpu := range s.CPUs() {
		c.Store(w.bases.Of(cpu).F(baseNext), nextMaxDelta)
	}
	s.OnTick(w.runLocal)
	return w
}

// Register adds a timer function and returns its number, for Setup. Set-up only.
func (w *Wheels) Register(f Func) uint64 {
	w.funcs = append(w.funcs, f)
	return uint64(len(w.funcs))
}

// Jiffies is jiffies. Reading it costs nothing: its line is always close.
func (w *Wheels) Jiffies(c *sim.CPU) uint64 { return uint64(c.Now() / w.sched.TickPeriod()) }

// Ticks is a time in jiffies, rounded up.
func (w *Wheels) Ticks(d sim.Time) uint64 {
	t := w.sched.TickPeriod()
	return uint64((d + t - 1) / t)
}

// Setup is timer_setup of the timer at t for the function of the given number.
func (w *Wheels) Setup(c *sim.CPU, t sim.Ptr, f uint64) {
	c.Store(pprev(t), 0)
	c.Store(t.Ref(offFunc, 8), f)
	c.Store(flags(t), uint64(max(c.ID(), 0)))
}

func next(t sim.Ptr) sim.Ref    { return t.Ref(offNext, 8) }
func pprev(t sim.Ptr) sim.Ref   { return t.Ref(offPprev, 8) }
func expires(t sim.Ptr) sim.Ref { return t.Ref(offExpires, 8) }
func flags(t sim.Ptr) sim.Ref   { return t.Ref(offFlags, 4) }

// Pending is timer_pending.
func (w *Wheels) Pending(c *sim.CPU, t sim.Ptr) bool { return c.Load(pprev(t)) != 0 }

// calcIndex is calc_index: the bucket of a level, and when it is due.
func calcIndex(when uint64, level uint) (idx int, due uint64) {
	shift := level * clkShift
	when = when>>shift + 1
	return int(level)*levelBuckets + int(when%levelBuckets), when << shift
}

// wheelIndex is calc_wheel_index.
func wheelIndex(when, clk uint64) (idx int, due uint64) {
	delta := int64(when - clk)
	if delta < 0 {
		return int(clk % levelBuckets), clk
	}
	for level := uint(0); level < levels; level++ {
		if uint64(delta) < (levelBuckets-1)<<(level*clkShift) {
			return calcIndex(when, level)
		}
	}
	return calcIndex(clk+(levelBuckets-2)<<((levels-1)*clkShift), levels-1)
}
