package mm

import (
	"fmt"

	"mmsim/sim"
)

var stepBrk = sim.NewStep("brk")

// SetHeap places the empty heap of a process that is being built (setup_brk of
// the ELF loader).
func (m *MM) SetHeap(c *sim.CPU, start uint64) {
	c.Store(m.at.F(m.s.mf.startBrk), start)
	c.Store(m.at.F(m.s.mf.brk), start)
}

// HeapEnd is sbrk(0), which the C library knows without a system call.
func (m *MM) HeapEnd(c *sim.CPU) uint64 { return c.Load(m.at.F(m.s.mf.brk)) }

// Brk is the brk system call: the heap ends at brk afterwards. A heap that grows
// stays one area, which gets longer (do_brk_flags, vma_expand); one that
// shrinks is unmapped at its end, which splits the area. The first touch bytes
// of what is new are touched, as far as they go.
func (m *MM) Brk(c *sim.CPU, brk, touch uint64) error {
	prev := c.Step(stepBrk)
	c.Compute(m.s.costs.SyscallEntry)
	m.WriteLock(c)
	start, end, err := m.brkLocked(c, brk)
	if err == nil && touch > 0 && start < end {
		m.populate(c, start, min(touch, end-start))
	}
	c.Compute(m.s.costs.SyscallExit)
	c.Step(prev)
	return err
}

// brkLocked ends with mmap_lock released. It returns the range that is new.
func (m *MM) brkLocked(c *sim.CPU, brk uint64) (start, end uint64, err error) {
	now := m.at.F(m.s.mf.brk)
	old := pageAlign(c.Load(now))
	want := pageAlign(brk)
	switch {
	case brk < c.Load(m.at.F(m.s.mf.startBrk)):
		err = fmt.Errorf("brk to %#x, before the heap: %w", brk, ErrInval)
	case want < old:
		return 0, 0, m.shrinkHeap(c, now, brk, want, old)
	case want > old:
		if r, taken := m.tree.Find(c, old, want); taken {
			err = fmt.Errorf("brk to %#x: the heap would run into %#x: %w", brk, r.First, ErrNoMem)
			break
		}
		m.growHeap(c, old, want)
		start, end = old, want
		fallthrough
	default:
		c.Store(now, brk)
	}
	m.WriteUnlock(c)
	return start, end, err
}

// shrinkHeap unmaps the heap's end; mm->brk changes under mmap_lock for writing.
func (m *MM) shrinkHeap(c *sim.CPU, now sim.Ref, brk, from, to uint64) error {
	vmas, err := m.gatherVMAs(c, from, to)
	if err != nil || len(vmas) == 0 {
		m.WriteUnlock(c)
		return err
	}
	c.Store(now, brk)
	m.unmapLocked(c, from, to, vmas)
	return nil
}

// growHeap is do_brk_flags. Unlike mmap it puts a new area into the tree before
// it attaches it (section 2e).
func (m *MM) growHeap(c *sim.CPU, start, end uint64) {
	req := Mapping{Bytes: end - start, Flags: Anon}
	pages := int64(req.Bytes / sim.PageBytes)
	if _, merged := m.mergeNew(c, start, &req); merged {
		m.account(c, 0, pages)
		return
	}
	vma := m.allocVMA(c)
	m.fillVMA(c, vma, start, req)
	m.s.locking.startWrite(c, m, vma)
	m.tree.Store(c, start, end-1, vma)
	m.s.locking.attach(c, m, vma)
	m.account(c, 1, pages)
}

func pageAlign(n uint64) uint64 { return (n + sim.PageBytes - 1) &^ (sim.PageBytes - 1) }
