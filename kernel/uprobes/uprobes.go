package uprobes

import (
	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

var (
	stepTreeLookup = sim.NewStep("tree-lookup")
	retries        = sim.NewCounter("retries")
)

// Costs are the parts of a hit that are not memory operations, one for each
// stretch of the path. They are fitted to single-thread figures
// (calibration.md C1, C2), never to curves.
type Costs struct {
	TrapEntry  sim.Cycles // INT3 or BRK, user to kernel: the machine's
	TrapExit   sim.Cycles // IRET or ERET: the machine's
	Notify     sim.Cycles // die notifiers, exit-to-user work loop, handle_swbp
	VMALookup  sim.Cycles // instructions of the VMA lookup
	TreeLookup sim.Cycles // instructions of the uprobe lookup
	Chain      sim.Cycles // handler_chain and emulation
	Handler    sim.Cycles // body of one consumer's handler (an empty BPF program)
}

// DefaultCosts are for a Skylake-SP server. Section 12 has the exception
// costs (about 440 and 270 cycles, before page-table isolation); the rest was
// fitted so that one thread under mmap_lock, with a handler of 30 cycles, takes
// the 1,095 cycles of calibration.md C1. C2 (1,047 cycles under mm_lock_seq)
// then comes out of the operations: it was not fitted.
func DefaultCosts() Costs {
	return Costs{TrapEntry: 440, TrapExit: 270, Notify: 20, VMALookup: 10, TreeLookup: 5, Chain: 8, Handler: 60}
}

// Uprobes is the uprobe side of one kernel: where the global tree and the
// notifier chain lie. It holds no state of its own.
type Uprobes struct {
	b       *kernel.Base
	sys     *mm.System
	l       Layouts
	f       fields
	costs   Costs
	finder  finder
	globals sim.Ptr
	tree    rbTree
	die     sim.Ptr
	ops     sim.Ptr
	hits    kmem.PerCPU
}

// New sets uprobes up on the mm code of a kernel, with that code's design. It
// allocates from the boot arena.
func New(sys *mm.System, l Layouts, costs Costs) *Uprobes {
	b := sys.Base()
	u := &Uprobes{b: b, sys: sys, l: l, f: newFields(l), costs: costs, finder: finderOf(sys.Design()),
		globals: b.Arena.Object(l.Globals, ""),
		die:     b.Arena.Object(dieChainLayout, ""),
		ops:     b.Arena.Object(xolOpsLayout, "branch_xol_ops"),
		hits:    b.Arena.PerCPU(hitsLayout, b.Sched.CPUs()),
	}
	u.tree = rbTree{u.f.rb, u.globals.F(u.f.tree)}
	c := sim.NewDirect(b.Arena.Mem)
	c.Store(u.ops.F(opsEmulate), 1) // stands for the address of branch_emulate_op
	link := u.die.F(dieChainHead)
	for _, name := range []string{"kprobe_exceptions_nb", "uprobe_exception_nb"} {
		nb := b.Arena.Object(notifierLayout, name)
		c.Store(nb.F(nbCall), 1)
		c.Store(link, uint64(nb.A))
		link = nb.F(nbNext)
	}
	return u
}

// Bits of uprobe.flags.
const uprobeCopyInsn = 0 // UPROBE_COPY_INSN

// Register makes the uprobe of (inode, offset) with the given number of
// consumers and puts it into the tree (alloc_uprobe, insert_uprobe,
// consumer_add). It builds initial states: writing the breakpoint into running
// processes is not part of it.
func (u *Uprobes) Register(c *sim.CPU, inode sim.Ptr, offset uint64, consumers int) sim.Ptr {
	p := u.b.Arena.Object(u.l.Uprobe, "")
	c.Store(p.F(u.f.inode), uint64(inode.A))
	c.Store(p.F(u.f.offset), offset)
	c.Store(p.F(u.f.ops), uint64(u.ops.A))
	c.Store(p.F(u.f.ilen), 1)
	for _, name := range []string{"register_rwsem", "consumer_rwsem"} {
		u.b.RWSems.At(p, locking.RWSemFieldsOf(u.l.Uprobe, name)).Init(c)
	}
	list.Init(c, u.consumers(p))
	for i := range consumers {
		uc := u.b.Arena.Object(consumerLayout, "")
		c.Store(uc.F(consHandler), 1) // stands for the address of the handler
		c.Store(uc.F(consID), uint64(i+1))
		list.Add(c, uc.Add(uint64(consNode.Off)), u.consumers(p))
	}
	u.insert(c, p, inode, offset)
	copyInsnWriteBarrier(c)
	c.SetBit(p.F(u.f.flags), uprobeCopyInsn)
	return p
}

// insert is insert_uprobe: the tree changes under uprobes_treelock and inside
// a write section of uprobes_seqcount.
func (u *Uprobes) insert(c *sim.CPU, p, inode sim.Ptr, offset uint64) {
	lock := u.b.Spin.At(u.globals.F(u.f.treelock))
	lock.Lock(c)
	locking.Seqcount(u.globals.F(u.f.seqcount)).WriteBegin(c)
	u.tree.insert(c, p, func(at sim.Ptr) bool { return u.compare(c, inode, offset, at) < 0 })
	locking.Seqcount(u.globals.F(u.f.seqcount)).WriteEnd(c)
	lock.Unlock(c)
}

func (u *Uprobes) consumers(p sim.Ptr) sim.Ptr { return p.Add(uint64(u.f.consumers.Off)) }

// compare is __uprobe_cmp_key: by address of the inode, then by offset.
func (u *Uprobes) compare(c *sim.CPU, inode sim.Ptr, offset uint64, at sim.Ptr) int {
	switch i := c.Load(at.F(u.f.inode)); {
	case uint64(inode.A) < i:
		return -1
	case uint64(inode.A) > i:
		return 1
	}
	switch o := c.Load(at.F(u.f.offset)); {
	case offset < o:
		return -1
	case offset > o:
		return 1
	}
	return 0
}

// findUprobe is find_uprobe_rcu (section 4): a walk without lock. Rotations
// can hide a node but not make a wrong one match, so only a miss is checked
// against the sequence. inode is compared and not followed.
func (u *Uprobes) findUprobe(c *sim.CPU, inode sim.Ptr, offset uint64) sim.Ptr {
	prev := c.Step(stepTreeLookup)
	if prev == stepFallback {
		c.Step(prev) // all of a fallback is charged to it
	}
	c.Compute(u.costs.TreeLookup)
	seq := locking.Seqcount(u.globals.F(u.f.seqcount))
	for {
		s := seq.ReadBegin(c)
		p := u.walk(c, inode, offset)
		if !p.IsNull() || !seq.Retry(c, s) {
			c.Step(prev)
			return p
		}
		c.Count(retries, 1)
	}
}

// walk is rb_find_rcu.
func (u *Uprobes) walk(c *sim.CPU, inode sim.Ptr, offset uint64) sim.Ptr {
	p := c.LoadPtr(u.tree.root)
	for !p.IsNull() {
		switch u.compare(c, inode, offset, p) {
		case -1:
			p = c.LoadPtr(p.F(u.f.rb.left))
		case 1:
			p = c.LoadPtr(p.F(u.f.rb.right))
		default:
			return p
		}
	}
	return p
}

// NewTask gives a task its uprobe_task.
func (u *Uprobes) NewTask(c *sim.CPU, task sim.TaskID) {
	p := u.b.Arena.Object(u.l.Utask, "")
	c.Store(u.b.Sched.Task(task).F(sched.TaskUtask), uint64(p.A))
}

// Hits is what the handlers counted on all CPUs.
func (u *Uprobes) Hits(c *sim.CPU) (n uint64) {
	for cpu := range u.hits.CPUs() {
		n += c.Load(u.hits.Of(cpu).F(hitsCount))
	}
	return n
}
