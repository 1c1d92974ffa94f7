package uprobes

import (
	"mmsim/kernel/list"
	"mmsim/kernel/mm"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

var (
	stepTrapEntry = sim.NewStep("trap-entry")
	stepHandler   = sim.NewStep("handler")
	stepTrapExit  = sim.NewStep("trap-exit")
)

// tifUprobe is the bit of TIF_UPROBE in thread_info.flags (x86).
const tifUprobe = 12

// Hit is one breakpoint at vaddr, from the trap to the return to user space
// (section 1). It returns the uprobe whose consumers ran, or null where none
// was found and user space runs the instruction again.
//
// A trap without uprobe counts as one whose probe was just removed; to tell it
// from somebody else's breakpoint (is_trap_at_addr) comes with registration.
func (u *Uprobes) Hit(c *sim.CPU, m *mm.MM, vaddr uint64) sim.Ptr {
	prev := c.Step(stepTrapEntry)
	c.Compute(u.costs.TrapEntry)
	task := u.b.Sched.Current(c)
	if u.notifyDie(c, task) {
		c.Load(task.F(sched.TaskFlags)) // exit_to_user_mode_loop sees TIF_UPROBE
	}
	p := u.notifyResume(c, task, m, vaddr)
	c.Step(stepTrapExit)
	u.b.Sched.ExitToUser(c)
	c.Compute(u.costs.TrapExit)
	c.Step(prev)
	return p
}

// notifyDie is notify_die(DIE_INT3), whose chain reaches
// uprobe_pre_sstep_notifier: it leaves the work to the way out of the kernel.
func (u *Uprobes) notifyDie(c *sim.CPU, task sim.Ptr) bool {
	u.b.RCU.ReadLock(c)
	c.Compute(u.costs.Notify)
	for nb := c.LoadPtr(u.die.F(dieChainHead)); !nb.IsNull(); nb = c.LoadPtr(nb.F(nbNext)) {
		c.Load(nb.F(nbCall))
	}
	flags := u.sys.Flags(c.LoadPtr(task.F(sched.TaskMM)))
	ours := c.Load(flags)>>mm.MMFHasUprobes&1 != 0
	if ours {
		c.SetBit(task.F(sched.TaskFlags), tifUprobe)
	}
	u.b.RCU.ReadUnlock(c)
	return ours
}

// notifyResume is uprobe_notify_resume and handle_swbp.
func (u *Uprobes) notifyResume(c *sim.CPU, task sim.Ptr, m *mm.MM, vaddr uint64) sim.Ptr {
	c.ClearBit(task.F(sched.TaskFlags), tifUprobe)
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	c.Load(utask.F(u.f.activeUprobe)) // null: no single step to complete
	c.Load(u.sys.XOLArea(m.Ptr()))    // null: not the uretprobe trampoline
	u.b.RCU.TraceReadLock(c)
	p := u.findActive(c, m, vaddr)
	if !p.IsNull() {
		c.Step(stepHandler)
		u.handle(c, task, p)
	}
	u.b.RCU.TraceReadUnlock(c)
	return p
}

// handle is the rest of handle_swbp: the instruction must have been copied;
// then consumers run and the instruction is emulated.
func (u *Uprobes) handle(c *sim.CPU, task, p sim.Ptr) {
	if c.Load(p.F(u.f.flags))>>uprobeCopyInsn&1 == 0 {
		return
	}
	copyInsnReadBarrier(c)
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	c.Compute(u.costs.Chain)
	c.Store(utask.F(u.f.auprobe), uint64(p.A)+uint64(u.l.Uprobe.Field("arch.insn").Off))
	head := u.consumers(p)
	for n := list.First(c, head); n.A != head.A; n = list.Next(c, n) {
		uc := sim.Ptr{A: n.A - sim.Addr(consNode.Off), D: n.D}
		if c.Load(uc.F(consHandler)) != 0 {
			c.Compute(u.costs.Handler)
			c.ThisCPUAdd(u.hits.This(c).F(hitsCount), 1)
		}
	}
	c.Store(utask.F(u.f.auprobe), 0)
	u.emulate(c, p)
}

// emulate is arch_uprobe_skip_sstep for a nop: only its length matters.
func (u *Uprobes) emulate(c *sim.CPU, p sim.Ptr) {
	ops := c.LoadPtr(p.F(u.f.ops))
	c.Load(ops.F(opsEmulate))
	c.Load(p.F(u.f.ilen))
}

// copyInsnWriteBarrier and copyInsnReadBarrier make UPROBE_COPY_INSN seen
// imply the instruction copy seen (U9).
func copyInsnWriteBarrier(c *sim.CPU) { c.SmpWMB() }
func copyInsnReadBarrier(c *sim.CPU)  { c.SmpRMB() }
