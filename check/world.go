package check

import (
	"mmsim/explore"
	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/kernel/rcu"
	"mmsim/kernel/uprobes"
	"mmsim/sim"
)

// Where the scenarios map their text, and what is probed in it: one page at a
// time, so that the trees are a node each.
const (
	textAddr  uint64 = 0x555555554000
	textBytes uint64 = sim.PageBytes
	offset    uint64 = 0x230 // of the probe in its page
	trapAddr         = textAddr + offset
	// otherPage is the page of the file that the second mapping begins at.
	otherPage = 5
)

// world is a booted kernel, reduced to what a race needs: no ticks (so that a
// grace period ends after everything else, or never), no optimistic spinning
// (CONFIG_RWSEM_SPIN_ON_OWNER off), and a process with a single area. The code is
// the kernel's own.
type world struct {
	*explore.Program
	base *kernel.Base
	sys  *mm.System
	u    *uprobes.Uprobes
	mm   *mm.MM
	rcu  *graces
	c    *sim.CPU // builder
}

// setup is what scenarios vary in.
type setup struct {
	cpus    int
	seqBits uint
	returns bool
	steps   bool // instructions are single-stepped out of line
	poison  bool // freed objects are filled
}

func newWorld(d mm.Design, s setup) (*world, error) {
	l, err := uprobes.DefaultLayouts("mm-6.5")
	if err != nil {
		return nil, err
	}
	w := &world{Program: &explore.Program{Mem: sim.NewMemory(), Syms: &sim.Symbols{}, MustEnd: true}}
	var tasks []sim.TaskID
	var at []int
	for i := range s.cpus {
		tasks, at = append(tasks, sim.TaskID(i)), append(at, i)
	}
	w.rcu = newGraces(s.cpus)
	w.Reset = w.rcu.reset
	w.base = kernel.NewBase(w.Mem, w.Syms, kernel.Config{CPUs: s.cpus, TaskCPU: at, TickPeriod: sim.Millisecond,
		Pages: kmem.PageOptions{Pages: 512}, RWSem: &locking.RWSemOptions{}, RCU: &rcu.Options{Model: w.rcu}})
	w.Domain = names(w.base.SRCU)
	w.sys = mm.New(w.base, mm.Config{Design: d, Layouts: l.Layouts, BroadcastTLB: true, SeqBits: s.seqBits, Poison: s.poison})
	w.c = sim.NewDirect(w.Mem)
	w.mm = w.sys.NewMM(w.c, "mm", tasks)
	w.u = uprobes.New(w.sys, uprobes.Config{Choices: uprobes.WithLookup(d), Layouts: l, Returns: s.returns,
		Poison: s.poison})
	w.c.SetBit(w.sys.Flags(w.mm.Ptr()), mm.MMFHasUprobes)
	// Some probed area was unmapped before. uprobe_munmap looks no further then, and
	// its lock of the tree, an acquire behind the writer's release, orders nothing.
	w.c.SetBit(w.sys.Flags(w.mm.Ptr()), mm.MMFRecalcUprobes)
	if s.returns || s.steps {
		w.u.NewArea(w.c, w.mm)
	}
	for _, t := range tasks {
		w.u.NewTask(w.c, t)
	}
	w.Hooks = w.base.Hooks()
	w.Hooks.Boot = nil // which starts the ticks
	return w, nil
}

// inode makes a file on disk with a probe at each of the given pages.
func (w *world) inode(name string, pages ...uint64) (inode sim.Ptr, probes []sim.Addr) {
	inode = w.sys.NewInode(w.c, name, uint64(len(name)))
	for _, p := range pages {
		probes = append(probes, w.u.Register(w.c, inode, p*sim.PageBytes+offset, 1).A)
	}
	return inode, probes
}

// text is the mapping of a file at the probed address.
func text(file sim.Ptr, page uint64) mm.Mapping {
	return mm.Mapping{Addr: textAddr, Bytes: textBytes, Flags: mm.Text, File: file, Pgoff: page}
}

// anon is a page of anonymous memory.
func anon(addr uint64) mm.Mapping {
	return mm.Mapping{Addr: addr, Bytes: sim.PageBytes, Flags: mm.Anon}
}

// boot maps a file while the initial state is built.
func (w *world) boot(m *mm.MM, r mm.Mapping) error {
	_, err := m.AtBoot().Mmap(w.c, r)
	return err
}

// remap maps as mmap does. In these scenarios nothing is in the way.
func remap(c *sim.CPU, m *mm.MM, r mm.Mapping) {
	if _, err := m.Mmap(c, r); err != nil {
		explore.Fail(c, err.Error())
	}
}

func unmap(c *sim.CPU, m *mm.MM) {
	if err := m.Munmap(c, textAddr, textBytes); err != nil {
		explore.Fail(c, err.Error())
	}
}

func (w *world) thread(name string, body func(c *sim.CPU)) {
	w.Threads = append(w.Threads, explore.Thread{Name: name, CPU: len(w.Threads), Body: body})
}

// hit is the lookup of a hit at the probed address, without its fallback. It may find one of the given uprobes, or
// none; wrong is what it is when it finds another one.
func (w *world) hit(c *sim.CPU, wrong string, right ...sim.Addr) sim.Addr {
	p := w.u.Lookup(c, w.mm, trapAddr).A
	for _, r := range append(right, 0) {
		if p == r {
			return p
		}
	}
	explore.Fail(c, wrong)
	return p
}
