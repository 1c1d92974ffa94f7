package uprobes

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// stepMapHook is uprobe_mmap and uprobe_munmap.
var stepMapHook = sim.NewStep("uprobe-mmap")

// mmapHashSize is UPROBES_HASH_SZ: the mutexes that areas of one file are probed
// under, chosen by the address of the inode.
const mmapHashSize = 13

var (
	mmapMutexLayout = sim.NewLayout("uprobes_mmap_mutex", 32, 8, locking.MutexMembers("mutex", 0)...)
	mmapMutexFields = locking.MutexFieldsOf(mmapMutexLayout, "mutex")
)

// mmapMutex is uprobes_mmap_hash.
func (u *Uprobes) mmapMutex(inode sim.Ptr) locking.Mutex {
	return u.b.Mutexes.At(u.mmapMutexes[uint64(inode.A)%mmapHashSize], mmapMutexFields)
}

// noEvents is no_uprobe_events: there is no uprobe in the system.
func (u *Uprobes) noEvents(c *sim.CPU) bool { return c.LoadPtr(u.tree.root).IsNull() }

// Mapped is uprobe_mmap: an area of a file that has uprobes gets their
// breakpoints. One that is being unregistered may still be found, but has no
// consumer left that wants it.
//
// Left out: reference counters of probes (ref_ctr_offset).
func (u *Uprobes) Mapped(c *sim.CPU, m *mm.MM, vma sim.Ptr) {
	prev := c.Step(stepMapHook)
	if v := u.sys.VMA(vma); !u.noEvents(c) {
		if file, ok := validVMA(c, v, mm.VMWrite); ok {
			u.probeArea(c, m, vma, u.sys.FileInode(c, file))
		}
	}
	c.Step(prev)
}

func (u *Uprobes) probeArea(c *sim.CPU, m *mm.MM, vma, inode sim.Ptr) {
	v := u.sys.VMA(vma)
	mutex := u.mmapMutex(inode)
	mutex.Lock(c)
	for p := u.buildProbeList(c, v, inode); !p.IsNull(); {
		next := c.LoadPtr(p.F(u.f.pending))
		if u.filterChain(c, p, m) {
			at := place{m, v.Start(c) + c.Load(p.F(u.f.offset)) - v.Pgoff(c)*sim.PageBytes}
			u.installBreakpoint(c, p, vma, at)
		}
		u.put(c, p)
		p = next
	}
	mutex.Unlock(c)
}

// buildProbeList is build_probe_list: the uprobes in the area's range of the
// file, with a reference each, chained through pending_list. The list's head is
// on the caller's stack. Those that are just going away stay out.
func (u *Uprobes) buildProbeList(c *sim.CPU, v mm.VMA, inode sim.Ptr) (head sim.Ptr) {
	min, max := u.rangeOf(c, v, v.Start(c), v.End(c))
	u.treeReadLock(c)
	n := u.findInRange(c, inode, min, max)
	for at := n; u.inRange(c, at, inode, min, max); at = u.tree.prev(c, at) {
		head = u.addPending(c, at, head)
	}
	if !n.IsNull() {
		for at := u.tree.next(c, n); u.inRange(c, at, inode, min, max); at = u.tree.next(c, at) {
			head = u.addPending(c, at, head)
		}
	}
	u.treeReadUnlock(c)
	return head
}

func (u *Uprobes) addPending(c *sim.CPU, p, head sim.Ptr) sim.Ptr {
	if !u.tryGet(c, p) {
		return head
	}
	c.Store(p.F(u.f.pending), uint64(head.A))
	return p
}

// tryGet is try_get_uprobe, under the tree's lock; where the tree has a
// reference of its own it is get_uprobe.
func (u *Uprobes) tryGet(c *sim.CPU, p sim.Ptr) bool {
	if u.k.Lifetime == LifetimeRefcount {
		u.ref(p).Inc(c)
		return true
	}
	return u.ref(p).IncNotZero(c)
}

// rangeOf is the part of the file that an area has in [start, end): first and
// last byte.
func (u *Uprobes) rangeOf(c *sim.CPU, v mm.VMA, start, end uint64) (first, last uint64) {
	first = offsetIn(c, v, start)
	return first, first + (end - start) - 1
}

// findInRange is find_node_in_range: any uprobe of the range.
func (u *Uprobes) findInRange(c *sim.CPU, inode sim.Ptr, first, last uint64) sim.Ptr {
	n := c.LoadPtr(u.tree.root)
	for !n.IsNull() {
		switch {
		case u.compare(c, inode, last, n) < 0:
			n = c.LoadPtr(n.F(u.f.rb.left))
		case u.compare(c, inode, first, n) > 0:
			n = c.LoadPtr(n.F(u.f.rb.right))
		default:
			return n
		}
	}
	return n
}

func (u *Uprobes) inRange(c *sim.CPU, p, inode sim.Ptr, first, last uint64) bool {
	if p.IsNull() || c.Load(p.F(u.f.inode)) != uint64(inode.A) {
		return false
	}
	o := c.Load(p.F(u.f.offset))
	return first <= o && o <= last
}

// Unmapping is uprobe_munmap: the process may have no probed area left when
// this one is gone. Who finds out is a later hit that finds no uprobe.
func (u *Uprobes) Unmapping(c *sim.CPU, m *mm.MM, vma sim.Ptr, start, end uint64) {
	prev := c.Step(stepMapHook)
	v, flags := u.sys.VMA(vma), u.sys.Flags(m.Ptr())
	if _, ok := u.probedArea(c, v); ok && c.Load(u.sys.MMUsers(m.Ptr())) != 0 {
		now := c.Load(flags)
		if now>>mm.MMFHasUprobes&1 != 0 && now>>mm.MMFRecalcUprobes&1 == 0 && u.hasUprobes(c, v, start, end) {
			c.SetBit(flags, mm.MMFRecalcUprobes)
		}
	}
	c.Step(prev)
}

// probedArea: an area that may have breakpoints.
func (u *Uprobes) probedArea(c *sim.CPU, v mm.VMA) (file sim.Ptr, ok bool) {
	if u.noEvents(c) {
		return file, false
	}
	return validVMA(c, v, 0)
}

// hasUprobes is vma_has_uprobes.
func (u *Uprobes) hasUprobes(c *sim.CPU, v mm.VMA, start, end uint64) bool {
	inode := u.sys.FileInode(c, v.File(c))
	first, last := u.rangeOf(c, v, start, end)
	u.treeReadLock(c)
	p := u.findInRange(c, inode, first, last)
	u.treeReadUnlock(c)
	return !p.IsNull()
}

// recalc is mmf_recalc_uprobes, under mmap_lock for reading: MMF_HAS_UPROBES goes
// if no area has a uprobe. The kernel says that this is not exact: it may see one
// that is just being unregistered.
func (u *Uprobes) recalc(c *sim.CPU, m *mm.MM) {
	for vma, end := m.FindVMA(c, 0); !vma.IsNull(); vma, end = m.FindVMA(c, end) {
		v := u.sys.VMA(vma)
		if _, ok := validVMA(c, v, 0); ok && u.hasUprobes(c, v, v.Start(c), v.End(c)) {
			return
		}
	}
	c.ClearBit(u.sys.Flags(m.Ptr()), mm.MMFHasUprobes)
}

// filterChain is filter_chain: whether some consumer wants the breakpoint in this
// process.
func (u *Uprobes) filterChain(c *sim.CPU, p sim.Ptr, m *mm.MM) (wanted bool) {
	u.consumerSem(p).DownRead(c)
	head := u.consumers(p)
	for n := list.First(c, head); !wanted && n.A != head.A; n = list.Next(c, n) {
		wanted = u.consumerFilter(c, consumerOf(n), m)
	}
	u.consumerSem(p).UpRead(c)
	return wanted
}

// consumerFilter is consumer_filter: without a filter a consumer wants every
// process, with one the process that the filter's word names (as those of perf
// events of a task do).
func (u *Uprobes) consumerFilter(c *sim.CPU, uc sim.Ptr, m *mm.MM) bool {
	only := c.Load(uc.F(consFilter))
	return only == 0 || only == uint64(m.Ptr().A)
}

// FilterConsumer gives a consumer that is not registered yet a filter: it wants
// its probe in one process alone.
func (u *Uprobes) FilterConsumer(c *sim.CPU, uc sim.Ptr, m *mm.MM) {
	c.Store(uc.F(consFilter), uint64(m.Ptr().A))
}
