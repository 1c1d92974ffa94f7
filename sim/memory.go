package sim

import "fmt"

// Memory is the byte-addressed simulated memory that all CPUs share. Only
// values live here: who may read or write a line, and when, is the executor's
// business. Storage is taken chunk by chunk on the first write, so reading
// never-written memory costs nothing and returns zero.
//
// Accesses are aligned and 1, 2, 4 or 8 bytes wide; anything else is a bug of
// the simulated code and panics.
type Memory struct {
	leaves []*memLeaf
}

const (
	chunkShift = 8 // 256 bytes: a maple node, four 64-byte lines
	chunkWords = 1 << (chunkShift - 3)
	leafShift  = 16 // a leaf covers 64 KiB
	leafChunks = 1 << (leafShift - chunkShift)

	// MaxAddr is the end of the simulated physical address space (32 GiB).
	MaxAddr Addr = 1 << 35
)

type memChunk [chunkWords]uint64
type memLeaf [leafChunks]*memChunk

// NewMemory returns an all-zero memory.
func NewMemory() *Memory { return &Memory{} }

// Clone returns an independent copy: how an initial state is restored for
// another run.
func (m *Memory) Clone() *Memory {
	c := &Memory{leaves: make([]*memLeaf, len(m.leaves))}
	for i, leaf := range m.leaves {
		if leaf == nil {
			continue
		}
		nl := new(memLeaf)
		for j, ch := range leaf {
			if ch != nil {
				cp := *ch
				nl[j] = &cp
			}
		}
		c.leaves[i] = nl
	}
	return c
}

// word returns the aligned 64-bit word that holds a, or nil when it was never
// written.
func (m *Memory) word(a Addr) *uint64 {
	i := int(a >> leafShift)
	if i >= len(m.leaves) || m.leaves[i] == nil {
		return nil
	}
	ch := m.leaves[i][(a>>chunkShift)&(leafChunks-1)]
	if ch == nil {
		return nil
	}
	return &ch[(a>>3)&(chunkWords-1)]
}

func (m *Memory) wordForWrite(a Addr) *uint64 {
	if w := m.word(a); w != nil {
		return w
	}
	if a < PageBytes {
		panicNull(a)
	}
	if a >= MaxAddr {
		panic(fmt.Sprintf("sim: write to %#x, beyond the simulated address space", uint64(a)))
	}
	i := int(a >> leafShift)
	for i >= len(m.leaves) {
		grown := make([]*memLeaf, max(2*len(m.leaves), i+1, 16))
		copy(grown, m.leaves)
		m.leaves = grown
	}
	if m.leaves[i] == nil {
		m.leaves[i] = new(memLeaf)
	}
	ch := &m.leaves[i][(a>>chunkShift)&(leafChunks-1)]
	*ch = new(memChunk)
	return &(*ch)[(a>>3)&(chunkWords-1)]
}

// Read returns the size-byte value at a.
func (m *Memory) Read(a Addr, size Size) uint64 {
	w := m.word(a)
	if w == nil {
		checkAligned(a, size)
		return 0
	}
	if size == 8 && a&7 == 0 {
		return *w
	}
	checkAligned(a, size)
	return (*w >> (8 * (a & 7))) & size.Mask()
}

// Write stores the low size bytes of v at a.
func (m *Memory) Write(a Addr, size Size, v uint64) {
	w := m.wordForWrite(a)
	if size == 8 && a&7 == 0 {
		*w = v
		return
	}
	checkAligned(a, size)
	shift := 8 * (a & 7)
	mask := size.Mask() << shift
	*w = *w&^mask | (v<<shift)&mask
}

func checkAligned(a Addr, size Size) {
	if size != 1 && size != 2 && size != 4 && size != 8 || uint64(a)&uint64(size-1) != 0 {
		panic(fmt.Sprintf("sim: access of %d bytes at %#x is not aligned", size, uint64(a)))
	}
	if a < PageBytes {
		panicNull(a)
	}
}

func panicNull(a Addr) {
	panic(fmt.Sprintf("sim: access at %#x: null pointer dereference", uint64(a)))
}
