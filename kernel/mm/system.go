package mm

import (
	"mmsim/kernel"
	"mmsim/kernel/file"
	"mmsim/kernel/kmem"
	"mmsim/kernel/mm/maple"
	"mmsim/kernel/rcu"
	"mmsim/sim"
)

// Costs are the parts of these paths that are not memory operations.
type Costs struct {
	SyscallEntry sim.Cycles // user to kernel by system call
	SyscallExit  sim.Cycles // and back
	Invlpg       sim.Cycles // one INVLPG: flush one page of the own TLB
	CR3Write     sim.Cycles // flush the own TLB for one address space
}

// DefaultCosts are for a recent x86 server. The system call is half each of
// the null call's 70 to 115 ns (locks-and-barriers.md section 12.1) at 3 GHz;
// the TLB instructions are of confidence C.
func DefaultCosts() Costs {
	return Costs{SyscallEntry: 140, SyscallExit: 140, Invlpg: 120, CR3Write: 200}
}

// Config of the mm code of one kernel.
type Config struct {
	Design  Design
	Layouts Layouts
	Costs   Costs
	// Sheaf is the capacity of the per-CPU sheaves that VMAs and maple nodes are
	// allocated through (32 in 6.18); 0 means none, as before. Nodes are freed by
	// kfree_rcu then, unless Poison is on.
	Sheaf int
	// BroadcastTLB: the machine carries TLB invalidations to all CPUs itself
	// (arm64); otherwise they are interrupted.
	BroadcastTLB bool
	// Poison fills VMAs, their locks and tree nodes with 0x6b when they are
	// freed (slub_debug=P), so that a stale reader meets garbage.
	Poison bool
}

// System is the mm code of one kernel: caches, layouts, and the machinery of
// TLB shootdown. It holds no state of its own.
type System struct {
	b      *kernel.Base
	design Design
	writer writerSide
	costs  Costs
	poison bool

	broadcastTLB, kfreeNodes bool

	l  Layouts
	mf mmFields
	vf vmaFields

	vmas, locks, nodes    *kmem.Cache
	files                 *file.Files
	freeVMACb, freeNodeCb rcu.Callback

	tlb *tlbState
}

// New sets mm up in a booted kernel.
func New(b *kernel.Base, cfg Config) *System {
	s := &System{
		b: b, design: cfg.Design, writer: cfg.Design.writer(), costs: cfg.Costs, poison: cfg.Poison,
		broadcastTLB: cfg.BroadcastTLB, kfreeNodes: cfg.Sheaf > 0 && !cfg.Poison,
		l: cfg.Layouts, mf: newMMFields(cfg.Layouts.MM), vf: newVMAFields(cfg.Layouts.VMA, cfg.Layouts.VMALock),
		vmas:  b.NewCache(cfg.Layouts.VMA, kmem.CacheOptions{Sheaf: cfg.Sheaf}),
		nodes: b.NewCache(maple.NodeLayout, kmem.CacheOptions{Sheaf: cfg.Sheaf, RCUHead: nodeRCUHead}),
		files: file.New(b, file.Config{Layout: cfg.Layouts.File}),
	}
	if s.writer.vmaLocks() {
		s.locks = b.NewCache(cfg.Layouts.VMALock, kmem.CacheOptions{})
	}
	s.freeVMACb = b.RCU.Register("vm_area_free_rcu_cb", s.freeVMARCU)
	s.freeNodeCb = b.RCU.Register("mt_free_rcu", s.freeNodeRCU)
	s.tlb = newTLBState(b)
	return s
}

// Design is the design that the system was built for.
func (s *System) Design() Design { return s.design }

// Base is the kernel below.
func (s *System) Base() *kernel.Base { return s.b }

const poisonFree = 0x6b6b6b6b6b6b6b6b // POISON_FREE

func (s *System) poisonObject(c *sim.CPU, p sim.Ptr, l *sim.Layout) {
	if !s.poison {
		return
	}
	for off := uint64(0); off+8 <= uint64(l.Bytes); off += 8 {
		c.Store(p.Ref(off, 8), poisonFree)
	}
}

// nodeRCUOff is where the rcu_head of a maple node lies: behind parent, over
// the first pivots.
const (
	nodeRCUOff  = 8
	nodeRCUHead = "pivot"
)

// treeNodes feeds maple trees from the kernel's cache.
type treeNodes struct{ s *System }

func (n treeNodes) Alloc(c *sim.CPU) sim.Ptr { return n.s.nodes.Alloc(c) }

func (n treeNodes) FreeRCU(c *sim.CPU, node sim.Ptr) {
	if n.s.kfreeNodes {
		n.s.nodes.FreeRCU(c, node)
		return
	}
	n.s.b.RCU.CallRCU(c, node.Add(nodeRCUOff), n.s.freeNodeCb)
}

func (s *System) freeNodeRCU(c *sim.CPU, head sim.Ptr) {
	node := sim.Ptr{A: head.A - nodeRCUOff, D: head.D}
	s.poisonObject(c, node, maple.NodeLayout)
	s.nodes.Free(c, node)
}

// bootNodes frees replaced nodes at once: nobody reads while the initial
// address space is built.
type bootNodes struct{ treeNodes }

func (n bootNodes) FreeRCU(c *sim.CPU, node sim.Ptr) { n.s.nodes.Free(c, node) }
