package mm

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// VMFlags are the bits of vm_flags.
type VMFlags uint64

// Bits of vm_flags, with the kernel's values.
const (
	VMRead     VMFlags = 0x1
	VMWrite    VMFlags = 0x2
	VMExec     VMFlags = 0x4
	VMMayRead  VMFlags = 0x10
	VMMayWrite VMFlags = 0x20
	VMMayExec  VMFlags = 0x40
	VMMayShare VMFlags = 0x80
	VMAccount  VMFlags = 0x100000
	VMHugeTLB  VMFlags = 0x400000
	VMDontDump VMFlags = 0x4000000

	// Anon is readable and writable private memory; Text is a program's code.
	Anon = VMRead | VMWrite | VMMayRead | VMMayWrite | VMMayExec | VMAccount
	Text = VMRead | VMExec | VMMayRead | VMMayWrite | VMMayExec
)

// allocVMA is vm_area_alloc: memory, vma_init, and the lock.
func (m *MM) allocVMA(c *sim.CPU) sim.Ptr {
	f := &m.s.vf
	vma := m.s.vmas.Alloc(c)
	c.Clear(vma, uint64(m.s.l.VMA.Bytes)&^7)
	c.Store(vma.F(f.mm), uint64(m.at.A))
	list.Init(c, vma.Add(uint64(f.anonVMAChain.Off)))
	m.s.locking.initVMA(c, m, vma)
	return vma
}

// dupVMA is vm_area_dup: a copy of the VMA, with a lock of its own. The lock
// word of a type-stable VMA must not be written by a copy, so there it goes
// field by field (vm_area_init_from).
func (m *MM) dupVMA(c *sim.CPU, orig sim.Ptr) sim.Ptr {
	f := &m.s.vf
	vma := m.s.vmas.Alloc(c)
	if m.s.design == VMARefcnt {
		for _, k := range [...]sim.Field{f.mm, f.ops, f.start, f.end, f.anonVMA, f.pgoff, f.file, f.private, f.flags, f.pageProt} {
			c.Store(vma.F(k), c.Load(orig.F(k)))
		}
	} else {
		c.Copy(vma, orig, uint64(m.s.l.VMA.Bytes)&^7)
	}
	m.s.locking.initVMA(c, m, vma)
	list.Init(c, vma.Add(uint64(f.anonVMAChain.Off)))
	return vma
}

// VMA reads the fields of one vm_area_struct as the paths do: one load each.
type VMA struct {
	s *System
	p sim.Ptr
}

// VMA is the vm_area_struct at p.
func (s *System) VMA(p sim.Ptr) VMA { return VMA{s, p} }

// Start loads vm_start.
func (v VMA) Start(c *sim.CPU) uint64 { return c.Load(v.p.F(v.s.vf.start)) }

// End loads vm_end.
func (v VMA) End(c *sim.CPU) uint64 { return c.Load(v.p.F(v.s.vf.end)) }

// Pgoff loads vm_pgoff: the file offset of vm_start, in pages.
func (v VMA) Pgoff(c *sim.CPU) uint64 { return c.Load(v.p.F(v.s.vf.pgoff)) }

// Flags loads vm_flags.
func (v VMA) Flags(c *sim.CPU) VMFlags { return VMFlags(c.Load(v.p.F(v.s.vf.flags))) }

// File loads vm_file.
func (v VMA) File(c *sim.CPU) sim.Ptr { return c.LoadPtr(v.p.F(v.s.vf.file)) }
