package check

import (
	"fmt"

	"mmsim/explore"
	"mmsim/kernel/mm"
	"mmsim/kernel/uprobes"
	"mmsim/sim"
)

// unregisterDuringHit is a hit against uprobe_unregister of the only consumer:
// the consumer is freed after uprobe_unregister_sync, the uprobe by its grace
// periods; both are filled with poison. No handler of a freed consumer runs (U7),
// and nothing freed is used (U5).
//
// Reduced: the text is in no page cache, so that no breakpoint has to be taken
// out.
func unregisterDuringHit(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2, poison: true})
	if err != nil {
		return nil, err
	}
	a, of := w.inode("A", 0)
	p := sim.At(of[0])
	uc := w.u.FirstConsumer(w.c, p)
	file := w.sys.OpenFile(w.c, a)
	w.thread("unregister", func(c *sim.CPU) {
		w.u.Unregister(c, p, uc)
		w.u.Sync(c)
		w.u.FreeConsumer(c, uc)
		w.rcu.wait(c)
	})
	w.thread("hit", func(c *sim.CPU) {
		if got := w.u.Hit(c, w.mm, trapAddr).A; got != 0 && got != p.A {
			explore.Fail(c, "U1: a hit found a uprobe that never was")
		}
	})
	return w.Program, w.boot(w.mm, text(file, 0))
}

// registerDuringHit is a hit against uprobe_register of a second consumer, which
// is the first to find the place mapped, and so copies the instruction. If the
// hit sees UPROBE_COPY_INSN, it is the instruction that it single-steps (U9).
//
// Reduced: the process has not touched the text, so that no page has to be
// copied for the breakpoint.
func registerDuringHit(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2, steps: true})
	if err != nil {
		return nil, err
	}
	a := w.sys.NewInode(w.c, "A", 1)
	if err = w.boot(w.mm, text(w.sys.OpenFile(w.c, a), 0)); err != nil {
		return nil, err
	}
	w.u.Uncopied(w.c, w.u.RegisterInsn(w.c, a, offset, uprobes.InsnStep, 1))
	w.u.CacheText(w.c, w.mm, a, textAddr, offset, uprobes.InsnStep)
	uc := w.u.NewConsumer(w.c)
	w.thread("register", func(c *sim.CPU) { w.u.RegisterConsumer(c, a, offset, uc) })
	w.thread("hit", func(c *sim.CPU) { w.u.Hit(c, w.mm, trapAddr) })
	handled := w.u.HitsWord(1)
	slot, insn := w.u.Slot(w.c, w.mm, 1), uprobes.Opcode(uprobes.InsnStep)<<(8*(offset%8))
	w.Final = func(v explore.View) (string, error) {
		if got := v.Read(slot.A, slot.Size); v.Read(handled.A, handled.Size) != 0 && got != insn {
			return "", fmt.Errorf("U9: %#x is executed, expected the instruction %#x", got, insn)
		}
		return "", nil
	}
	return w.Program, nil
}
