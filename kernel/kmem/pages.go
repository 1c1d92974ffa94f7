package kmem

import (
	"fmt"

	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/sim"
)

// PageOptions sizes the page allocator. Zero values are replaced by the
// kernel's defaults.
type PageOptions struct {
	// Pages is the number of page frames; 65536 (256 MiB) by default.
	Pages int
	// Batch is pcp->batch, the pages moved under one hold of zone->lock; 63 by
	// default.
	Batch int
	// High is pcp->high, above which a CPU gives pages back; 6 batches by
	// default. The kernel derives it from the zone's watermark.
	High int
}

// maxAllocFactor is CONFIG_PCP_BATCH_SCALE_MAX: refills double up to x32.
const maxAllocFactor = 5

// PageAllocator is the page allocator for order-0 pages of one zone
// (mm/page_alloc.c): a list per CPU under a lock of its own, refilled from and
// spilled to the zone's free list in batches under zone->lock
// (vma-locking-and-fork.md sections 1.7 and 3.2 step 4).
//
// Simplified: freed pages are not merged into higher orders, there is one zone
// and node, and one migrate type.
type PageAllocator struct {
	spin   *qspinlock.Locks
	zone   sim.Ptr
	pcps   PerCPU
	memMap sim.Ptr // array of struct page
	base   sim.Ptr // page frame 0 of the zone
	n      uint64
	syms   *sim.Symbols
}

// NewPageAllocator lays out the zone, its mem_map and the per-CPU lists. All
// pages are free and the per-CPU lists empty.
func NewPageAllocator(a *Arena, spin *qspinlock.Locks, ncpu int, o PageOptions) *PageAllocator {
	if o.Pages == 0 {
		o.Pages = 65536
	}
	if o.Batch == 0 {
		o.Batch = 63
	}
	if o.High == 0 {
		o.High = 6 * o.Batch
	}
	if o.Pages < 0 || o.Batch < 0 || o.High < 2*o.Batch {
		panic(fmt.Sprintf("kmem: page allocator with %d pages, batch %d, high %d: high must be at least two batches", o.Pages, o.Batch, o.High))
	}
	n := uint64(o.Pages)
	p := &PageAllocator{
		spin:   spin,
		zone:   a.Object(zoneLayout, "Normal"),
		pcps:   a.PerCPU(pcpLayout, ncpu),
		memMap: a.Bytes(n*uint64(PageLayout.Bytes), PageBytes, PageLayout),
		base:   a.Bytes(n*PageBytes, PageBytes, nil),
		n:      n,
		syms:   a.Syms,
	}
	c := sim.NewDirect(a.Mem)
	list.Init(c, p.freeList())
	for cpu := range ncpu {
		pcp := p.pcps.Of(cpu)
		c.Store(pcp.F(pcpBatch), uint64(o.Batch))
		c.Store(pcp.F(pcpHigh), uint64(o.High))
		list.Init(c, pcpHead(pcp))
	}
	return p
}

func pcpHead(pcp sim.Ptr) sim.Ptr { return pcp.Add(uint64(pcpList.Off)) }

// lru is the list_head of a struct page, and pageOf its inverse.
func lru(page sim.Ptr) sim.Ptr { return page.Add(uint64(pageLRU.Off)) }

func pageOf(node sim.Ptr) sim.Ptr {
	return sim.Ptr{A: node.A - sim.Addr(pageLRU.Off), D: node.D}
}

// PageStruct is virt_to_page: the struct page of the page that p points into.
func (a *PageAllocator) PageStruct(p sim.Ptr) sim.Ptr {
	i := uint64(p.A-a.base.A) / PageBytes
	if p.A < a.base.A || i >= a.n {
		panic(fmt.Sprintf("kmem: %#x is not in a page of the page allocator", uint64(p.A)))
	}
	return sim.Ptr{A: a.memMap.A, D: p.D}.Add(i * uint64(PageLayout.Bytes))
}

// PageData is page_address: the page that a struct page describes.
func (a *PageAllocator) PageData(page sim.Ptr) sim.Ptr {
	i := uint64(page.A-a.memMap.A) / uint64(PageLayout.Bytes)
	return sim.Ptr{A: a.base.A, D: page.D}.Add(i * PageBytes)
}

// Name names the contents of a page in reports: objects of a layout, one every
// stride bytes. With a nil layout the page is plain data.
func (a *PageAllocator) Name(page sim.Ptr, l *sim.Layout, stride uint64) {
	if l == nil {
		l, stride = dataLayout, PageBytes
	}
	a.syms.AddSlab(page.A, PageBytes/stride*stride, stride, l)
}

// Alloc is alloc_page: it returns the address of a page whose struct page has
// one reference. The contents are what the last user left. Running out of
// pages panics: the run needs a larger zone.
func (a *PageAllocator) Alloc(c *sim.CPU) sim.Ptr {
	page := a.allocPCP(c)
	if page.IsNull() {
		page = a.allocZone(c)
	}
	a.prep(c, page)
	return a.PageData(page)
}

// prep is prep_new_page for a page that its struct page says is free.
func (a *PageAllocator) prep(c *sim.CPU, page sim.Ptr) {
	if refs := c.Load(page.F(PageRefcount)); refs != 0 {
		panic(fmt.Sprintf("kmem: page %#x on a free list has %d references", uint64(a.PageData(page).A), refs))
	}
	c.Store(page.F(PageFlags), 0)
	c.Store(page.F(pagePrivate), 0)
	c.Store(page.F(PageMapcount), 1<<32-1) // -1: not mapped
	c.Store(page.F(PageRefcount), 1)
}

// Get is get_page: the caller has a reference already.
func (a *PageAllocator) Get(c *sim.CPU, p sim.Ptr) {
	c.FetchAdd(a.PageStruct(p).F(PageRefcount), 1, sim.Full)
}

// Put is put_page: drop a reference, and free the page if it was the last.
func (a *PageAllocator) Put(c *sim.CPU, p sim.Ptr) {
	page := a.PageStruct(p)
	old := c.FetchAdd(page.F(PageRefcount), ^uint64(0), sim.Full)
	if old == 0 || old >= 1<<31 {
		panic(fmt.Sprintf("kmem: put of page %#x, which is free", uint64(p.A)))
	}
	if old == 1 {
		a.release(c, page)
	}
}

// Free is __free_page: Put by the only user, which knows that it is the only
// one.
func (a *PageAllocator) Free(c *sim.CPU, p sim.Ptr) {
	page := a.PageStruct(p)
	if c.Load(page.F(PageRefcount)) != 1 {
		panic(fmt.Sprintf("kmem: free of page %#x, which is free or shared", uint64(p.A)))
	}
	c.Store(page.F(PageRefcount), 0)
	a.release(c, page)
}

// release is free_unref_page: a page without references goes to a free list.
func (a *PageAllocator) release(c *sim.CPU, page sim.Ptr) {
	c.Store(page.F(PageMapping), 0) // free_pages_prepare
	if !a.freePCP(c, page) {
		lock := a.zoneLock()
		irq := lock.LockIRQSave(c)
		a.pushZone(c, page)
		lock.UnlockIRQRestore(c, irq)
	}
}
