package mm

import (
	"fmt"
	"strings"

	"mmsim/sim"
)

// Design is one alternative for how paths that need a VMA synchronise with
// those that change the address space. It decides what the writer does; what
// readers do with it is in the paths.
type Design uint8

const (
	MMapLock    Design = iota // section 2a
	VMARWSem                  // sections 2b and 2c, as of 6.4.8
	MMSeqcount                // section 2d
	VMASeqcount               // section 2g, definition G1
)

// DesignInfo describes a design to users.
type DesignInfo struct {
	Design Design
	Name   string
	Title  string // one line
}

var designs = []DesignInfo{
	{MMapLock, "mmap-lock", "readers take mmap_lock for reading (no per-VMA locks, as before 6.4)"},
	{VMARWSem, "vma-rwsem", "readers lock the VMA: separate rwsem and mm_lock_seq stamp (6.4.8); falls back to mmap_lock"},
	{MMSeqcount, "mm-seqcount", "readers speculate under the mm-wide mm_lock_seq seqcount (6.14); fall back to mmap_lock"},
	{VMASeqcount, "vma-seqcount", "readers speculate under the VMA's lock stamp, with a store fence after it (proposal G1); fall back to mmap_lock; validates hits, not \"no VMA here\""},
}

// Designs lists the designs in the order that reports use; the first is the
// baseline.
func Designs() []DesignInfo { return append([]DesignInfo(nil), designs...) }

// String is the design's name.
func (d Design) String() string { return designs[d].Name }

// ParseDesign finds a design by name. The error lists the names.
func ParseDesign(name string) (Design, error) {
	var names []string
	for _, i := range designs {
		if i.Name == name {
			return i.Design, nil
		}
		names = append(names, i.Name)
	}
	return 0, fmt.Errorf("no design %q; there are %s", name, strings.Join(names, ", "))
}

// writerSide is what a design asks of those who change an address space.
type writerSide interface {
	// vmaLocks tells whether VMAs have lock objects and are freed by RCU
	// (CONFIG_PER_VMA_LOCK).
	vmaLocks() bool
	// locked runs right after mmap_lock was taken for writing.
	locked(c *sim.CPU, m *MM)
	// unlocking runs right before mmap_lock is released or downgraded.
	unlocking(c *sim.CPU, m *MM)
	// startWrite is vma_start_write: after it, no reader that locks or
	// validates the VMA succeeds until unlocking.
	startWrite(c *sim.CPU, m *MM, vma sim.Ptr)
}

func (d Design) writer() writerSide {
	switch d {
	case MMapLock:
		return mmapLockWriter{}
	case VMARWSem:
		return vmaRWSemWriter{}
	case MMSeqcount:
		return mmSeqcountWriter{}
	case VMASeqcount:
		return vmaSeqcountWriter{}
	}
	panic(fmt.Sprintf("mm: design %d", d))
}
