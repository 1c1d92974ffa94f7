package explore

import (
	"slices"
	"testing"

	"mmsim/sim"
)

// Sections of one domain that overlap in different slots are two, and a grace
// period can lie across their seam; in one slot they are one. That holds for
// searches by graph and by schedule, and the grace period waits for each.
func TestSectionsOverlap(t *testing.T) {
	const domain = 3
	for _, v := range []struct {
		name                      string
		first, second, end1, end2 int    // slots of the two locks and the two unlocks
		grace                     uint64 // domain of the grace period
		seam                      bool
	}{
		{"in a chain", 1, 2, 1, 2, domain, true},
		{"one within the other", 1, 2, 2, 1, domain, false},
		{"in one slot", 0, 0, 0, 0, domain, false},
		{"in another domain", 1, 2, 2, 1, domain + 1, true},
	} {
		var seen []uint64
		reader := func(c *sim.CPU) {
			seen = nil
			ReadLockSlot(c, domain, v.first)
			seen = append(seen, c.Load(variable(vy)))
			ReadLockSlot(c, domain, v.second)
			ReadUnlockSlot(c, domain, v.end1)
			seen = append(seen, c.Load(variable(vx)))
			ReadUnlockSlot(c, domain, v.end2)
		}
		writer := func(c *sim.CPU) {
			c.Store(variable(vy), 1)
			Synchronize(c, v.grace)
			c.Store(variable(vx), 1)
		}
		for m := range numModels {
			for _, bound := range []int{3, Unbounded} {
				found := false
				p := threads(reader, writer)
				p.Final = func(View) (string, error) {
					found = found || slices.Equal(seen, []uint64{0, 1})
					return "", nil
				}
				if s := search(t, p, Options{Model: m, Bound: bound}); found != v.seam || s.Deadlocks != 0 {
					t.Errorf("%s under %v, bound %d: y=0 and x=1 shown: %v, %d deadlocks", v.name, m, bound, found, s.Deadlocks)
				}
			}
		}
	}
}

// What goes wrong within a section that has not ended yet does not count if a
// grace period rules it out.
func TestNoFailureThatAGracePeriodRulesOut(t *testing.T) {
	const domain = 3
	p := threads(func(c *sim.CPU) {
		ReadLockSlot(c, domain, 1)
		y := c.Load(variable(vy))
		ReadLockSlot(c, domain, 2)
		if x := c.Load(variable(vx)); y == 0 && x == 1 {
			Fail(c, "a grace period within a section")
		}
		ReadUnlockSlot(c, domain, 2)
		ReadUnlockSlot(c, domain, 1)
	}, func(c *sim.CPU) {
		c.Store(variable(vy), 1)
		Synchronize(c, domain)
		c.Store(variable(vx), 1)
	})
	for m := range numModels {
		for _, bound := range []int{3, Unbounded} {
			if s := search(t, p, Options{Model: m, Bound: bound}); s.Violation != nil || s.Executions == 0 {
				t.Errorf("%v, bound %d: %v, %d executions", m, bound, s.Violation, s.Executions)
			}
		}
	}
}
