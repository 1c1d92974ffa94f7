package uprobes

import (
	"fmt"

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
func (u *Uprobes) Hit(c *sim.CPU, m *mm.MM, vaddr uint64) sim.Ptr {
	t := u.User(c, m)
	t.IP = vaddr
	return u.breakpoint(c, m, &t.Regs)
}

// breakpoint is one hit at r.IP, with the single step that may belong to it.
func (u *Uprobes) breakpoint(c *sim.CPU, m *mm.MM, r *Regs) sim.Ptr {
	p := u.trap(c, m, r, (*Uprobes).preSstepNotifier, (*Uprobes).handleSwbp)
	if r.step {
		u.singleStep(c, m, r)
	}
	return p
}

// trap is one exception: the die notifiers in an RCU section, and if uprobes
// claim it their work on the way out of the kernel.
func (u *Uprobes) trap(c *sim.CPU, m *mm.MM, r *Regs, notifier func(*Uprobes, *sim.CPU, sim.Ptr) bool,
	work func(*Uprobes, *sim.CPU, *mm.MM, sim.Ptr, *Regs) sim.Ptr) (p sim.Ptr) {
	prev := c.Step(stepTrapEntry)
	c.Compute(u.costs.TrapEntry)
	task := u.b.Sched.Current(c)
	if u.notifyDie(c, task, notifier) {
		c.Load(task.F(sched.TaskFlags)) // exit_to_user_mode_loop sees TIF_UPROBE
		c.ClearBit(task.F(sched.TaskFlags), tifUprobe)
		p = work(u, c, m, task, r)
	} else {
		r.killed = sigTrap
	}
	c.Step(stepTrapExit)
	u.b.Sched.ExitToUser(c)
	c.Compute(u.costs.TrapExit)
	c.Step(prev)
	return p
}

// notifyDie is notify_die, whose chain reaches uprobe_exception_notify: it
// leaves the work to the way out of the kernel.
func (u *Uprobes) notifyDie(c *sim.CPU, task sim.Ptr, notifier func(*Uprobes, *sim.CPU, sim.Ptr) bool) bool {
	u.b.RCU.ReadLock(c)
	c.Compute(u.costs.Notify)
	for nb := c.LoadPtr(u.die.F(dieChainHead)); !nb.IsNull(); nb = c.LoadPtr(nb.F(nbNext)) {
		c.Load(nb.F(nbCall))
	}
	ours := notifier(u, c, task)
	if ours {
		c.SetBit(task.F(sched.TaskFlags), tifUprobe)
	}
	u.b.RCU.ReadUnlock(c)
	return ours
}

// preSstepNotifier is uprobe_pre_sstep_notifier: the process has uprobes, or the
// thread has pending returns.
func (u *Uprobes) preSstepNotifier(c *sim.CPU, task sim.Ptr) bool {
	flags := u.sys.Flags(c.LoadPtr(task.F(sched.TaskMM)))
	if c.Load(flags)>>mm.MMFHasUprobes&1 != 0 {
		return true
	}
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	return !utask.IsNull() && c.Load(utask.F(u.f.returnInstances)) != 0
}

// handleSwbp is uprobe_notify_resume and handle_swbp. Without uprobe a breakpoint
// that is there kills the thread; one that is gone, with its uprobe or with the
// mapping, has the instruction run again.
func (u *Uprobes) handleSwbp(c *sim.CPU, m *mm.MM, task sim.Ptr, r *Regs) (p sim.Ptr) {
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	c.Load(utask.F(u.f.activeUprobe)) // null: no single step to complete
	if area := u.areaOf(c, m); !area.IsNull() && r.IP == c.Load(area.F(u.f.areaVaddr)) {
		u.handleTrampoline(c, utask, r)
		return p
	}
	idx := u.enter(c)
	p, isTrap := u.findActive(c, m, r.IP)
	switch {
	case !p.IsNull():
		c.Step(stepHandler)
		if !u.handle(c, m, task, p, r) {
			p = sim.Ptr{}
		}
	case isTrap:
		r.killed = sigTrap
	}
	u.leave(c, idx)
	return p
}

// handle is the rest of handle_swbp: the instruction must have been copied, else
// user space runs it again; then consumers run and the instruction is emulated
// or single-stepped.
func (u *Uprobes) handle(c *sim.CPU, m *mm.MM, task, p sim.Ptr, r *Regs) (ran bool) {
	if c.Load(p.F(u.f.flags))>>uprobeCopyInsn&1 == 0 {
		u.drop(c, p)
		return false
	}
	copyInsnReadBarrier(c)
	u.handlerChain(c, m, task, p, r)
	if u.emulate(c, p, r) || !u.preSsout(c, m, task, p, r) {
		u.drop(c, p)
	}
	return true
}

// handlerChain is handler_chain: every consumer's handler, and the preparation
// of the return if one of them wants it. No handler asks to be removed.
func (u *Uprobes) handlerChain(c *sim.CPU, m *mm.MM, task, p sim.Ptr, r *Regs) {
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	u.consumersLock(c, p)
	c.Compute(u.costs.Chain)
	c.Store(utask.F(u.f.auprobe), uint64(p.A)+uint64(u.f.insn.Off))
	head, needPrep := u.consumers(p), false
	for n := list.First(c, head); n.A != head.A; n = list.Next(c, n) {
		uc := consumerOf(n)
		if fn := c.Load(uc.F(consHandler)); fn != 0 {
			u.runHandler(c, uc, p, fn)
		}
		if u.returns && c.Load(uc.F(consRetHandler)) != 0 {
			needPrep = true
		}
	}
	c.Store(utask.F(u.f.auprobe), 0)
	if needPrep {
		u.prepareUretprobe(c, m, utask, p, r)
	}
	u.consumersUnlock(c, p)
}

// handlerFunc stands for the address of a consumer's handler.
const handlerFunc = 1

// runHandler is the body of one handler: it counts in its CPU's own line. What
// else a program does is a cost.
func (u *Uprobes) runHandler(c *sim.CPU, uc, p sim.Ptr, fn uint64) {
	if fn != handlerFunc {
		panic(fmt.Sprintf("U7: a handler at %#x is called: the consumer has been freed", fn))
	}
	if u.onHandler != nil {
		u.onHandler(c, uc, p)
	}
	c.Compute(u.costs.Handler)
	c.ThisCPUAdd(u.hits.This(c).F(hitsCount), 1)
}

// emulate is arch_uprobe_skip_sstep: of a nop only the length matters, a push
// writes the user's stack. False for an instruction that cannot be emulated.
func (u *Uprobes) emulate(c *sim.CPU, p sim.Ptr, r *Regs) bool {
	ops := c.LoadPtr(p.F(u.f.ops))
	switch c.Load(ops.F(opsEmulate)) {
	case emulateNop:
		r.IP += c.Load(p.F(u.f.ilen))
	case emulatePush:
		c.Compute(u.costs.UserAccess)
		r.SP -= 8
		c.Store(r.word(0), pushedValue)
		r.IP += c.Load(p.F(u.f.ilen))
	default:
		return false
	}
	return true
}

// pushedValue stands for the register that a probed push pushes.
const pushedValue = 0x5555

// copyInsnWriteBarrier and copyInsnReadBarrier make UPROBE_COPY_INSN seen
// imply the instruction copy seen (U9).
func copyInsnWriteBarrier(c *sim.CPU) {
	if !c.Breaks(breakCopyWMB) {
		c.SmpWMB()
	}
}

func copyInsnReadBarrier(c *sim.CPU) {
	if !c.Breaks(breakCopyRMB) {
		c.SmpRMB()
	}
}
