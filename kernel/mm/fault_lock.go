package mm

import "mmsim/sim"

var (
	stepFaultLock     = sim.NewStep("vma-lookup")
	stepFaultFallback = sim.NewStep("fallback")
)

// FaultLockRound is the locking of a page fault at addr and nothing between:
// lock_vma_under_rcu and vma_end_read, or mmap_lock for reading where that fails or
// VMAs have no locks. It is what the fences of a per-VMA sequence count must not
// make slower.
func (m *MM) FaultLockRound(c *sim.CPU, addr uint64) {
	prev := c.Step(stepFaultLock)
	if m.s.locking.perVMA() {
		vma, ok := m.LockVMAUnderRCU(c, addr)
		if ok {
			m.VMAEndRead(c, vma)
			c.Step(prev)
			return
		}
		c.Step(stepFaultFallback)
	}
	m.ReadLock(c)
	m.VMALookup(c, addr)
	m.ReadUnlock(c)
	c.Step(prev)
}
