package mm

import (
	"fmt"

	"mmsim/sim"
)

var stepMunmap = sim.NewStep("munmap")

// Munmap is the munmap system call (section 4.2). Areas that the range cuts are
// split at its edges. The private tree in which the kernel collects the areas
// it detached is a Go slice here, being on the stack.
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

// gatherVMAs is vms_gather_munmap_vmas: it splits areas at the edges of
// [start, end), write-locks and detaches those inside. Readers have left them
// when it returns.
func (m *MM) gatherVMAs(c *sim.CPU, start, end uint64) (vmas []sim.Ptr, err error) {
	f := &m.s.vf
	for at := start; at < end; {
		r, ok := m.tree.Find(c, at, end-1)
		if !ok {
			break
		}
		vma := r.Entry
		last := c.Load(vma.F(f.end))
		if c.Load(vma.F(f.start)) < start {
			if last > end && c.Load(m.at.F(m.s.mf.mapCount)) >= maxMapCount {
				return nil, fmt.Errorf("munmap: %d areas: %w", maxMapCount, ErrNoMem)
			}
			m.splitVMA(c, vma, start, true)
		}
		if last > end {
			m.splitVMA(c, vma, end, false)
		}
		m.s.locking.startWrite(c, m, vma)
		m.s.locking.detach(c, m, vma)
		vmas = append(vmas, vma)
		at = last
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
	m.unmapRegion(c, vmas, start, end, hole.First, hole.Last)
	for _, vma := range vmas {
		m.removeVMA(c, vma)
	}
	m.ReadUnlock(c)
}

// freeRange is how far page tables may be freed around areas that are still in
// the tree: from the end of the area before them to the last address before
// the next one.
func (m *MM) freeRange(c *sim.CPU, start, end uint64) (floor, ceiling uint64) {
	floor, ceiling = start, end-1
	if before := m.tree.Walk(c, start-1); before.Entry.IsNull() {
		floor = before.First
	}
	if behind := m.tree.Walk(c, end); behind.Entry.IsNull() {
		ceiling = behind.Last
	}
	return floor, ceiling
}

// removeVMA is remove_vma: accounting, the file, and the area's memory.
func (m *MM) removeVMA(c *sim.CPU, vma sim.Ptr) {
	v := m.s.VMA(vma)
	pages := int64((v.End(c) - v.Start(c)) / sim.PageBytes)
	m.account(c, 0, -pages)
	if f := v.File(c); !f.IsNull() {
		m.s.PutFile(c, f)
	}
	m.s.locking.free(c, m.s, vma)
}
