package uprobes

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// opcodeInt3 is the breakpoint instruction of x86.
const opcodeInt3 = 0xcc

// opcodes are the first bytes of the probed instructions.
var opcodes = [...]uint64{InsnNop: 0x90, InsnPush: 0x55, InsnStep: 0xc3}

// Opcode is the first byte of a probed instruction.
func Opcode(i Insn) uint64 { return opcodes[i] }

// MapText gives the text of an inode a page in the page cache with the
// instruction at an offset, and maps it into the process whose area begins at
// start: what a breakpoint can be written into. With installed the process has a
// copy with the breakpoint in it. Set-up only; one probe per inode.
func (u *Uprobes) MapText(c *sim.CPU, m *mm.MM, inode sim.Ptr, start, offset uint64, insn Insn, installed bool) {
	page := u.CacheText(c, m, inode, start, offset, insn)
	if installed {
		m.MapPage(c, start+offset, u.textPage(c, offset, opcodeInt3))
		return
	}
	u.b.Pages.Get(c, page)
	m.MapPage(c, start+offset, page)
}

// CacheText is the part of MapText without page table: the page is in the page
// cache, and the process, whose area begins at start, has not touched it. It
// returns the page.
func (u *Uprobes) CacheText(c *sim.CPU, m *mm.MM, inode sim.Ptr, start, offset uint64, insn Insn) (page sim.Ptr) {
	mapping := u.b.Arena.Object(mappingLayout, "")
	u.b.RWSems.At(mapping, mappingSem).Init(c)
	page = u.textPage(c, offset, opcodes[insn])
	c.Store(u.b.Pages.PageStruct(page).F(kmem.PageIndex), offset/sim.PageBytes)
	c.Store(mapping.F(mappingPages), uint64(page.A))
	c.Store(u.sys.InodeMapping(inode), uint64(mapping.A))
	n := u.b.Arena.Object(mapInfoLayout, "")
	c.Store(n.F(mapInfoMM), u.number(m))
	c.Store(n.F(mapInfoVaddr), start)
	c.Store(mapping.F(mappingMmap), uint64(n.A))
	return page
}

func (u *Uprobes) textPage(c *sim.CPU, offset, opcode uint64) sim.Ptr {
	page := u.b.Pages.Alloc(c)
	u.b.Pages.Name(page, nil, 0)
	c.Clear(page, sim.PageBytes)
	c.Store(page.Ref(offset%sim.PageBytes, 1), opcode)
	return page
}

// number is the index of a process in u.mms, for pointers to it in memory.
func (u *Uprobes) number(m *mm.MM) uint64 {
	for i, x := range u.mms {
		if x.Ptr().A == m.Ptr().A {
			return uint64(i)
		}
	}
	u.mms = append(u.mms, m)
	return uint64(len(u.mms) - 1)
}

// opcodeAt is the instruction byte at a user address as the page table has it
// now; 0 where nothing is mapped.
func (u *Uprobes) opcodeAt(c *sim.CPU, m *mm.MM, vaddr uint64) uint64 {
	page := m.PageAt(c, vaddr)
	if page.IsNull() {
		return 0
	}
	return c.Load(page.Ref(vaddr%sim.PageBytes, 1))
}

// isTrapAt is is_trap_at_addr, under mmap_lock: who installs breakpoints holds it
// for writing, so a breakpoint that is still there without uprobe belongs to
// somebody else.
func (u *Uprobes) isTrapAt(c *sim.CPU, m *mm.MM, vaddr uint64) bool {
	c.Compute(u.costs.UserAccess)
	return u.opcodeAt(c, m, vaddr) == opcodeInt3
}

// installBreakpoint is install_breakpoint, under mmap_lock for writing.
func (u *Uprobes) installBreakpoint(c *sim.CPU, p, vma sim.Ptr, at place) {
	u.prepareUprobe(c, p)
	flags := u.sys.Flags(at.m.Ptr())
	if c.Load(flags)>>mm.MMFHasUprobes&1 == 0 {
		c.SetBit(flags, mm.MMFHasUprobes)
	}
	if u.writeOpcode(c, vma, at, opcodeInt3) {
		c.ClearBit(flags, mm.MMFRecalcUprobes)
	}
}

// removeBreakpoint is remove_breakpoint. MMF_HAS_UPROBES stays: a later hit that
// finds no uprobe clears it, if no area has any.
func (u *Uprobes) removeBreakpoint(c *sim.CPU, p, vma sim.Ptr, at place) {
	c.SetBit(u.sys.Flags(at.m.Ptr()), mm.MMFRecalcUprobes)
	in := c.Load(p.F(u.f.offset)) % 8
	u.writeOpcode(c, vma, at, c.Load(p.FI(u.f.insn, 0))>>(8*in)&0xff)
}

// prepareUprobe is prepare_uprobe: the first install copies the instruction out
// of the page cache, analyses it, and says so (U9).
func (u *Uprobes) prepareUprobe(c *sim.CPU, p sim.Ptr) {
	if c.Load(p.F(u.f.flags))>>uprobeCopyInsn&1 != 0 {
		return
	}
	u.consumerSem(p).DownWrite(c)
	if c.Load(p.F(u.f.flags))>>uprobeCopyInsn&1 == 0 {
		u.copyInsnFrom(c, p)
		copyInsnWriteBarrier(c)
		c.SetBit(p.F(u.f.flags), uprobeCopyInsn)
	}
	u.consumerSem(p).UpWrite(c)
}

// copyInsnFrom is copy_insn and what follows it. The copy has whole words: the
// instruction begins in the first.
func (u *Uprobes) copyInsnFrom(c *sim.CPU, p sim.Ptr) {
	inode := c.LoadPtr(p.F(u.f.inode))
	page := c.LoadPtr(c.LoadPtr(u.sys.InodeMapping(inode)).F(mappingPages))
	at := c.Load(p.F(u.f.offset)) % sim.PageBytes
	opcode := uint64(0)
	for i := range 2 {
		word := c.Load(page.Ref((at&^7+uint64(8*i))%sim.PageBytes, 8))
		c.Store(p.FI(u.f.insn, i), word)
		if i == 0 {
			opcode = word >> (8 * (at & 7)) & 0xff
		}
	}
	u.analyze(c, p, opcode)
}

// analyze is arch_uprobe_analyze_insn: how the instruction is executed instead.
// What it does not know is single-stepped.
func (u *Uprobes) analyze(c *sim.CPU, p sim.Ptr, opcode uint64) {
	c.Compute(u.costs.Analyze)
	insn := InsnStep
	for i, known := range opcodes {
		if opcode == known {
			insn = Insn(i)
		}
	}
	c.Store(p.F(u.f.ops), uint64(u.ops[insn].A))
	c.Store(p.F(u.f.ilen), 1)
}

// writeOpcode is uprobe_write_opcode: a copy of the page with the byte changed
// takes the page's place, with the TLBs of the process flushed in between
// (__replace_page). It fails where there is no page to be had.
//
// Simplified: the page is copied for each change, also where it is a private
// copy already, and the file's own page is mapped again only with the area.
func (u *Uprobes) writeOpcode(c *sim.CPU, vma sim.Ptr, at place, opcode uint64) bool {
	old := u.textAt(c, vma, at) // get_user_page_vma_remote
	if old.IsNull() {
		return false
	}
	in := at.vaddr % sim.PageBytes
	if c.Load(old.Ref(in, 1)) == opcode { // verify_opcode: it is there already
		return true
	}
	page := u.b.Pages.Alloc(c)
	u.b.Pages.Name(page, nil, 0)
	c.Copy(page, old, sim.PageBytes)
	c.Store(page.Ref(in, 1), opcode)
	textWriteBarrier(c)
	at.m.ReplacePage(c, vma, at.vaddr, page)
	return true
}

// textAt is the page at a place in an area, mapped now if it was not.
func (u *Uprobes) textAt(c *sim.CPU, vma sim.Ptr, at place) sim.Ptr {
	page := at.m.PageAt(c, at.vaddr)
	if page.IsNull() && u.faultIn(c, vma, at) {
		page = at.m.PageAt(c, at.vaddr)
	}
	return page
}

// faultIn is what filemap_fault and do_read_fault do about text that is in the
// page cache, under mmap_lock. It fails for an area that is no text, and for a
// page that the file does not have.
func (u *Uprobes) faultIn(c *sim.CPU, vma sim.Ptr, at place) bool {
	v := u.sys.VMA(vma)
	file := v.File(c)
	if file.IsNull() {
		return false
	}
	mapping := c.LoadPtr(u.sys.InodeMapping(u.sys.FileInode(c, file)))
	if mapping.IsNull() {
		return false
	}
	page := c.LoadPtr(mapping.F(mappingPages))
	if c.Load(u.b.Pages.PageStruct(page).F(kmem.PageIndex)) != offsetIn(c, v, at.vaddr)/sim.PageBytes {
		return false
	}
	at.m.MapFilePage(c, vma, at.vaddr, page)
	return true
}

// textWriteBarrier keeps the page's contents before the PTE that shows them
// (__SetPageUptodate).
func textWriteBarrier(c *sim.CPU) { c.SmpWMB() }
