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
	// File and Pgoff (in pages) of a file mapping; a null File is anonymous.
	File  sim.Ptr
	Pgoff uint64
	// Populate is how many bytes, from the start, are touched before mmap
	// returns: all of them under MAP_POPULATE, fewer for a program that touches
	// only the first pages of an area.
	Populate uint64
}

// Mmap is the mmap system call (section 4.1). It returns the address of the
// new area.
//
// Left out: merging with neighbours (areas that could merge stay apart), the
// file's i_mmap tree, and memory commitment.
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
	addr, ok := m.unmappedArea(c, req.Addr, req.Bytes)
	if !ok {
		return 0, fmt.Errorf("mmap: no gap of %d bytes: %w", req.Bytes, ErrNoMem)
	}
	vma := m.allocVMA(c)
	m.fillVMA(c, vma, addr, req)
	update := m.tree.Prepare(c, addr, addr+req.Bytes-1, vma)
	m.s.writer.startWrite(c, m, vma)
	update.Commit(c)
	m.account(c, 1, int64(req.Bytes/sim.PageBytes))
	return addr, nil
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

func (m *MM) fillVMA(c *sim.CPU, vma sim.Ptr, addr uint64, req Mapping) {
	f := &m.s.vf
	c.Store(vma.F(f.start), addr)
	c.Store(vma.F(f.end), addr+req.Bytes)
	c.Store(vma.F(f.flags), uint64(req.Flags))
	c.Store(vma.F(f.pageProt), pteFlags)
	c.Store(vma.F(f.pgoff), req.Pgoff)
	if !req.File.IsNull() {
		m.s.GetFile(c, req.File)
		c.Store(vma.F(f.file), uint64(req.File.A))
	}
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
