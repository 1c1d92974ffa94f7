package mm

import (
	"fmt"

	"mmsim/sim"
)

var stepMprotect = sim.NewStep("mprotect")

// vmAccess are the bits of vm_flags that mprotect changes (VM_ACCESS_FLAGS);
// the bits that permit them lie mayShift above.
const (
	vmAccess = VMRead | VMWrite | VMExec
	mayShift = 4
)

// Mprotect is the mprotect system call (section 4.3) for VMRead, VMWrite and
// VMExec. Parts of areas are split off, and parts that have become like a
// neighbour merge with it.
//
// Simplified: execution is not in PTEs (no NX bit), so only write permission
// that goes costs a flush. Of the accounting of areas that become writable there
// is the flag, which stays and keeps them from merging with others, but no
// counter.
func (m *MM) Mprotect(c *sim.CPU, addr, bytes uint64, prot VMFlags) error {
	if bytes == 0 || (addr|bytes)%sim.PageBytes != 0 || prot&^vmAccess != 0 {
		return fmt.Errorf("mprotect of %d bytes at %#x to %#x: %w", bytes, addr, prot, ErrInval)
	}
	prev := c.Step(stepMprotect)
	c.Compute(m.s.costs.SyscallEntry)
	m.WriteLock(c)
	pending := m.at.F(m.s.mf.flushPending)
	c.AtomicAdd(pending, 1)
	g := &gather{}
	err := m.eachVMA(c, addr, addr+bytes, ErrNoMem, func(vma sim.Ptr, from, to uint64) error {
		return m.mprotectFixup(c, g, vma, from, to, prot)
	})
	if g.end != 0 {
		m.flushTLBRange(c, g)
	}
	c.AtomicAdd(pending, ^uint64(0))
	m.WriteUnlock(c)
	c.Compute(m.s.costs.SyscallExit)
	c.Step(prev)
	return err
}

// mprotectFixup is mprotect_fixup: one area, or the part [start, end) of it.
func (m *MM) mprotectFixup(c *sim.CPU, g *gather, vma sim.Ptr, start, end uint64, prot VMFlags) error {
	flags := m.s.VMA(vma).Flags(c)
	next := flags&^vmAccess | prot
	if next&vmAccess&^(next>>mayShift) != 0 {
		return fmt.Errorf("mprotect at %#x: %w", start, ErrAcces)
	}
	if next == flags {
		return nil
	}
	if next&VMWrite != 0 {
		next |= VMAccount
	}
	vma = m.modifyFlags(c, vma, start, end, next)
	m.setFlags(c, vma, next)
	m.protectTable(c, g, m.pgd(c), start, end, protOf(next))
	return nil
}

// protectTable is change_protection_range from one level down.
func (m *MM) protectTable(c *sim.CPU, g *gather, t table, start, end, prot uint64) {
	if t.level == levelPTE {
		m.protectPTEs(c, g, t, start, end, prot)
		return
	}
	for a := start; a < end; {
		next := min(end, a-a%t.level.span()+t.level.span())
		if e := c.LoadPtr(t.entry(a)); !e.IsNull() {
			m.protectTable(c, g, t.below(e), a, next, prot)
		}
		a = next
	}
}

// protectPTEs is change_pte_range: every present entry is taken out and put
// back with the new permission (ptep_modify_prot_start and _commit); the TLBs
// are flushed where one was taken away.
func (m *MM) protectPTEs(c *sim.CPU, g *gather, t table, start, end, prot uint64) {
	lock := m.lockOf(t)
	lock.Lock(c)
	for a := start; a < end; a += sim.PageBytes {
		if c.Load(t.entry(a)) == 0 {
			continue
		}
		pte := c.Xchg(t.entry(a), 0, sim.Full)
		c.Store(t.entry(a), pte&^(sim.PageBytes-1)|prot)
		if pte&pteWrite&^prot != 0 {
			g.cover(a)
		}
	}
	lock.Unlock(c)
}
