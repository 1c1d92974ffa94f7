package mm

import (
	"fmt"

	"mmsim/sim"
)

var stepMunmap = sim.NewStep("munmap")

// Munmap is the munmap system call (section 4.2) on whole areas: a range that
// cuts one gives EINVAL, because splitting comes with the other writers. The
// private tree in which the kernel collects the areas it detached is a Go
// slice here, being on the stack.
func (m *MM) Munmap(c *sim.CPU, addr, bytes uint64) error {
	if bytes == 0 || (addr|bytes)%sim.PageBytes != 0 {
		return fmt.Errorf("munmap of %d bytes at %#x: %w", bytes, addr, ErrInval)
	}
	prev := c.Step(stepMunmap)
	c.Compute(m.s.costs.SyscallEntry)
	m.WriteLock(c)
	vmas, err := m.gatherVMAs(c, addr, addr+bytes)
	if err != nil || len(vmas) == 0 {
		m.WriteUnlock(c)
	} else {
		m.unmapLocked(c, addr, addr+bytes, vmas)
	}
	m.s.b.Sched.ExitToUser(c)
	c.Compute(m.s.costs.SyscallExit)
	c.Step(prev)
	return err
}

// gatherVMAs write-locks and detaches the areas of [start, end): readers that
// are inside have left when it returns.
func (m *MM) gatherVMAs(c *sim.CPU, start, end uint64) (vmas []sim.Ptr, err error) {
	f := &m.s.vf
	for at := start; at < end; {
		r, ok := m.tree.Find(c, at, end-1)
		if !ok {
			break
		}
		if first := c.Load(r.Entry.F(f.start)); first < start {
			return nil, fmt.Errorf("munmap at %#x would cut the area at %#x: %w", start, first, ErrInval)
		}
		last := c.Load(r.Entry.F(f.end))
		if last > end {
			return nil, fmt.Errorf("munmap up to %#x would cut the area that ends at %#x: %w", end, last, ErrInval)
		}
		vmas = append(vmas, r.Entry)
		at = last
	}
	for _, vma := range vmas {
		m.s.writer.startWrite(c, m, vma)
		if m.s.writer.vmaLocks() {
			c.Store(vma.F(f.detached), 1)
		}
	}
	return vmas, nil
}

// unmapLocked is the rest of do_vmi_align_munmap: out of the tree, then the
// pages under mmap_lock for reading, then the areas themselves.
func (m *MM) unmapLocked(c *sim.CPU, start, end uint64, vmas []sim.Ptr) {
	m.tree.Store(c, start, end-1, sim.Ptr{})
	hole := m.tree.Walk(c, start)
	m.account(c, -int64(len(vmas)), 0)
	m.WriteDowngrade(c)
	m.unmapRegion(c, start, end, hole.First, hole.Last)
	for _, vma := range vmas {
		m.removeVMA(c, vma)
	}
	m.ReadUnlock(c)
}

// removeVMA is remove_vma: accounting, the file, and the area's memory.
func (m *MM) removeVMA(c *sim.CPU, vma sim.Ptr) {
	v := m.s.VMA(vma)
	pages := int64((v.End(c) - v.Start(c)) / sim.PageBytes)
	m.account(c, 0, -pages)
	if f := v.File(c); !f.IsNull() {
		m.s.PutFile(c, f)
	}
	m.s.freeVMA(c, vma)
}

// MmapMunmap maps pages of anonymous memory near addr (0: anywhere), touches
// the first of them and unmaps them again: the writer that disturbs readers.
func (m *MM) MmapMunmap(c *sim.CPU, addr uint64, pages, touched int) error {
	bytes := uint64(pages) * sim.PageBytes
	at, err := m.Mmap(c, Mapping{Addr: addr, Bytes: bytes, Flags: Anon, Populate: uint64(touched) * sim.PageBytes})
	if err != nil {
		return err
	}
	return m.Munmap(c, at, bytes)
}
