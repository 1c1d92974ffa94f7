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
	MMapLock       Design = iota // section 2a
	VMARWSem                     // sections 2b and 2c, as of 6.4.8
	VMARefcnt                    // section 2e, as of 6.17
	MMSeqcount                   // section 2d
	MMSeqcount64                 // section 2d with the 64-bit counter of 2024's second version
	VMASeqcount                  // section 2g, definition G1
	VMASeqcountOwn               // section 2g, definition G2
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
	{VMARefcnt, "vma-refcnt", "readers lock the VMA: vm_refcnt, in type-stable VMAs (6.15); falls back to mmap_lock"},
	{MMSeqcount, "mm-seqcount", "readers speculate under the mm-wide mm_lock_seq seqcount (6.14); fall back to mmap_lock"},
	{MMSeqcount64, "mm-seqcount64", "mm-seqcount with a 64-bit mm_lock_seq, which does not wrap (proposal of 2024)"},
	{VMASeqcount, "vma-seqcount", "readers speculate under the VMA's lock stamp, with a store fence after it (proposal G1); fall back to mmap_lock; validates hits, not \"no VMA here\""},
	{VMASeqcountOwn, "vma-seqcount-own", "readers speculate under a seqcount of the VMA's own, which ends with mmap_lock over a list of locked VMAs (proposal G2); fall back to mmap_lock; validates hits, not \"no VMA here\""},
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

// vmaLocking is what a design asks of those who change an address space, and
// how it locks VMAs for readers.
type vmaLocking interface {
	// perVMA tells whether VMAs have locks (CONFIG_PER_VMA_LOCK).
	perVMA() bool
	// initMM prepares a new mm_struct.
	initMM(c *sim.CPU, m *MM)
	// locked runs right after mmap_lock was taken for writing.
	locked(c *sim.CPU, m *MM)
	// unlocking runs right before mmap_lock is released or downgraded.
	unlocking(c *sim.CPU, m *MM)

	// initVMA is vma_lock_init and vma_lock_alloc: the lock of a new VMA, which
	// nobody can reach yet.
	initVMA(c *sim.CPU, m *MM, vma sim.Ptr)
	// startWrite is vma_start_write: after it, no reader that locks or
	// validates the VMA succeeds until unlocking.
	startWrite(c *sim.CPU, m *MM, vma sim.Ptr)
	// attach is vma_mark_attached: readers may lock the VMA from here on.
	attach(c *sim.CPU, m *MM, vma sim.Ptr)
	// detach is vma_mark_detached of a write-locked VMA: no reader is inside or
	// comes in again, not even after unlocking.
	detach(c *sim.CPU, m *MM, vma sim.Ptr)
	// free is vm_area_free.
	free(c *sim.CPU, s *System, vma sim.Ptr)

	// lockVMA is lock_vma_under_rcu.
	lockVMA(c *sim.CPU, m *MM, addr uint64) (vma sim.Ptr, ok bool)
	// endRead is vma_end_read.
	endRead(c *sim.CPU, m *MM, vma sim.Ptr)
}

func (d Design) locking() vmaLocking {
	switch d {
	case MMapLock:
		return mmapLock{}
	case VMARWSem:
		return vmaRWSem{}
	case VMARefcnt:
		return vmaRefcnt{}
	case MMSeqcount, MMSeqcount64:
		return mmSeqcount{}
	case VMASeqcount:
		return vmaSeqcount{}
	case VMASeqcountOwn:
		return vmaSeqcountOwn{}
	}
	panic(fmt.Sprintf("mm: design %d", d))
}

// seqBits is how wide the design's sequence numbers are in the kernel.
func (d Design) seqBits() uint {
	if d == MMSeqcount64 {
		return 64
	}
	return 32
}
