package timer

import (
	"mmsim/kernel/locking/qspinlock"
	"mmsim/sim"
)

// Mod is mod_timer: t expires at jiffy when. It returns after two loads where
// that is what it does already, and after a store where the bucket stays the
// same.
func (w *Wheels) Mod(c *sim.CPU, t sim.Ptr, when uint64) {
	if w.Pending(c, t) {
		if c.Load(expires(t)) == when {
			return
		}
		base, lock, irq := w.lockBase(c, t)
		w.forward(c, base)
		idx, _ := wheelIndex(when, c.Load(base.F(baseClk)))
		if c.Load(pprev(t)) != 0 && uint64(idx) == c.Load(flags(t))>>idxShift {
			c.Store(expires(t), when)
			lock.UnlockIRQRestore(c, irq)
			return
		}
		w.requeue(c, t, when, base, lock, irq)
		return
	}
	base, lock, irq := w.lockBase(c, t)
	w.forward(c, base)
	w.requeue(c, t, when, base, lock, irq)
}

// requeue is the rest of __mod_timer, under the lock of the timer's base, which
// it drops: the timer goes to this CPU's base, unless its function runs now.
func (w *Wheels) requeue(c *sim.CPU, t sim.Ptr, when uint64, base sim.Ptr, lock qspinlock.SpinLock, irq bool) {
	w.detachIfPending(c, t, base)
	mine := w.bases.This(c)
	if base.A != mine.A && c.Load(base.F(baseRunning)) != uint64(t.A) {
		c.Store(flags(t), c.Load(flags(t))|migrating)
		lock.Unlock(c)
		base, lock = mine, w.spin.At(mine.F(baseLock))
		lock.Lock(c)
		c.Store(flags(t), c.Load(flags(t))&^(cpuMask|migrating)|uint64(c.ID()))
		w.forward(c, base)
	}
	c.Store(expires(t), when)
	w.enqueue(c, base, t, when)
	lock.UnlockIRQRestore(c, irq)
}

// Delete is timer_delete: it reports whether t was pending. Its function may
// still run elsewhere.
func (w *Wheels) Delete(c *sim.CPU, t sim.Ptr) bool {
	if !w.Pending(c, t) {
		return false
	}
	base, lock, irq := w.lockBase(c, t)
	was := w.detachIfPending(c, t, base)
	lock.UnlockIRQRestore(c, irq)
	return was
}

// lockBase is lock_timer_base: the base whose lock guards the timer.
func (w *Wheels) lockBase(c *sim.CPU, t sim.Ptr) (base sim.Ptr, l qspinlock.SpinLock, irq bool) {
	for {
		f := c.Load(flags(t))
		if f&migrating == 0 {
			base = w.bases.Of(int(f & cpuMask))
			l = w.spin.At(base.F(baseLock))
			irq = l.LockIRQSave(c)
			if c.Load(flags(t)) == f {
				return base, l, irq
			}
			l.UnlockIRQRestore(c, irq)
		}
		c.Relax()
	}
}

// forward is forward_timer_base: a base that has nothing due catches up with
// jiffies.
func (w *Wheels) forward(c *sim.CPU, base sim.Ptr) {
	now, clk := w.Jiffies(c), c.Load(base.F(baseClk))
	if int64(now-clk) < 1 {
		return
	}
	to := now
	if due := c.Load(base.F(baseNext)); int64(due-now) < 0 {
		if int64(due-clk) < 0 {
			return
		}
		to = due
	}
	c.Store(base.F(baseClk), to)
}

// enqueue is internal_add_timer without the remote wake-up.
func (w *Wheels) enqueue(c *sim.CPU, base, t sim.Ptr, when uint64) {
	idx, due := wheelIndex(when, c.Load(base.F(baseClk)))
	head := base.FI(baseVectors, idx)
	first := c.LoadPtr(head)
	c.Store(next(t), uint64(first.A))
	if !first.IsNull() {
		c.Store(pprev(first), uint64(next(t).A))
	}
	c.Store(head, uint64(t.A))
	c.Store(pprev(t), uint64(head.A))
	word := base.FI(baseMap, idx/64)
	c.Store(word, c.Load(word)|1<<(idx%64))
	c.Store(flags(t), c.Load(flags(t))&flagsMask|uint64(idx)<<idxShift)
	if int64(due-c.Load(base.F(baseNext))) < 0 {
		c.Store(base.F(baseNext), due)
		c.Store(base.F(basePending), 1)
		c.Store(base.F(baseRecalc), 0)
	}
}

// detachIfPending is detach_if_pending, under the lock of the base.
func (w *Wheels) detachIfPending(c *sim.CPU, t, base sim.Ptr) bool {
	if c.Load(pprev(t)) == 0 {
		return false
	}
	idx := int(c.Load(flags(t)) >> idxShift)
	head := base.FI(baseVectors, idx)
	if c.Load(next(t)) == 0 && c.Load(pprev(t)) == uint64(head.A) {
		word := base.FI(baseMap, idx/64)
		c.Store(word, c.Load(word)&^(1<<(idx%64)))
		c.Store(base.F(baseRecalc), 1)
	}
	w.detach(c, t)
	return true
}

// detach is detach_timer with clear_pending.
func (w *Wheels) detach(c *sim.CPU, t sim.Ptr) {
	after, link := c.LoadPtr(next(t)), c.LoadPtr(pprev(t))
	c.Store(link.Ref(0, 8), uint64(after.A))
	if !after.IsNull() {
		c.Store(pprev(after), uint64(link.A))
	}
	c.Store(pprev(t), 0)
}
