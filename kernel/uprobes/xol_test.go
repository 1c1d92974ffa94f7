package uprobes

import (
	"testing"

	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// TestSlots is U13 of section 11: more threads than slots step at once. A slot
// has one owner, and nobody waits for ever.
func TestSlots(t *testing.T) {
	const tasks = xolSlots + 8
	for x := range XOLs() {
		t.Run(XOL(x).String(), func(t *testing.T) {
			for seed := range uint64(4) {
				w := newEra(t, "6.14", tasks, func(p *ProcessConfig) { p.Choices.XOL, p.Insn = XOL(x), InsnStep })
				u := w.Uprobes
				m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
				m.Kernel(w.base.Hooks())
				var owner [xolSlots]*sim.CPU
				for i := range tasks {
					m.Go("stepper", i, func(c *sim.CPU) {
						area := u.areaOf(c, w.MM)
						utask := c.LoadPtr(u.b.Sched.Current(c).F(sched.TaskUtask))
						for range 3 {
							slot := u.takeSlot(c, area)
							if slot == 0 || owner[slot] != nil {
								t.Errorf("seed %d: %s got slot %d, which is taken", seed, c.Name, slot)
							}
							owner[slot] = c
							c.Store(utask.F(u.f.xolVaddr), xolVaddr+slot*xolSlotBytes)
							c.Think(c.Now() + sim.Microsecond)
							owner[slot] = nil
							u.freeSlot(c, w.MM, utask)
						}
					})
				}
				simtest.Run(t, m)
				if b := w.c.Load(w.c.LoadPtr(u.areaOf(w.c, w.MM).F(u.f.areaBitmap)).F(xolBits)); b != 1 {
					t.Errorf("seed %d: bitmap %#x in the end", seed, b)
				}
			}
		})
	}
}

// TestStepWhileRegister single-steps a probe that comes and goes.
func TestStepWhileRegister(t *testing.T) {
	for seed := range uint64(4) {
		w := newChurn(t, 3, func(p *ProcessConfig) { p.Insn = InsnStep })
		m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
		m.Kernel(w.base.Hooks())
		done := false
		for i := range 2 {
			m.Go("stepper", i, func(c *sim.CPU) {
				for !done {
					if _, err := w.Run(c, 0); err != nil {
						t.Error(err)
					}
				}
			})
		}
		m.Go("registrar", 2, func(c *sim.CPU) {
			for range 3 {
				w.RegisterUnregister(c, 0)
			}
			done = true
		})
		w.Uprobes.onHandler = nil
		simtest.Run(t, m)
		if b := w.c.Load(w.c.LoadPtr(w.Uprobes.areaOf(w.c, w.MM).F(w.Uprobes.f.areaBitmap)).F(xolBits)); b != 1 {
			t.Errorf("seed %d: bitmap %#x in the end", seed, b)
		}
	}
}
