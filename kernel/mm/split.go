package mm

import "mmsim/sim"

var stepSplit = sim.NewStep("vma-split")

// splitVMA is __split_vma (mm/vma.c): a second area takes over what lies below
// addr, or what lies from addr on. Both are write-locked. Readers under RCU that
// find the old entry in the meantime see by its range that it does not cover
// their address any more.
func (m *MM) splitVMA(c *sim.CPU, vma sim.Ptr, addr uint64, newBelow bool) (fresh sim.Ptr) {
	prev := c.Step(stepSplit)
	v := m.s.VMA(vma)
	start, end, pgoff := v.Start(c), v.End(c), v.Pgoff(c)
	above := pgoff + (addr-start)/sim.PageBytes
	fresh = m.dupVMA(c, vma)
	low, high := start, addr
	if newBelow {
		c.Store(fresh.F(m.s.vf.end), addr)
	} else {
		low, high = addr, end
		c.Store(fresh.F(m.s.vf.start), addr)
		c.Store(fresh.F(m.s.vf.pgoff), above)
	}
	update := m.tree.Prepare(c, low, high-1, fresh)
	file := v.File(c)
	if !file.IsNull() {
		m.s.holdFile(c, fresh, file)
	}
	m.s.locking.startWrite(c, m, vma)
	m.s.locking.startWrite(c, m, fresh)
	m.unmappingAll(c, vma, file) // vma_prepare
	if newBelow {
		m.setRange(c, vma, addr, end, above)
	} else {
		m.setRange(c, vma, start, addr, pgoff)
	}
	m.s.locking.attach(c, m, fresh)
	update.Commit(c)
	m.account(c, 1, 0)
	m.mapped(c, vma, file) // vma_complete
	m.mapped(c, fresh, file)
	c.Step(prev)
	return fresh
}
