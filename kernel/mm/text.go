package mm

import (
	"mmsim/kernel/kmem"
	"mmsim/sim"
)

// InodeMapping is the word i_mapping of an inode.
func (s *System) InodeMapping(inode sim.Ptr) sim.Ref {
	return inode.F(inodeLayout.Field("i_mapping"))
}

// MMUsers is the word mm_users of the mm_struct at p.
func (s *System) MMUsers(p sim.Ptr) sim.Ref { return p.F(s.mf.mmUsers) }

// PageAt is the page that the page table has at addr, as the hardware's walk
// finds it; null where nothing is mapped.
func (m *MM) PageAt(c *sim.CPU, addr uint64) sim.Ptr {
	t := m.pgd(c)
	for {
		e := c.LoadPtr(t.entry(addr))
		if e.IsNull() {
			return e
		}
		below := t.below(e)
		if t.level == levelPTE {
			return below.Ptr
		}
		t = below
	}
}

// MapPage maps a page, with the caller's reference, where nothing is mapped: what
// a fault on text leaves behind. It counts as anonymous memory, so that munmap
// finds what it expects. Set-up only.
func (m *MM) MapPage(c *sim.CPU, addr uint64, page sim.Ptr) {
	t := m.pteTable(c, addr)
	c.FetchAdd(m.s.b.Pages.PageStruct(page).F(kmem.PageMapcount), 1, sim.Full)
	m.anonRSS.Add(c, 1)
	c.Store(t.entry(addr), uint64(page.A)|protOf(Text))
}

// MapFilePage is what a fault leaves behind that finds its page in the page cache
// (do_read_fault): the page, with a reference of the mapping's, where nothing is
// mapped; if somebody else was first, nothing changes. The caller holds mmap_lock.
// It counts as anonymous memory, as with MapPage.
func (m *MM) MapFilePage(c *sim.CPU, vma sim.Ptr, addr uint64, page sim.Ptr) {
	prot := c.Load(vma.F(m.s.vf.pageProt))
	t := m.pteTable(c, addr)
	lock := m.lockOf(t)
	lock.Lock(c)
	if c.Load(t.entry(addr)) == 0 {
		m.s.b.Pages.Get(c, page)
		c.FetchAdd(m.s.b.Pages.PageStruct(page).F(kmem.PageMapcount), 1, sim.Full)
		m.anonRSS.Add(c, 1)
		c.Store(t.entry(addr), uint64(page.A)|prot)
	}
	lock.Unlock(c)
}

// ReplacePage is __replace_page of uprobes: page, which nobody knows yet, takes
// the place of the one mapped at addr in vma, which loses a reference. The caller holds
// mmap_lock for writing. TLBs are flushed before the new PTE is there
// (ptep_clear_flush), so that no CPU has the old page behind it.
func (m *MM) ReplacePage(c *sim.CPU, vma sim.Ptr, addr uint64, page sim.Ptr) {
	addr &^= sim.PageBytes - 1
	t := m.pteTable(c, addr)
	ps := m.s.b.Pages.PageStruct(page)
	lock := m.lockOf(t)
	lock.Lock(c)
	const pageMappingAnon = 1
	c.Store(ps.F(kmem.PageMapping), pageMappingAnon)
	c.Store(ps.F(kmem.PageIndex), addr/sim.PageBytes)
	c.Store(ps.F(kmem.PageMapcount), 0)
	old := sim.At(sim.Addr(c.Xchg(t.entry(addr), 0, sim.Full)) &^ (sim.PageBytes - 1))
	g := &gather{}
	g.cover(addr)
	m.flushTLBRange(c, g)
	c.Store(t.entry(addr), uint64(page.A)|c.Load(vma.F(m.s.vf.pageProt)))
	c.FetchAdd(m.s.b.Pages.PageStruct(old).F(kmem.PageMapcount), ^uint64(0), sim.Full)
	lock.Unlock(c)
	m.s.b.Pages.Put(c, old)
}
