package mm

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// level of a page table: 4 levels of 512 entries of 8 bytes (section 1.6).
type level int

const (
	levelPTE level = iota
	levelPMD
	levelPUD
	levelPGD
)

const (
	tableEntries = 512
	pteFlags     = 0x67 // present, writable, user, accessed, dirty
	pteWrite     = 0x2
)

// protOf is vm_get_page_prot: the bits of a PTE under the given vm_flags.
// Execution is not among them.
func protOf(flags VMFlags) uint64 {
	if flags&VMWrite == 0 {
		return pteFlags &^ pteWrite
	}
	return pteFlags
}

// tableLayouts name the pages of each level in reports.
var tableLayouts = [...]*sim.Layout{
	levelPTE: sim.NewLayout("pte_table", sim.PageBytes, sim.PageBytes, sim.Arr("pte", 0, 8, tableEntries)),
	levelPMD: sim.NewLayout("pmd_table", sim.PageBytes, sim.PageBytes, sim.Arr("pmd", 0, 8, tableEntries)),
	levelPUD: sim.NewLayout("pud_table", sim.PageBytes, sim.PageBytes, sim.Arr("pud", 0, 8, tableEntries)),
	levelPGD: sim.NewLayout("pgd_table", sim.PageBytes, sim.PageBytes, sim.Arr("pgd", 0, 8, tableEntries)),
}

// span is how much address space one entry of a table at this level covers.
func (l level) span() uint64 { return sim.PageBytes << (9 * uint(l)) }

func (l level) index(addr uint64) uint64 { return addr / l.span() % tableEntries }

// table is one page of a page table.
type table struct {
	sim.Ptr
	level level
}

func (t table) entry(addr uint64) sim.Ref { return t.Ref(8*t.level.index(addr), 8) }

// below decodes an entry of t.
func (t table) below(e sim.Ptr) table {
	return table{sim.Ptr{A: e.A &^ (sim.PageBytes - 1), D: e.D}, t.level - 1}
}

// newTable is pte_alloc_one and its like: a cleared page.
func (s *System) newTable(c *sim.CPU, l level) table {
	p := s.b.Pages.Alloc(c)
	s.b.Pages.Name(p, tableLayouts[l], sim.PageBytes)
	c.Clear(p, sim.PageBytes)
	return table{p, l}
}

// ptlOff is where the split page-table lock lies in the struct page of a table
// (ptdesc.ptl).
const ptlOff = 40

// lockOf is the lock that guards the entries of t: pte_lockptr and pmd_lockptr
// are in the table's struct page, higher levels use page_table_lock.
func (m *MM) lockOf(t table) locking.SpinLock {
	if t.level > levelPMD {
		return m.ptl
	}
	return m.s.b.Spin.At(m.s.b.Pages.PageStruct(t.Ptr).Ref(ptlOff, 4))
}

func (m *MM) pgd(c *sim.CPU) table {
	return table{c.LoadPtr(m.at.F(m.s.mf.pgd)), levelPGD}
}

// pteTable walks to the PTE table that covers addr and allocates missing
// levels (__pte_alloc and its like).
func (m *MM) pteTable(c *sim.CPU, addr uint64) table {
	t := m.pgd(c)
	for t.level > levelPTE {
		e := c.LoadPtr(t.entry(addr))
		if e.IsNull() {
			e = m.populateEntry(c, t, addr)
		}
		t = t.below(e)
	}
	return t
}

// populateEntry puts a new table under an empty entry, unless somebody else
// was first. The barrier keeps the cleared entries before the link.
func (m *MM) populateEntry(c *sim.CPU, t table, addr uint64) sim.Ptr {
	fresh := m.s.newTable(c, t.level-1)
	lock := m.lockOf(t)
	lock.Lock(c)
	e := c.LoadPtr(t.entry(addr))
	if e.IsNull() {
		c.AtomicAdd(m.at.F(m.s.mf.pgtablesBytes), sim.PageBytes)
		tableBarrier(c)
		e = sim.At(fresh.A | pteFlags)
		c.Store(t.entry(addr), uint64(e.A))
		lock.Unlock(c)
		return e
	}
	lock.Unlock(c)
	m.s.b.Pages.Free(c, fresh.Ptr)
	return e
}

func tableBarrier(c *sim.CPU) { c.SmpWMB() }

// anonPage prepares a cleared page for its first mapping: alloc, clear_page,
// mark uptodate (section 3.2, steps 4 to 8 without the memory-cgroup charge).
func (s *System) anonPage(c *sim.CPU) sim.Ptr {
	p := s.b.Pages.Alloc(c)
	s.b.Pages.Name(p, nil, 0)
	c.Clear(p, sim.PageBytes)
	c.SmpWMB()
	const uptodate = 1 << 3
	c.Store(s.b.Pages.PageStruct(p).F(kmem.PageFlags), uptodate)
	return p
}
