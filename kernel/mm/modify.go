package mm

import (
	"errors"
	"fmt"

	"mmsim/sim"
)

var stepMadvise = sim.NewStep("madvise")

// ErrAcces is EACCES.
var ErrAcces = errors.New("EACCES")

// modifyFlags is vma_modify_flags: the area that consists of exactly
// [start, end) of vma, made by merging with neighbours that have the new flags
// already, or by splitting (section 4.3). The flags are the caller's to set.
func (m *MM) modifyFlags(c *sim.CPU, vma sim.Ptr, start, end uint64, flags VMFlags) sim.Ptr {
	if into, ok := m.mergeExisting(c, vma, start, end, flags); ok {
		return into
	}
	if m.s.VMA(vma).Start(c) < start {
		m.splitVMA(c, vma, start, true)
	}
	if m.s.VMA(vma).End(c) > end {
		m.splitVMA(c, vma, end, false)
	}
	return vma
}

// setFlags is vma_start_write with vm_flags_reset_once, and vma_set_page_prot.
func (m *MM) setFlags(c *sim.CPU, vma sim.Ptr, flags VMFlags) {
	m.s.locking.startWrite(c, m, vma)
	c.Store(vma.F(m.s.vf.flags), uint64(flags))
	c.Store(vma.F(m.s.vf.pageProt), protOf(flags))
}

// eachVMA calls f for the part in [start, end) of every area, in order, until
// there is an error; a hole is one, of the given kind. f may split and merge.
func (m *MM) eachVMA(c *sim.CPU, start, end uint64, hole error, f func(vma sim.Ptr, from, to uint64) error) error {
	for at := start; at < end; {
		r, ok := m.tree.Find(c, at, end-1)
		if !ok || c.Load(r.Entry.F(m.s.vf.start)) > at {
			return fmt.Errorf("nothing is mapped at %#x: %w", at, hole)
		}
		to := min(end, c.Load(r.Entry.F(m.s.vf.end)))
		if err := f(r.Entry, at, to); err != nil {
			return err
		}
		at = to
	}
	return nil
}

// MadviseDump is madvise with MADV_DONTDUMP (dump false) or MADV_DODUMP: it sets
// one flag of a range of areas and touches no page, so it is splitting and
// merging of VMAs pure.
func (m *MM) MadviseDump(c *sim.CPU, addr, bytes uint64, dump bool) error {
	if bytes == 0 || (addr|bytes)%sim.PageBytes != 0 {
		return fmt.Errorf("madvise of %d bytes at %#x: %w", bytes, addr, ErrInval)
	}
	prev := c.Step(stepMadvise)
	c.Compute(m.s.costs.SyscallEntry)
	m.WriteLock(c)
	err := m.eachVMA(c, addr, addr+bytes, ErrNoMem, func(vma sim.Ptr, from, to uint64) error {
		flags := m.s.VMA(vma).Flags(c)
		next := flags | VMDontDump
		if dump {
			next = flags &^ VMDontDump
		}
		if next != flags {
			m.setFlags(c, m.modifyFlags(c, vma, from, to, next), next)
		}
		return nil
	})
	m.WriteUnlock(c)
	c.Compute(m.s.costs.SyscallExit)
	c.Step(prev)
	return err
}
