package uprobes

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

var (
	stepRegister   = sim.NewStep("uprobe-register")
	stepUnregister = sim.NewStep("uprobe-unregister")
	stepSync       = sim.NewStep("uprobe-sync")
)

// consumerOf is the consumer of a list node.
func consumerOf(n sim.Ptr) sim.Ptr { return sim.Ptr{A: n.A - sim.Addr(consNode.Off), D: n.D} }

func (u *Uprobes) consumers(p sim.Ptr) sim.Ptr { return p.Add(uint64(u.f.consumers.Off)) }

// NewConsumer makes a consumer with a handler, and a return handler where the
// kernel was set up for them.
func (u *Uprobes) NewConsumer(c *sim.CPU) sim.Ptr { return u.newConsumer(c, u.returns) }

func (u *Uprobes) newConsumer(c *sim.CPU, returns bool) sim.Ptr {
	uc := u.consumerCache.Zalloc(c)
	c.Store(uc.F(consHandler), handlerFunc)
	if returns {
		c.Store(uc.F(consRetHandler), handlerFunc)
	}
	return uc
}

// FirstConsumer is the first consumer of a uprobe that has any.
func (u *Uprobes) FirstConsumer(c *sim.CPU, p sim.Ptr) sim.Ptr {
	return consumerOf(list.First(c, u.consumers(p)))
}

// FreeConsumer is what its owner does with a consumer after Unregister and Sync.
func (u *Uprobes) FreeConsumer(c *sim.CPU, uc sim.Ptr) {
	u.poisonObject(c, uc, consumerLayout)
	u.consumerCache.Free(c, uc)
}

// RegisterConsumer is uprobe_register: it adds a consumer to the uprobe of
// (inode, offset), which it makes if there is none, and puts the breakpoint into
// every process that maps the place. It returns the uprobe.
func (u *Uprobes) RegisterConsumer(c *sim.CPU, inode sim.Ptr, offset uint64, uc sim.Ptr) sim.Ptr {
	prev := c.Step(stepRegister)
	u.RunDeferred(c)
	for {
		p := u.allocUprobe(c, inode, offset)
		reg := u.registerSem(p)
		reg.DownWrite(c)
		counted := u.k.Lifetime == LifetimeRefcount
		active := !counted || !u.tree.empty(c, p) // it may have lost its last consumer meanwhile
		if active {
			u.consumerAdd(c, p, uc)
			u.registerForEachVMA(c, p, uc)
		}
		reg.UpWrite(c)
		if counted {
			u.put(c, p)
		}
		if active {
			c.Step(prev)
			return p
		}
	}
}

// Unregister is uprobe_unregister_nosync of the consumer uc of p: its handlers may
// still run until Sync returns.
func (u *Uprobes) Unregister(c *sim.CPU, p, uc sim.Ptr) {
	prev := c.Step(stepUnregister)
	u.RunDeferred(c)
	reg := u.registerSem(p)
	reg.DownWrite(c)
	u.consumerDel(c, p, uc)
	u.registerForEachVMA(c, p, sim.Ptr{})
	if u.k.Lifetime == LifetimeRefcount && list.Empty(c, u.consumers(p)) {
		u.erase(c, p) // delete_uprobe; the tree's reference is dropped below
		reg.UpWrite(c)
		u.put(c, p)
	} else {
		reg.UpWrite(c)
		if u.k.Lifetime != LifetimeRefcount {
			u.put(c, p)
		}
	}
	c.Step(prev)
}

// Sync is uprobe_unregister_sync: after it no handler of a consumer that was
// unregistered before runs. With references register_rwsem has seen to that.
func (u *Uprobes) Sync(c *sim.CPU) {
	if c.Breaks(breakSync) {
		return
	}
	prev := c.Step(stepSync)
	switch u.k.Lifetime {
	case LifetimeSRCU:
		u.srcu.Synchronize(c)
	case LifetimeTasksTrace:
		u.b.RCU.SynchronizeTasksTrace(c)
	}
	if u.k.Ret.leased() {
		u.uretSRCU.Synchronize(c)
	}
	c.Step(prev)
}

// allocUprobe is alloc_uprobe: the uprobe of (inode, offset) with a reference for
// the caller. With refcounted hits the tree has one of its own.
func (u *Uprobes) allocUprobe(c *sim.CPU, inode sim.Ptr, offset uint64) sim.Ptr {
	p := u.newUprobe(c, inode, offset)
	at := u.insert(c, p, inode, offset)
	if at.A != p.A {
		u.poisonObject(c, p, u.l.Uprobe)
		u.cache.Free(c, p)
	}
	return at
}

func (u *Uprobes) newUprobe(c *sim.CPU, inode sim.Ptr, offset uint64) sim.Ptr {
	p := u.cache.Zalloc(c)
	refs := uint64(1)
	if u.k.Lifetime == LifetimeRefcount {
		refs = 2
	}
	u.ref(p).Set(c, refs)
	u.tree.clear(c, p)
	c.Store(p.F(u.f.inode), uint64(inode.A))
	c.Store(p.F(u.f.offset), offset)
	u.registerSem(p).Init(c)
	u.consumerSem(p).Init(c)
	list.Init(c, u.consumers(p))
	return p
}

// consumerAdd is consumer_add, and consumerDel consumer_del.
func (u *Uprobes) consumerAdd(c *sim.CPU, p, uc sim.Ptr) {
	u.consumerSem(p).DownWrite(c)
	list.AddRCU(c, uc.Add(uint64(consNode.Off)), u.consumers(p))
	c.Store(uc.F(consID), c.FetchAdd(u.ids.F(idsNext), 1, sim.Full)+1)
	u.consumerSem(p).UpWrite(c)
}

func (u *Uprobes) consumerDel(c *sim.CPU, p, uc sim.Ptr) {
	u.consumerSem(p).DownWrite(c)
	list.DelRCU(c, uc.Add(uint64(consNode.Off)))
	u.consumerSem(p).UpWrite(c)
}

// Register makes the uprobe of (inode, offset) with the given number of
// consumers and puts it into the tree, with its instruction copied. It builds
// initial states: the breakpoint is not written into any process.
func (u *Uprobes) Register(c *sim.CPU, inode sim.Ptr, offset uint64, consumers int) sim.Ptr {
	return u.RegisterInsn(c, inode, offset, InsnNop, consumers)
}

// RegisterInsn is Register of a place with another instruction than a nop.
func (u *Uprobes) RegisterInsn(c *sim.CPU, inode sim.Ptr, offset uint64, insn Insn, consumers int) sim.Ptr {
	return u.registerAtBoot(c, inode, offset, insn, consumers, u.returns)
}

func (u *Uprobes) registerAtBoot(c *sim.CPU, inode sim.Ptr, offset uint64, insn Insn, consumers int, returns bool) sim.Ptr {
	p := u.newUprobe(c, inode, offset)
	u.link(c, p, inode, offset)
	refs := uint64(consumers)
	if u.k.Lifetime == LifetimeRefcount {
		refs = 1 // the tree's
	}
	u.ref(p).Set(c, refs)
	for range consumers {
		uc := u.newConsumer(c, returns)
		list.AddRCU(c, uc.Add(uint64(consNode.Off)), u.consumers(p))
		c.Store(uc.F(consID), c.FetchAdd(u.ids.F(idsNext), 1, sim.Full)+1)
	}
	if !c.LoadPtr(u.sys.InodeMapping(inode)).IsNull() {
		u.copyInsnFrom(c, p)
	} else {
		u.analyze(c, p, opcodes[insn])
	}
	copyInsnWriteBarrier(c)
	c.SetBit(p.F(u.f.flags), uprobeCopyInsn)
	return p
}

// addressSpace is the address_space of a file with probes: what maps it, and its
// one page of text in the page cache.
//
// Simplified: i_mmap is a list that is filled when the process is built, not an
// interval tree that mmap and munmap keep; who follows an entry checks the VMA,
// as the kernel does after it has dropped i_mmap_rwsem.
var (
	mappingLayout = sim.NewLayout("address_space", 192, 64, append(locking.RWSemMembers("i_mmap_rwsem", 64),
		sim.F("i_pages", 0, 8), sim.F("i_mmap", 128, 8))...)
	mappingPages = mappingLayout.Field("i_pages")
	mappingMmap  = mappingLayout.Field("i_mmap")
	mappingSem   = locking.RWSemFieldsOf(mappingLayout, "i_mmap_rwsem")

	mapInfoLayout = sim.NewLayout("i_mmap_entry", 64, 64, sim.F("next", 0, 8), sim.F("mm", 8, 8), sim.F("vaddr", 16, 8))
	mapInfoNext   = mapInfoLayout.Field("next")
	mapInfoMM     = mapInfoLayout.Field("mm")
	mapInfoVaddr  = mapInfoLayout.Field("vaddr")
)

// place is one entry of build_map_info: a process, and where it maps the offset.
type place struct {
	m     *mm.MM
	vaddr uint64
}

// buildMapInfo is build_map_info: the places that map an offset, found under
// i_mmap_rwsem for reading, and their processes held by a reference.
func (u *Uprobes) buildMapInfo(c *sim.CPU, inode sim.Ptr, offset uint64) (places []place) {
	mapping := c.LoadPtr(u.sys.InodeMapping(inode))
	if mapping.IsNull() {
		return nil
	}
	sem := u.b.RWSems.At(mapping, mappingSem)
	sem.DownRead(c)
	for n := c.LoadPtr(mapping.F(mappingMmap)); !n.IsNull(); n = c.LoadPtr(n.F(mapInfoNext)) {
		m := u.mms[c.Load(n.F(mapInfoMM))]
		c.FetchAdd(u.sys.MMUsers(m.Ptr()), 1, sim.Full) // mmget_not_zero
		places = append(places, place{m, c.Load(n.F(mapInfoVaddr)) + offset})
	}
	sem.UpRead(c)
	return places
}

// registerForEachVMA is register_for_each_vma (section 10): dup_mmap_sem keeps
// forks out, then each process is changed under its mmap_lock for writing. A null
// consumer unregisters.
func (u *Uprobes) registerForEachVMA(c *sim.CPU, p, uc sim.Ptr) {
	u.dupMmap.DownWrite(c)
	inode, offset := c.LoadPtr(p.F(u.f.inode)), c.Load(p.F(u.f.offset))
	for _, at := range u.buildMapInfo(c, inode, offset) {
		at.m.WriteLock(c)
		vma := at.m.VMALookup(c, at.vaddr)
		if !vma.IsNull() && u.maps(c, vma, inode, offset, at.vaddr) {
			switch {
			case !uc.IsNull():
				if u.consumerFilter(c, uc, at.m) {
					u.installBreakpoint(c, p, vma, at)
				}
			case c.Load(u.sys.Flags(at.m.Ptr()))>>mm.MMFHasUprobes&1 != 0 && !u.filterChain(c, p, at.m):
				u.removeBreakpoint(c, p, vma, at)
			}
		}
		at.m.WriteUnlock(c)
		c.FetchAdd(u.sys.MMUsers(at.m.Ptr()), ^uint64(0), sim.Full) // mmput
	}
	u.dupMmap.UpWrite(c)
}

// maps checks that a VMA maps the offset of the inode at vaddr.
func (u *Uprobes) maps(c *sim.CPU, vma, inode sim.Ptr, offset, vaddr uint64) bool {
	v := u.sys.VMA(vma)
	file, ok := validVMA(c, v, 0)
	return ok && u.sys.FileInode(c, file).A == inode.A && offsetIn(c, v, vaddr) == offset
}
