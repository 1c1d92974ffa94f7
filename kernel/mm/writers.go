package mm

import "mmsim/sim"

// The functions here are rounds of the writers that disturb readers: each
// leaves the address space as it found it.

// MmapMunmap maps pages of anonymous memory near addr (0: anywhere), touches
// the first of them and unmaps them again.
func (m *MM) MmapMunmap(c *sim.CPU, addr uint64, pages, touched int) error {
	bytes := uint64(pages) * sim.PageBytes
	at, err := m.Mmap(c, Mapping{Addr: addr, Bytes: bytes, Flags: Anon, Populate: uint64(touched) * sim.PageBytes})
	if err != nil {
		return err
	}
	return m.Munmap(c, at, bytes)
}

// MprotectRound gives [addr, addr+bytes) the permission prot and then back what
// it had, which was base. A part of an area is split off and merges back.
func (m *MM) MprotectRound(c *sim.CPU, addr, bytes uint64, prot, base VMFlags) error {
	if err := m.Mprotect(c, addr, bytes, prot); err != nil {
		return err
	}
	return m.Mprotect(c, addr, bytes, base&vmAccess)
}

// SplitMerge splits [addr, addr+bytes) off its area by a flag that has nothing
// to do with pages, and merges it back.
func (m *MM) SplitMerge(c *sim.CPU, addr, bytes uint64) error {
	if err := m.MadviseDump(c, addr, bytes, false); err != nil {
		return err
	}
	return m.MadviseDump(c, addr, bytes, true)
}

// BrkRound grows the heap from its usual end by pages, touches the first of
// them, and shrinks it again. There is one heap: of threads that do this side by
// side some will find it grown or shrunk already.
func (m *MM) BrkRound(c *sim.CPU, end uint64, pages, touched int) error {
	if err := m.Brk(c, end+uint64(pages)*sim.PageBytes, uint64(touched)*sim.PageBytes); err != nil {
		return err
	}
	return m.Brk(c, end, 0)
}

// DlopenRound opens a file of an inode, loads it as a library, closes the file
// as the loader does, and unloads the library.
func (m *MM) DlopenRound(c *sim.CPU, inode sim.Ptr, l Library) error {
	f := m.s.OpenFile(c, inode)
	base, err := m.Dlopen(c, f, l)
	m.s.PutFile(c, f)
	if err != nil {
		return err
	}
	return m.Dlclose(c, base, l)
}
