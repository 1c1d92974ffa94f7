package mm

import "mmsim/sim"

// Library is the shape of a shared object: what its program headers ask for, in
// bytes, whole pages each, in this order.
type Library struct {
	Headers uint64 // ELF header, symbols: read only
	Text    uint64
	ROData  uint64
	Data    uint64 // initialised data; begins with the part that is relocated and then made read-only
	RelRO   uint64 // that part of Data
	BSS     uint64 // zeroed memory
}

// DefaultLibrary is a small library of four segments, as linkers make them
// since they separate code from constants.
func DefaultLibrary() Library {
	const page = sim.PageBytes
	return Library{Headers: page, Text: 8 * page, ROData: 2 * page, Data: 2 * page, RelRO: page, BSS: page}
}

// Bytes is the address space that the library takes.
func (l Library) Bytes() uint64 { return l.Headers + l.Text + l.ROData + l.Data + l.BSS }

// Dlopen maps a library as the dynamic loader does, in one burst of six system
// calls: the whole of it by its headers' segment, then code, constants, data
// and bss over it with MAP_FIXED, then, after relocation has touched it, the
// RELRO part of the data is made read-only. Each call is a write section of its
// own. It returns where the library is.
//
// Pages of the file are not read in: only the relocated pages, private copies,
// exist in page tables.
func (m *MM) Dlopen(c *sim.CPU, file sim.Ptr, l Library) (base uint64, err error) {
	const may = VMMayRead | VMMayWrite | VMMayExec
	base, err = m.Mmap(c, Mapping{Bytes: l.Bytes(), Flags: VMRead | may, File: file})
	if err != nil {
		return 0, err
	}
	at := base + l.Headers
	for _, s := range [...]struct {
		bytes, touch uint64
		flags        VMFlags
		file         sim.Ptr
	}{
		{l.Text, 0, Text, file},
		{l.ROData, 0, VMRead | may, file},
		{l.Data, l.RelRO, Anon, file},
		{l.BSS, 0, Anon, sim.Ptr{}},
	} {
		if s.bytes == 0 {
			continue
		}
		if _, err = m.Mmap(c, Mapping{Addr: at, Bytes: s.bytes, Flags: s.flags, Fixed: true, File: s.file,
			Pgoff: (at - base) / sim.PageBytes, Populate: s.touch}); err != nil {
			return base, err
		}
		at += s.bytes
	}
	if l.RelRO == 0 {
		return base, nil
	}
	return base, m.Mprotect(c, base+l.Headers+l.Text+l.ROData, l.RelRO, VMRead)
}

// Dlclose unmaps a library.
func (m *MM) Dlclose(c *sim.CPU, base uint64, l Library) error { return m.Munmap(c, base, l.Bytes()) }
