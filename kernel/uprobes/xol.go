package uprobes

import (
	"math/bits"

	"mmsim/kernel/mm"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

var (
	stepXOL  = sim.NewStep("single-step")
	waitSlot = sim.NewWaitReason("xol-slot")
)

// The XOL page: 128-byte slots on x86, of which slot 0 is the return
// trampoline. It is mapped at the top of the address space.
const (
	xolSlotBytes        = 128
	xolSlots            = sim.PageBytes / xolSlotBytes
	xolVaddr     uint64 = 1<<47 - 2*sim.PageBytes
)

// States of utask.state.
const (
	utaskRunning = 0
	utaskSstep   = 1
	utaskAck     = 2
)

// areaOf is mm.uprobes_state.xol_area: null for a process that needs no slots.
func (u *Uprobes) areaOf(c *sim.CPU, m *mm.MM) sim.Ptr { return c.LoadPtr(u.sys.XOLArea(m.Ptr())) }

// NewArea gives a process its xol_area (__create_xol_area). The kernel makes it
// on the first use; here it is there from the start. Its VMA is not in the
// tree. Set-up only.
func (u *Uprobes) NewArea(c *sim.CPU, m *mm.MM) {
	area := u.b.Arena.Object(u.areaLayout, "")
	bitmap := u.b.Arena.Object(xolBitmapLayout, "")
	page := u.b.Pages.Alloc(c)
	u.b.Pages.Name(page, nil, 0)
	u.b.Wait.At(area).Init(c)
	c.Store(area.F(u.f.areaBitmap), uint64(bitmap.A))
	c.Store(area.F(u.f.areaPage), uint64(page.A))
	c.Store(area.F(u.f.areaVaddr), xolVaddr)
	c.SetBit(bitmap.F(xolBits), 0)
	if u.k.XOL == XOLSlotCount {
		c.Store(area.F(u.f.areaSlots), 1)
	}
	c.StoreRelease(u.sys.XOLArea(m.Ptr()), uint64(area.A))
}

// Slot is the word of the XOL area that the copied instruction of the n-th slot
// begins in, for checks.
func (u *Uprobes) Slot(c *sim.CPU, m *mm.MM, n uint64) sim.Ref {
	return c.LoadPtr(u.areaOf(c, m).F(u.f.areaPage)).Ref(n*xolSlotBytes, 8)
}

// preSsout is pre_ssout: a reference for the time of the step (with refcounted
// hits there is one), a slot, the instruction in it, and the trap flag. False
// where the uprobe is just going away.
func (u *Uprobes) preSsout(c *sim.CPU, m *mm.MM, task, p sim.Ptr, r *Regs) bool {
	prev := c.Step(stepXOL)
	if u.k.Lifetime != LifetimeRefcount && !u.ref(p).IncNotZero(c) {
		c.Step(prev)
		return false
	}
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	area := u.areaOf(c, m)
	slot := u.takeSlot(c, area)
	vaddr := c.Load(area.F(u.f.areaVaddr)) + slot*xolSlotBytes
	c.Store(utask.F(u.f.xolVaddr), vaddr)
	u.copyInsn(c, area, slot, p)
	c.Store(utask.F(u.f.vaddr), r.IP)
	c.Store(utask.F(u.f.activeUprobe), uint64(p.A))
	c.Store(utask.F(u.f.utaskState), utaskSstep)
	r.IP, r.step = vaddr, true
	c.Step(prev)
	return true
}

// takeSlot is xol_take_insn_slot up to 6.12, xol_get_insn_slot from 6.13.
func (u *Uprobes) takeSlot(c *sim.CPU, area sim.Ptr) uint64 {
	wq, slot := u.b.Wait.At(area), uint64(0)
	if u.k.XOL != XOLSlotCount {
		wq.Event(c, waitSlot, func() (ok bool) {
			slot, _, ok = u.trySlot(c, area)
			return ok
		})
		return slot
	}
	for {
		slot, full, ok := u.trySlot(c, area)
		if ok {
			c.FetchAdd(area.F(u.f.areaSlots), 1, sim.Relaxed)
			return slot
		}
		if full {
			wq.Event(c, waitSlot, func() bool { return c.Load(area.F(u.f.areaSlots)) < xolSlots })
		}
	}
}

// trySlot takes the first slot whose bit is clear. It fails where none is, or
// where somebody else took that one first.
func (u *Uprobes) trySlot(c *sim.CPU, area sim.Ptr) (slot uint64, full, ok bool) {
	bitmap := c.LoadPtr(area.F(u.f.areaBitmap)).F(xolBits)
	n := bits.TrailingZeros64(^c.Load(bitmap))
	if n >= xolSlots {
		return 0, true, false
	}
	return uint64(n), false, !c.TestAndSetBit(bitmap, uint(n))
}

// copyInsn is arch_uprobe_copy_ixol: 16 bytes into the slot, and what it takes
// until they can be executed.
func (u *Uprobes) copyInsn(c *sim.CPU, area sim.Ptr, slot uint64, p sim.Ptr) {
	at := c.LoadPtr(area.F(u.f.areaPage)).Add(slot * xolSlotBytes)
	for i := range 2 {
		c.Store(at.Ref(uint64(8*i), 8), c.Load(p.FI(u.f.insn, i)))
	}
	c.Compute(u.costs.SlotSync)
}

// singleStep is the rest of a hit out of line: user mode fetches and runs the
// slot, and traps behind it.
func (u *Uprobes) singleStep(c *sim.CPU, m *mm.MM, r *Regs) {
	prev := c.Step(stepXOL)
	c.Compute(u.costs.MachineClear)
	r.step = false
	c.Compute(u.costs.DebugTrap)
	c.Step(prev)
	u.trap(c, m, r, (*Uprobes).postSstepNotifier, (*Uprobes).handleSinglestep)
}

// postSstepNotifier is uprobe_post_sstep_notifier.
func (u *Uprobes) postSstepNotifier(c *sim.CPU, task sim.Ptr) bool {
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	if c.Load(utask.F(u.f.activeUprobe)) == 0 {
		return false
	}
	c.Store(utask.F(u.f.utaskState), utaskAck)
	return true
}

// handleSinglestep is handle_singlestep.
func (u *Uprobes) handleSinglestep(c *sim.CPU, m *mm.MM, task sim.Ptr, r *Regs) sim.Ptr {
	prev := c.Step(stepXOL)
	utask := c.LoadPtr(task.F(sched.TaskUtask))
	p := c.LoadPtr(utask.F(u.f.activeUprobe))
	c.Load(utask.F(u.f.utaskState))
	r.IP = c.Load(utask.F(u.f.vaddr)) + c.Load(p.F(u.f.ilen)) // arch_uprobe_post_xol
	u.put(c, p)
	c.Store(utask.F(u.f.activeUprobe), 0)
	c.Store(utask.F(u.f.utaskState), utaskRunning)
	u.freeSlot(c, m, utask)
	if u.k.XOL == XOLSignalDenied {
		c.Load(utask.F(u.f.signalDenied))
	} else {
		u.recalcSigpending(c, task)
	}
	c.Step(prev)
	return sim.Ptr{}
}

// freeSlot is xol_free_insn_slot. Everybody who waits for a slot is woken.
func (u *Uprobes) freeSlot(c *sim.CPU, m *mm.MM, utask sim.Ptr) {
	area := u.areaOf(c, m)
	slot := (c.Load(utask.F(u.f.xolVaddr)) - c.Load(area.F(u.f.areaVaddr))) / xolSlotBytes
	c.Store(utask.F(u.f.xolVaddr), 0)
	c.ClearBit(c.LoadPtr(area.F(u.f.areaBitmap)).F(xolBits), uint(slot))
	if u.k.XOL == XOLSlotCount {
		c.FetchAdd(area.F(u.f.areaSlots), ^uint64(0), sim.Relaxed)
	}
	slotFreeBarrier(c)
	if wq := u.b.Wait.At(area); wq.Active(c) {
		wq.WakeUp(c)
	}
}

// slotFreeBarrier pairs with the one in prepare_to_wait (U13).
func slotFreeBarrier(c *sim.CPU) { c.Fence(sim.MBAfterAtomic) }

// recalcSigpending lets signals in again that were held back during the step
// (up to 6.14): under the lock that the threads of the process share. Nobody has
// a signal here.
func (u *Uprobes) recalcSigpending(c *sim.CPU, task sim.Ptr) {
	lock := u.b.Spin.At(u.sighand.F(siglock))
	irq := lock.LockIRQSave(c)
	c.Load(task.F(sched.TaskFlags))
	lock.UnlockIRQRestore(c, irq)
}
