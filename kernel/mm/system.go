package mm

import (
	"fmt"

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
	// freed (slub_debug=P), so that a stale reader meets garbage. As in the
	// kernel, type-stable objects (the VMAs of VMARefcnt) are not poisoned.
	Poison bool
	// SeqBits is the width of sequence numbers, mm_lock_seq and those in VMAs: 0
	// for the design's own (32, or 64), from 2 up for a counter that wraps
	// within a run. With few bits the stamp of a VMA may come round while it
	// stands; vma_start_write then takes an unlocked VMA for locked.
	SeqBits uint
	// FileLifetime and BackingLifetime say when the memory of closed files is
	// used again.
	FileLifetime, BackingLifetime file.Lifetime
}

// System is the mm code of one kernel: caches, layouts, and the machinery of
// TLB shootdown. It holds no state of its own, but for ghost state that only
// counters read.
type System struct {
	b       *kernel.Base
	design  Design
	locking vmaLocking
	costs   Costs
	poison  bool
	seqMask uint64

	broadcastTLB, kfreeNodes bool

	l  Layouts
	mf mmFields
	vf vmaFields

	vmas, locks, nodes, inodes         *kmem.Cache
	files                              *file.Files
	freeVMACb, freeNodeCb, freeInodeCb rcu.Callback

	tlb   *tlbState
	hooks FileHooks

	// fileLife is ghost state for counting: the life (file.Files.Life) of the
	// file that a VMA holds.
	fileLife map[sim.Addr]uint64
}

// New sets mm up in a booted kernel. It panics where Config.Check has an error.
func New(b *kernel.Base, cfg Config) *System {
	l, err := cfg.layouts()
	if err != nil {
		panic(err.Error())
	}
	s := &System{
		b: b, design: cfg.Design, locking: cfg.Design.locking(), costs: cfg.Costs, poison: cfg.Poison,
		seqMask: ^uint64(0) >> (64 - cfg.seqBits()), broadcastTLB: cfg.BroadcastTLB,
		kfreeNodes: cfg.Sheaf > 0 && !cfg.Poison,
		l:          l, mf: newMMFields(l.MM), vf: newVMAFields(l.VMA, l.VMALock),
		vmas:   b.NewCache(l.VMA, cfg.vmaCache()),
		nodes:  b.NewCache(maple.NodeLayout, kmem.CacheOptions{Sheaf: cfg.Sheaf, RCUHead: nodeRCUHead}),
		files:  file.New(b, file.Config{Layout: l.File, Files: cfg.FileLifetime, Backing: cfg.BackingLifetime}),
		inodes: b.NewCache(inodeLayout, kmem.CacheOptions{}),
	}
	s.fileLife = make(map[sim.Addr]uint64)
	if s.hasVMALocks() {
		s.locks = b.NewCache(l.VMALock, kmem.CacheOptions{})
	}
	s.freeVMACb = b.RCU.Register("vm_area_free_rcu_cb", s.freeVMARCU)
	s.freeNodeCb = b.RCU.Register("mt_free_rcu", s.freeNodeRCU)
	s.freeInodeCb = b.RCU.Register("i_callback", s.freeInodeRCU)
	s.tlb = newTLBState(b)
	return s
}

// Check reports a layout or a width that the design cannot have.
func (k *Config) Check() error {
	if n := k.seqBits(); n < 2 || n > 64 {
		return fmt.Errorf("mm: sequence numbers have 2 to 64 bits, not %d", n)
	}
	_, err := k.layouts()
	return err
}

func (k *Config) seqBits() uint {
	if k.SeqBits != 0 {
		return k.SeqBits
	}
	return k.Design.seqBits()
}

func (k *Config) layouts() (Layouts, error) { return k.Layouts.forDesign(k.Design, k.seqBits()) }

// vmaCache makes the cache of 6.15 on type-stable.
func (k *Config) vmaCache() kmem.CacheOptions {
	if k.Design == VMARefcnt {
		return kmem.CacheOptions{Sheaf: k.Sheaf, TypesafeByRCU: true, FreePointer: "vm_start"}
	}
	return kmem.CacheOptions{Sheaf: k.Sheaf}
}

// hasVMALocks tells whether VMAs have lock objects of their own.
func (s *System) hasVMALocks() bool { return s.locking.perVMA() && s.design != VMARefcnt }

// BroadcastTLB tells whether the machine carries TLB invalidations to all CPUs.
func (s *System) BroadcastTLB() bool { return s.broadcastTLB }

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
