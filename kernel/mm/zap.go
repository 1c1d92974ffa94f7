package mm

import (
	"mmsim/kernel/kmem"
	"mmsim/sim"
)

var stepZap = sim.NewStep("zap")

// gather is struct mmu_gather: what was unmapped and is freed after the TLBs
// are flushed. It is on the stack.
type gather struct {
	pages      []sim.Ptr
	tables     []table
	start, end uint64 // range to flush
}

// cover is __tlb_adjust_range for one page.
func (g *gather) cover(addr uint64) {
	if g.end == 0 {
		g.start = addr
	}
	g.start, g.end = min(g.start, addr), max(g.end, addr+sim.PageBytes)
}

// unmapRegion is unmap_region: clear the PTEs of [start, end), where vmas lie, free page
// tables that no area between floor and ceiling (the last address) needs any
// more, flush the TLBs, free the pages. One batch takes it all.
func (m *MM) unmapRegion(c *sim.CPU, vmas []sim.Ptr, start, end, floor, ceiling uint64) {
	prev := c.Step(stepZap)
	pending := m.at.F(m.s.mf.flushPending)
	c.AtomicAdd(pending, 1)
	g := &gather{}
	for _, vma := range vmas {
		m.unmapping(c, vma, m.s.VMA(vma).File(c), start, end)
	}
	m.zapTable(c, g, m.pgd(c), start, end)
	m.freeTables(c, g, m.pgd(c), start, end, floor, ceiling)
	if len(g.pages)+len(g.tables) > 0 {
		m.flushTLBRange(c, g)
	}
	for _, p := range g.pages {
		m.s.b.Pages.Put(c, p)
	}
	for _, t := range g.tables {
		m.s.b.Pages.Free(c, t.Ptr)
	}
	c.AtomicAdd(pending, ^uint64(0))
	c.Step(prev)
}

// zapTable is unmap_page_range from one level down.
func (m *MM) zapTable(c *sim.CPU, g *gather, t table, start, end uint64) {
	if t.level == levelPTE {
		m.zapPTEs(c, g, t, start, end)
		return
	}
	for a := start; a < end; {
		next := min(end, a-a%t.level.span()+t.level.span())
		if e := c.LoadPtr(t.entry(a)); !e.IsNull() {
			m.zapTable(c, g, t.below(e), a, next)
		}
		a = next
	}
}

// zapPTEs is zap_pte_range.
func (m *MM) zapPTEs(c *sim.CPU, g *gather, t table, start, end uint64) {
	lock := m.lockOf(t)
	lock.Lock(c)
	gone := int64(0)
	for a := start; a < end; a += sim.PageBytes {
		if c.Load(t.entry(a)) == 0 {
			continue
		}
		pte := c.Xchg(t.entry(a), 0, sim.Full) // ptep_get_and_clear
		page := sim.At(sim.Addr(pte) &^ (sim.PageBytes - 1))
		c.FetchAdd(m.s.b.Pages.PageStruct(page).F(kmem.PageMapcount), ^uint64(0), sim.Full)
		g.cover(a)
		g.pages = append(g.pages, page)
		gone++
	}
	if gone > 0 {
		m.anonRSS.Add(c, -gone)
	}
	lock.Unlock(c)
}

// freeTables is free_pgtables from one level down: a table goes when its whole
// span lies between floor and ceiling.
func (m *MM) freeTables(c *sim.CPU, g *gather, t table, start, end, floor, ceiling uint64) {
	for a := start; a < end; {
		base := a - a%t.level.span()
		next := min(end, base+t.level.span())
		if e := c.LoadPtr(t.entry(a)); !e.IsNull() {
			child := t.below(e)
			if child.level > levelPTE {
				m.freeTables(c, g, child, a, next, floor, ceiling)
			}
			if base >= floor && base+t.level.span()-1 <= ceiling {
				c.Store(t.entry(a), 0)
				c.AtomicAdd(m.at.F(m.s.mf.pgtablesBytes), ^uint64(sim.PageBytes-1))
				g.cover(a)
				g.tables = append(g.tables, child)
			}
		}
		a = next
	}
}
