package mm

import (
	"errors"
	"fmt"

	"mmsim/sim"
)

var stepMmap = sim.NewStep("mmap")

// Errors of mmap and munmap.
var (
	ErrNoMem = errors.New("ENOMEM")
	ErrInval = errors.New("EINVAL")
)

// Mapping is a request to mmap. The range is whole pages.
type Mapping struct {
	// Addr is where the area should be; if that is taken, or for 0, it goes
	// into the highest gap below mmap_base.
	Addr  uint64
	Bytes uint64
	Flags VMFlags
	// Fixed is MAP_FIXED: the area is at Addr, and replaces what is mapped there.
	Fixed bool
	// File and Pgoff (in pages) of a file mapping; a null File is anonymous.
	File  sim.Ptr
	Pgoff uint64
	// Populate is how many bytes, from the start, are touched before mmap
	// returns: all of them under MAP_POPULATE, fewer for a program that touches
	// only the first pages of an area.
	Populate uint64
}

// Mmap is the mmap system call (section 4.1). It returns the address of the
// new area, which may have become part of a neighbour.
//
// Left out: the file's i_mmap tree, anon_vma (areas merge whatever theirs
// would be), and memory commitment.
func (m *MM) Mmap(c *sim.CPU, req Mapping) (addr uint64, err error) {
	if req.Bytes == 0 || (req.Addr|req.Bytes)%sim.PageBytes != 0 {
		return 0, fmt.Errorf("mmap of %d bytes at %#x: %w", req.Bytes, req.Addr, ErrInval)
	}
	prev := c.Step(stepMmap)
	c.Compute(m.s.costs.SyscallEntry)
	m.WriteLock(c)
	addr, err = m.mmapLocked(c, req)
	m.WriteUnlock(c)
	if err == nil && req.Populate > 0 {
		m.populate(c, addr, min(req.Populate, req.Bytes))
	}
	m.s.b.Sched.ExitToUser(c)
	c.Compute(m.s.costs.SyscallExit)
	c.Step(prev)
	return addr, err
}

func (m *MM) mmapLocked(c *sim.CPU, req Mapping) (uint64, error) {
	if c.Load(m.at.F(m.s.mf.mapCount)) >= maxMapCount {
		return 0, fmt.Errorf("mmap: %d areas: %w", maxMapCount, ErrNoMem)
	}
	if req.Fixed {
		return req.Addr, m.mmapFixed(c, req)
	}
	addr, ok := m.unmappedArea(c, req.Addr, req.Bytes)
	if !ok {
		return 0, fmt.Errorf("mmap: no gap of %d bytes: %w", req.Bytes, ErrNoMem)
	}
	m.mapRegion(c, addr, req)
	return addr, nil
}

// mmapFixed is __mmap_region over areas that go away: they are detached and
// their pages unmapped first, then the new area takes their place in the tree
// by one store, so that nobody ever finds a hole.
func (m *MM) mmapFixed(c *sim.CPU, req Mapping) error {
	old, err := m.gatherVMAs(c, req.Addr, req.Addr+req.Bytes)
	if err != nil {
		return err
	}
	if len(old) > 0 {
		floor, ceiling := m.freeRange(c, req.Addr, req.Addr+req.Bytes)
		m.unmapRegion(c, old, req.Addr, req.Addr+req.Bytes, floor, ceiling)
	}
	m.mapRegion(c, req.Addr, req)
	m.account(c, -int64(len(old)), 0)
	for _, vma := range old {
		m.removeVMA(c, vma)
	}
	return nil
}

// mapRegion is what is left of __mmap_region when the range is free: an area
// beside it grows, or there is a new one.
func (m *MM) mapRegion(c *sim.CPU, addr uint64, req Mapping) {
	pages := int64(req.Bytes / sim.PageBytes)
	if into, ok := m.mergeNew(c, addr, &req); ok {
		m.account(c, 0, pages)
		m.mapped(c, into, req.File)
		return
	}
	vma := m.allocVMA(c)
	m.fillVMA(c, vma, addr, req)
	update := m.tree.Prepare(c, addr, addr+req.Bytes-1, vma)
	m.s.locking.startWrite(c, m, vma)
	m.s.locking.attach(c, m, vma)
	update.Commit(c)
	m.account(c, 1, pages)
	m.mapped(c, vma, req.File)
}

// unmappedArea is arch_get_unmapped_area_topdown.
func (m *MM) unmappedArea(c *sim.CPU, hint, bytes uint64) (uint64, bool) {
	if hint != 0 && hint <= c.Load(m.at.F(m.s.mf.taskSize))-bytes {
		next, ok := m.tree.Find(c, hint, hint+bytes-1)
		if !ok || hint+bytes <= c.Load(next.Entry.F(m.s.vf.start)) {
			return hint, true
		}
	}
	return m.tree.EmptyAreaRev(c, mmapMinAddr, c.Load(m.at.F(m.s.mf.mmapBase))-1, bytes)
}

// pgoffAt is vm_pgoff of an area that begins at addr: private anonymous memory
// counts from address 0, so that neighbours fit together.
func (req *Mapping) pgoffAt(addr uint64) uint64 {
	if req.File.IsNull() {
		return addr / sim.PageBytes
	}
	return req.Pgoff
}

func (m *MM) fillVMA(c *sim.CPU, vma sim.Ptr, addr uint64, req Mapping) {
	f := &m.s.vf
	m.setRange(c, vma, addr, addr+req.Bytes, req.pgoffAt(addr))
	c.Store(vma.F(f.flags), uint64(req.Flags))
	c.Store(vma.F(f.pageProt), protOf(req.Flags))
	if !req.File.IsNull() {
		m.s.holdFile(c, vma, req.File)
		c.Store(vma.F(f.file), uint64(req.File.A))
	}
}

// setRange is vma_set_range.
func (m *MM) setRange(c *sim.CPU, vma sim.Ptr, start, end, pgoff uint64) {
	c.Store(vma.F(m.s.vf.start), start)
	c.Store(vma.F(m.s.vf.end), end)
	c.Store(vma.F(m.s.vf.pgoff), pgoff)
}

// account changes map_count, total_vm and data_vm by plain updates, under
// mmap_lock.
func (m *MM) account(c *sim.CPU, areas, pages int64) {
	for _, r := range []struct {
		ref sim.Ref
		n   int64
	}{
		{m.at.F(m.s.mf.mapCount), areas},
		{m.at.F(m.s.mf.totalVM), pages},
		{m.at.F(m.s.mf.dataVM), pages},
	} {
		if r.n != 0 {
			c.Store(r.ref, c.Load(r.ref)+uint64(r.n))
		}
	}
}
