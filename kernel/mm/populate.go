package mm

import (
	"mmsim/kernel/kmem"
	"mmsim/sim"
)

var stepPopulate = sim.NewStep("populate")

// populate is mm_populate, what mmap does last under MAP_POPULATE: under
// mmap_lock for reading it gives every page of the range memory and a PTE. It
// is what munmap later has to take away and to flush.
//
// Of the anonymous fault (section 3.2) it has the page tables, page, PTE lock,
// rss and struct page; anon_vma, LRU and memory cgroups come with the fault
// path proper.
func (m *MM) populate(c *sim.CPU, addr, bytes uint64) {
	prev := c.Step(stepPopulate)
	m.ReadLock(c)
	if vma := m.VMALookup(c, addr); !vma.IsNull() { // else another thread has unmapped it again
		end, prot := min(addr+bytes, m.s.VMA(vma).End(c)), c.Load(vma.F(m.s.vf.pageProt))
		for a := addr; a < end; a += sim.PageBytes {
			m.populatePage(c, a, prot)
		}
	}
	m.ReadUnlock(c)
	c.Step(prev)
}

func (m *MM) populatePage(c *sim.CPU, addr, prot uint64) {
	t := m.pteTable(c, addr)
	page := m.s.anonPage(c)
	lock := m.lockOf(t)
	lock.Lock(c)
	if c.Load(t.entry(addr)) != 0 {
		lock.Unlock(c)
		m.s.b.Pages.Free(c, page)
		return
	}
	m.anonRSS.Add(c, 1)
	ps := m.s.b.Pages.PageStruct(page)
	const pageMappingAnon = 1
	c.Store(ps.F(kmem.PageMapping), pageMappingAnon)
	c.Store(ps.F(kmem.PageIndex), addr/sim.PageBytes)
	c.Store(ps.F(kmem.PageMapcount), 0) // one mapping
	c.Store(t.entry(addr), uint64(page.A)|prot)
	lock.Unlock(c)
}
