package mm

import "mmsim/sim"

// FileHooks is what the kernel calls where it maps and unmaps files: uprobe_mmap
// and uprobe_munmap. Areas of anonymous memory do not come here.
type FileHooks interface {
	// Mapped runs under mmap_lock for writing, behind the change: the area, new
	// or with a new range, is in the tree.
	Mapped(c *sim.CPU, m *MM, vma sim.Ptr)
	// Unmapping runs before [start, end) of the area loses its pages, under
	// mmap_lock for reading or writing, or before the area gets another range.
	Unmapping(c *sim.CPU, m *MM, vma sim.Ptr, start, end uint64)
}

// SetFileHooks is for the one who has hooks, before anything runs.
func (s *System) SetFileHooks(h FileHooks) { s.hooks = h }

func (m *MM) mapped(c *sim.CPU, vma, file sim.Ptr) {
	if !file.IsNull() && m.s.hooks != nil {
		m.s.hooks.Mapped(c, m, vma)
	}
}

// unmapping is for the part of vma in [start, end).
func (m *MM) unmapping(c *sim.CPU, vma, file sim.Ptr, start, end uint64) {
	if !file.IsNull() && m.s.hooks != nil {
		v := m.s.VMA(vma)
		m.s.hooks.Unmapping(c, m, vma, max(start, v.Start(c)), min(end, v.End(c)))
	}
}

// unmappingAll is for all of vma.
func (m *MM) unmappingAll(c *sim.CPU, vma, file sim.Ptr) {
	m.unmapping(c, vma, file, 0, ^uint64(0))
}
