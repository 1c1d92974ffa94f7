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
	VMHugeTLB  VMFlags = 0x400000

	// Anon is readable and writable private memory; Text is a program's code.
	Anon = VMRead | VMWrite | VMMayRead | VMMayWrite | VMMayExec
	Text = VMRead | VMExec | VMMayRead | VMMayWrite | VMMayExec
)

// neverLocked is the stamp of a VMA that was never write-locked (-1).
const neverLocked = 1<<32 - 1

// allocVMA is vm_area_alloc: memory, vma_init, and the lock object where there
// is one.
func (m *MM) allocVMA(c *sim.CPU) sim.Ptr {
	f := &m.s.vf
	vma := m.s.vmas.Alloc(c)
	c.Clear(vma, uint64(m.s.l.VMA.Bytes)&^7)
	c.Store(vma.F(f.mm), uint64(m.at.A))
	list.Init(c, vma.Add(uint64(f.anonVMAChain.Off)))
	if m.s.writer.vmaLocks() {
		lock := m.s.locks.Alloc(c)
		m.s.b.RWSems.At(lock, f.rwsem).Init(c)
		c.Store(vma.F(f.lock), uint64(lock.A))
		c.Store(vma.F(f.lockSeq), neverLocked)
	}
	return vma
}

// freeVMA is vm_area_free: after a grace period if there may be readers that
// hold no mmap_lock. vm_rcu lies over vm_start and vm_end.
func (s *System) freeVMA(c *sim.CPU, vma sim.Ptr) {
	if s.writer.vmaLocks() {
		s.b.RCU.CallRCU(c, vma, s.freeVMACb)
		return
	}
	s.poisonObject(c, vma, s.l.VMA)
	s.vmas.Free(c, vma)
}

func (s *System) freeVMARCU(c *sim.CPU, vma sim.Ptr) {
	lock := c.LoadPtr(vma.F(s.vf.lock))
	s.poisonObject(c, lock, s.l.VMALock)
	s.locks.Free(c, lock)
	s.poisonObject(c, vma, s.l.VMA)
	s.vmas.Free(c, vma)
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
