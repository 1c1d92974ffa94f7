package kmem

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/sim"
)

func (a *PageAllocator) freeList() sim.Ptr { return a.zone.Add(uint64(zoneFree.Off)) }

func (a *PageAllocator) zoneLock() qspinlock.SpinLock { return a.spin.At(a.zone.F(zoneLock)) }

// allocPCP is rmqueue_pcplist. It fails where the per-CPU lock is taken, which
// only an interrupt that hit its holder sees.
func (a *PageAllocator) allocPCP(c *sim.CPU) sim.Ptr {
	pcp := a.pcps.This(c)
	lock := a.spin.At(pcp.F(pcpLock))
	if !lock.TryLock(c) {
		return sim.Ptr{}
	}
	head := pcpHead(pcp)
	if list.Empty(c, head) {
		a.refill(c, pcp)
	}
	page := pageOf(list.First(c, head))
	list.Del(c, lru(page))
	c.Store(pcp.F(pcpCount), c.Load(pcp.F(pcpCount))-1)
	lock.Unlock(c)
	return page
}

// freePCP is free_unref_page_commit: the page goes to the front of this CPU's
// list, where it is cache-hot; above pcp->high a batch leaves at the back.
func (a *PageAllocator) freePCP(c *sim.CPU, page sim.Ptr) bool {
	pcp := a.pcps.This(c)
	lock := a.spin.At(pcp.F(pcpLock))
	if !lock.TryLock(c) {
		return false
	}
	c.Store(pcp.F(pcpAllocFactor), c.Load(pcp.F(pcpAllocFactor))>>1)
	list.Add(c, lru(page), pcpHead(pcp))
	count := c.Load(pcp.F(pcpCount)) + 1
	c.Store(pcp.F(pcpCount), count)
	if count >= c.Load(pcp.F(pcpHigh)) {
		a.spill(c, pcp, count)
	}
	lock.Unlock(c)
	return true
}

// refill is nr_pcp_alloc and rmqueue_bulk: the batch doubles with each refill
// that no free came between, and stops at pcp->high.
func (a *PageAllocator) refill(c *sim.CPU, pcp sim.Ptr) {
	batch, high := c.Load(pcp.F(pcpBatch)), c.Load(pcp.F(pcpHigh))
	factor := c.Load(pcp.F(pcpAllocFactor))
	n := batch << factor
	most := max(high-batch, batch)
	if n <= most && factor < maxAllocFactor {
		c.Store(pcp.F(pcpAllocFactor), factor+1)
	}
	n = min(n, most)
	lock := a.zoneLock()
	irq := lock.LockIRQSave(c)
	got := uint64(0)
	for got < n {
		page := a.popZone(c)
		if page.IsNull() {
			break
		}
		list.AddTail(c, lru(page), pcpHead(pcp))
		got++
	}
	lock.UnlockIRQRestore(c, irq)
	c.Store(pcp.F(pcpCount), c.Load(pcp.F(pcpCount))+got)
	if got == 0 {
		panic("kmem: out of simulated pages; give the machine more memory")
	}
}

// spill is free_pcppages_bulk: a batch of the coldest pages returns to the
// zone.
func (a *PageAllocator) spill(c *sim.CPU, pcp sim.Ptr, count uint64) {
	n := c.Load(pcp.F(pcpBatch))
	lock := a.zoneLock()
	irq := lock.LockIRQSave(c)
	for range n {
		page := pageOf(list.Last(c, pcpHead(pcp)))
		list.Del(c, lru(page))
		a.pushZone(c, page)
	}
	lock.UnlockIRQRestore(c, irq)
	c.Store(pcp.F(pcpCount), count-n)
}

// allocZone is rmqueue_buddy: one page straight from the zone.
func (a *PageAllocator) allocZone(c *sim.CPU) sim.Ptr {
	lock := a.zoneLock()
	irq := lock.LockIRQSave(c)
	page := a.popZone(c)
	lock.UnlockIRQRestore(c, irq)
	if page.IsNull() {
		panic("kmem: out of simulated pages; give the machine more memory")
	}
	return page
}

// popZone takes a free page under zone->lock: a freed one if there is any,
// otherwise the next one that was never used; null when none is left.
func (a *PageAllocator) popZone(c *sim.CPU) sim.Ptr {
	head := a.freeList()
	if first := list.First(c, head); first.A != head.A {
		list.Del(c, first)
		c.Store(a.zone.F(zoneNrFree), c.Load(a.zone.F(zoneNrFree))-1)
		return pageOf(first)
	}
	pfn := c.Load(a.zone.F(zoneUnsplit))
	if pfn == a.n {
		return sim.Ptr{}
	}
	c.Store(a.zone.F(zoneUnsplit), pfn+1)
	return a.memMap.Add(pfn * uint64(PageLayout.Bytes))
}

// pushZone is __free_one_page without merging, under zone->lock.
func (a *PageAllocator) pushZone(c *sim.CPU, page sim.Ptr) {
	list.Add(c, lru(page), a.freeList())
	c.Store(a.zone.F(zoneNrFree), c.Load(a.zone.F(zoneNrFree))+1)
}
