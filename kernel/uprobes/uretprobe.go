package uprobes

import (
	"mmsim/kernel/list"
	"mmsim/kernel/mm"
	"mmsim/kernel/sched"
	"mmsim/kernel/srcu"
	"mmsim/sim"
)

var (
	stepRetPrep    = sim.NewStep("uretprobe-entry")
	stepRetHandler = sim.NewStep("uretprobe-return")
)

// maxRetDepth is MAX_URETPROBE_DEPTH.
const maxRetDepth = 64

// prepareUretprobe is prepare_uretprobe (section 6.1): the return address on the
// user's stack becomes the trampoline's, and a return instance keeps the old
// one and the uprobe.
func (u *Uprobes) prepareUretprobe(c *sim.CPU, m *mm.MM, utask, p sim.Ptr, r *Regs) {
	prev := c.Step(stepRetPrep)
	area := u.areaOf(c, m)
	if !area.IsNull() && c.Load(utask.F(u.f.depth)) < maxRetDepth && u.keepForReturn(c, p) {
		ri := u.allocInstance(c, utask)
		trampoline := c.Load(area.F(u.f.areaVaddr))
		c.Compute(u.costs.UserAccess)
		orig := c.Load(r.word(0)) // arch_uretprobe_hijack_return_addr
		if orig != trampoline {
			c.Compute(u.costs.UserAccess)
			c.Store(r.word(0), trampoline)
		}
		u.cleanupInstances(c, utask, orig == trampoline, r)
		u.linkInstance(c, utask, p, ri, orig, orig == trampoline, r)
	}
	c.Step(prev)
}

// keepForReturn takes the reference of a return instance without a lease; 6.12
// has it by try_get_uprobe.
func (u *Uprobes) keepForReturn(c *sim.CPU, p sim.Ptr) bool {
	if u.k.Ret.leased() {
		return true
	}
	if u.k.Lifetime == LifetimeRefcount {
		u.ref(p).Inc(c)
		return true
	}
	return u.ref(p).IncNotZero(c)
}

// allocInstance is alloc_return_instance.
func (u *Uprobes) allocInstance(c *sim.CPU, utask sim.Ptr) sim.Ptr {
	switch u.k.Ret {
	case RetRefcount:
		return u.instances.Alloc(c) // kmalloc
	case RetLeasePooled:
		if ri := c.LoadPtr(utask.F(u.f.riPool)); !ri.IsNull() {
			c.Store(utask.F(u.f.riPool), c.Load(ri.F(riNext)))
			return ri
		}
	}
	return u.instances.Zalloc(c)
}

// linkInstance fills ri and makes it the first pending return.
func (u *Uprobes) linkInstance(c *sim.CPU, utask, p, ri sim.Ptr, orig uint64, chained bool, r *Regs) {
	first := c.LoadPtr(utask.F(u.f.returnInstances))
	chain := uint64(0)
	if chained {
		orig, chain = c.Load(first.F(riOrig)), 1
	}
	var idx srcu.Index
	if u.k.Ret.leased() {
		idx = u.uretSRCU.ReadLock(c) // it stays across user mode
	}
	c.Store(ri.F(riFunc), r.IP)
	c.Store(ri.F(riStack), r.SP)
	c.Store(ri.F(riOrig), orig)
	c.Store(ri.F(riChained), chain)
	c.Store(utask.F(u.f.depth), c.Load(utask.F(u.f.depth))+1)
	if !u.k.Ret.leased() {
		c.Store(ri.F(riUprobe), uint64(p.A))
		c.Store(ri.F(riNext), uint64(first.A))
		c.Store(utask.F(u.f.returnInstances), uint64(ri.A))
		return
	}
	c.Store(ri.F(riState), hprobeLeased) // hprobe_init_leased
	c.Store(ri.F(riUprobe), uint64(p.A))
	c.Store(ri.F(riIdx), uint64(idx))
	c.Store(ri.F(riNext), uint64(first.A))
	c.StoreRelease(utask.F(u.f.returnInstances), uint64(ri.A))
	u.timers.Mod(c, utask.Add(offRITimer), u.timers.Jiffies(c)+u.riTicks)
}

// cleanupInstances is cleanup_return_instances: it drops pending returns that
// can never happen, because their frames are gone (longjmp).
func (u *Uprobes) cleanupInstances(c *sim.CPU, utask sim.Ptr, chained bool, r *Regs) {
	ri := c.LoadPtr(utask.F(u.f.returnInstances))
	for !ri.IsNull() && !u.isAlive(c, ri, chained, r) {
		ri = u.popInstance(c, utask, ri)
	}
}

// isAlive is arch_uretprobe_is_alive at a call: the frame of ri is above the
// stack pointer, or at it where a chained call has the same one.
func (u *Uprobes) isAlive(c *sim.CPU, ri sim.Ptr, same bool, r *Regs) bool {
	stack := c.Load(ri.F(riStack))
	return r.SP < stack || same && r.SP == stack
}

// popInstance drops a pending return without its handlers. It returns the next
// one.
func (u *Uprobes) popInstance(c *sim.CPU, utask, ri sim.Ptr) sim.Ptr {
	next := u.unlinkInstance(c, utask, ri)
	u.finishInstance(c, utask, ri, u.consume(c, ri))
	return next
}

func (u *Uprobes) unlinkInstance(c *sim.CPU, utask, ri sim.Ptr) (next sim.Ptr) {
	next = c.LoadPtr(ri.F(riNext))
	if u.k.Ret.leased() {
		c.StoreRelease(utask.F(u.f.returnInstances), uint64(next.A)) // the timer may be looking
	} else {
		c.Store(utask.F(u.f.returnInstances), uint64(next.A))
	}
	c.Store(utask.F(u.f.depth), c.Load(utask.F(u.f.depth))-1)
	return next
}

// returned is the return of a function to the trampoline, by trap or by system
// call.
func (u *Uprobes) returned(c *sim.CPU, m *mm.MM, r *Regs) {
	if u.k.Trampoline == TrampolineTrap {
		u.breakpoint(c, m, r)
		return
	}
	u.sysUretprobe(c, m, r)
}

// sysUretprobe is the uretprobe system call of the x86 trampoline, which saves
// three registers on the user's stack before it and restores them behind.
func (u *Uprobes) sysUretprobe(c *sim.CPU, m *mm.MM, r *Regs) {
	for range 3 {
		r.SP -= 8
		c.Store(r.word(0), pushedValue)
	}
	prev := c.Step(stepTrapEntry)
	c.Compute(u.costs.SyscallEntry)
	task := u.b.Sched.Current(c)
	c.Load(u.areaOf(c, m).F(u.f.areaVaddr)) // called from the trampoline indeed
	c.Compute(u.costs.UserAccess)
	for i := range uint64(3) {
		c.Load(r.word(8 * i))
	}
	r.SP += 24
	u.handleTrampoline(c, c.LoadPtr(task.F(sched.TaskUtask)), r)
	c.Compute(u.costs.UserAccess)
	for i := range uint64(3) {
		c.Store(sim.At(sim.Addr(r.SP-24+8*i)).Ref(0, 8), pushedValue)
	}
	c.Step(stepTrapExit)
	u.b.Sched.ExitToUser(c)
	c.Compute(u.costs.SyscallExit)
	c.Step(prev)
	for i := range uint64(3) {
		c.Load(sim.At(sim.Addr(r.SP-24+8*i)).Ref(0, 8))
	}
}

// handleTrampoline is uprobe_handle_trampoline (section 6.2): the handlers of
// the return that happens, and of those chained to it. Returns whose frames are
// gone are dropped.
func (u *Uprobes) handleTrampoline(c *sim.CPU, utask sim.Ptr, r *Regs) {
	prev := c.Step(stepRetHandler)
	ri := c.LoadPtr(utask.F(u.f.returnInstances))
	for valid := false; !valid && !ri.IsNull(); {
		end := u.nextChain(c, ri)
		valid = end.IsNull() || r.SP <= c.Load(end.F(riStack)) // arch_uretprobe_is_alive
		r.IP = c.Load(ri.F(riOrig))
		for ri.A != end.A {
			next := u.unlinkInstance(c, utask, ri)
			h := u.consume(c, ri)
			if valid && !h.uprobe.IsNull() {
				u.handleReturn(c, h.uprobe)
			}
			u.finishInstance(c, utask, ri, h)
			ri = next
		}
	}
	c.Step(prev)
}

// nextChain is find_next_ret_chain.
func (u *Uprobes) nextChain(c *sim.CPU, ri sim.Ptr) sim.Ptr {
	for {
		chained := c.Load(ri.F(riChained)) != 0
		ri = c.LoadPtr(ri.F(riNext))
		if !chained {
			return ri
		}
	}
}

// handleReturn is handle_uretprobe_chain.
func (u *Uprobes) handleReturn(c *sim.CPU, p sim.Ptr) {
	idx := u.enter(c)
	u.consumersLock(c, p)
	head := u.consumers(p)
	for n := list.First(c, head); n.A != head.A; n = list.Next(c, n) {
		uc := consumerOf(n)
		if fn := c.Load(uc.F(consRetHandler)); fn != 0 {
			u.runHandler(c, uc, p, fn)
		}
	}
	u.consumersUnlock(c, p)
	u.leave(c, idx)
}

// finishInstance is hprobe_finalize and free_ret_instance.
func (u *Uprobes) finishInstance(c *sim.CPU, utask, ri sim.Ptr, h held) {
	u.finalize(c, ri, h)
	switch u.k.Ret {
	case RetRefcount:
		u.poisonObject(c, ri, riLayout)
		u.instances.Free(c, ri) // kfree
	case RetLease:
		u.instances.FreeRCU(c, ri)
	case RetLeasePooled:
		if _, quiet := u.riSeq(utask).TryBegin(c); !quiet && !c.Breaks(breakRIPool) {
			u.instances.FreeRCU(c, ri) // the timer may look at it
			return
		}
		c.Store(ri.F(riConsCnt), 0)
		c.Store(ri.F(riNext), c.Load(utask.F(u.f.riPool)))
		c.Store(utask.F(u.f.riPool), uint64(ri.A))
	}
}
