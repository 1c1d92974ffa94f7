package uprobes

import (
	"fmt"

	"mmsim/kernel/mm"
	"mmsim/sim"
)

var (
	stepVMALookup = sim.NewStep("vma-lookup")
	stepFallback  = sim.NewStep("fallback")

	fallbacks = sim.NewCounter("fallbacks")
	attempts  = sim.NewCounter("speculation_attempts")
	// wasted is the time of attempts that came to nothing.
	wasted = sim.NewCounter("failed_attempts_ps")
)

// finder is how a design gets from an address to the uprobe without holding
// mmap_lock (section 9). The uprobe it returns is kept as the lifetime's choice
// has it.
type finder interface {
	// find returns the uprobe at vaddr, or null where the caller must fall
	// back: the VMA is being changed, or there is no VMA, file or uprobe to be
	// found, which only mmap_lock makes certain.
	find(c *sim.CPU, u *Uprobes, m *mm.MM, vaddr uint64) sim.Ptr
}

// finderOf is the finder of a design; nil means that mmap_lock is taken at
// once.
func finderOf(d mm.Design) finder {
	switch d {
	case mm.MMapLock:
		return nil
	case mm.VMARWSem, mm.VMARefcnt:
		return vmaRWSemFinder{}
	case mm.MMSeqcount, mm.MMSeqcount64:
		return mmSeqcountFinder{}
	case mm.VMASeqcount, mm.VMASeqcountOwn:
		return vmaSeqcountFinder{}
	}
	panic(fmt.Sprintf("uprobes: design %v", d))
}

// findActive is find_active_uprobe_rcu: by the design's way, and failing that
// under mmap_lock from the beginning. One attempt, so that there is always
// progress. isTrap says of an address without uprobe that there is a breakpoint.
func (u *Uprobes) findActive(c *sim.CPU, m *mm.MM, vaddr uint64) (p sim.Ptr, isTrap bool) {
	prev := c.Step(stepVMALookup)
	c.Compute(u.costs.VMALookup)
	if u.finder == nil {
		p, isTrap = u.findLocked(c, m, vaddr)
	} else {
		c.Count(attempts, 1)
		began := c.Now()
		if p = u.finder.find(c, u, m, vaddr); p.IsNull() {
			c.Count(fallbacks, 1)
			c.Count(wasted, int64((c.Now()-began)/sim.Picosecond))
			c.Step(stepFallback)
			c.Compute(u.costs.VMALookup)
			p, isTrap = u.findLocked(c, m, vaddr)
		}
	}
	c.Step(prev)
	return p, isTrap
}

// Lookup is the first attempt of a hit to find the uprobe at vaddr, in the
// sections that keep it: the design's own way, without its fallback, which is
// what MMapLock does at once. For checks.
func (u *Uprobes) Lookup(c *sim.CPU, m *mm.MM, vaddr uint64) (p sim.Ptr) {
	idx := u.enter(c)
	if u.finder == nil {
		p, _ = u.findLocked(c, m, vaddr)
	} else {
		p = u.finder.find(c, u, m, vaddr)
	}
	u.drop(c, p)
	u.leave(c, idx)
	return p
}

// offsetIn is vaddr_to_offset: the file offset of vaddr, in bytes.
func offsetIn(c *sim.CPU, v mm.VMA, vaddr uint64) uint64 {
	pgoff := v.Pgoff(c)
	return pgoff*sim.PageBytes + vaddr - v.Start(c)
}
