package timer

import (
	"math/bits"

	"mmsim/kernel/locking/qspinlock"
	"mmsim/sim"
)

// runLocal is run_local_timers and run_timer_base: one load in a tick that has
// nothing to do. It needs the next tick of an idle CPU while timers are pending.
func (w *Wheels) runLocal(c *sim.CPU, _ bool) (needed bool) {
	base := w.bases.This(c)
	if int64(w.Jiffies(c)-c.Load(base.F(baseNext))) >= 0 {
		w.run(c, base)
	}
	return c.Load(base.F(basePending)) != 0
}

// run is __run_timers.
func (w *Wheels) run(c *sim.CPU, base sim.Ptr) {
	lock := w.spin.At(base.F(baseLock))
	lock.Lock(c)
	now := w.Jiffies(c)
	for int64(now-c.Load(base.F(baseClk))) >= 0 && int64(now-c.Load(base.F(baseNext))) >= 0 {
		clk := c.Load(base.F(baseNext))
		c.Store(base.F(baseClk), clk)
		n := w.collect(c, base, clk)
		c.Store(base.F(baseClk), clk+1)
		w.recalc(c, base)
		for i := range n {
			w.expire(c, base, lock, base.FI(baseHeads, n-1-i))
		}
	}
	lock.Unlock(c)
}

// collect is collect_expired_timers: the due bucket of each level that turns
// over at this jiffy moves to a list head on the stack. It returns their number.
func (w *Wheels) collect(c *sim.CPU, base sim.Ptr, clk uint64) (n int) {
	for level := range levels {
		bit := clk % levelBuckets
		word := base.FI(baseMap, level)
		if pending := c.Load(word); pending>>bit&1 != 0 {
			c.Store(word, pending&^(1<<bit))
			from, to := base.FI(baseVectors, level*levelBuckets+int(bit)), base.FI(baseHeads, n)
			first := c.LoadPtr(from)
			c.Store(to, uint64(first.A)) // hlist_move_list
			c.Store(pprev(first), uint64(to.A))
			c.Store(from, 0)
			n++
		}
		if clk&(1<<clkShift-1) != 0 {
			break
		}
		clk >>= clkShift
	}
	return n
}

// expire is expire_timers of one list: each function runs without the lock.
func (w *Wheels) expire(c *sim.CPU, base sim.Ptr, lock qspinlock.SpinLock, head sim.Ref) {
	for t := c.LoadPtr(head); !t.IsNull(); t = c.LoadPtr(head) {
		c.Store(base.F(baseRunning), uint64(t.A))
		w.detach(c, t)
		f := w.funcs[c.Load(t.Ref(offFunc, 8))-1]
		lock.Unlock(c)
		f(c, t)
		lock.Lock(c)
		c.Store(base.F(baseRunning), 0)
	}
}

// recalc is timer_recalc_next_expiry: the first due bucket of each level.
func (w *Wheels) recalc(c *sim.CPU, base sim.Ptr) {
	clk := c.Load(base.F(baseClk))
	due, pending := clk+nextMaxDelta, uint64(0)
	adj := uint64(0)
	for level := range uint(levels) {
		if m := c.Load(base.FI(baseMap, int(level))); m != 0 {
			pending = 1
			start := clk % levelBuckets
			pos := uint64(bits.TrailingZeros64(bits.RotateLeft64(m, -int(start))))
			due = min(due, (clk+pos)<<(level*clkShift))
		}
		adj = 0
		if clk&(1<<clkShift-1) != 0 {
			adj = 1
		}
		clk = clk>>clkShift + adj
	}
	c.Store(base.F(baseNext), due)
	c.Store(base.F(basePending), pending)
	c.Store(base.F(baseRecalc), 0)
}
