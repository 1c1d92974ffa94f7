package mm

import (
	"mmsim/sim"
)

// garbageReads counts inodes that a reader without a reference took from the
// file memory's next life. Validation must discard every one.
var garbageReads = sim.NewCounter("garbage_reads")

// inodeLayout is the head of struct inode; paths here compare its address and
// no more. i_rcu lies over i_dentry.
var inodeLayout = sim.NewLayout("inode", 576, 64,
	sim.F("i_mode", 0, 2),
	sim.F("i_mapping", 48, 8),
	sim.F("i_ino", 64, 8),
	sim.F("i_nlink", 72, 4),
	sim.Arr("i_dentry", 288, 8, 2),
	sim.F("i_count", 312, 4),
)

var (
	inodeIno   = inodeLayout.Field("i_ino")
	inodeRCU   = inodeLayout.Field("i_dentry")
	inodeCount = inodeLayout.Field("i_count")
)

// NewInode makes the inode of one file on disk that stays, in the boot arena.
func (s *System) NewInode(c *sim.CPU, name string, ino uint64) sim.Ptr {
	p := s.b.Arena.Object(inodeLayout, name)
	c.Store(p.F(inodeIno), ino)
	c.Store(p.F(inodeCount), 1)
	return p
}

// CreateInode is new_inode: the inode of a file that comes and goes, with one
// reference.
func (s *System) CreateInode(c *sim.CPU, ino uint64) sim.Ptr {
	p := s.inodes.Zalloc(c)
	c.Store(p.F(inodeIno), ino)
	c.Store(p.F(inodeCount), 1)
	return p
}

// Igrab is ihold: the caller has a reference already.
func (s *System) Igrab(c *sim.CPU, inode sim.Ptr) { c.AtomicAdd(inode.F(inodeCount), 1) }

// Iput is iput of a deleted file's inode: the last reference evicts it, and its
// memory is freed after a grace period (i_callback).
func (s *System) Iput(c *sim.CPU, inode sim.Ptr) {
	if c.FetchAdd(inode.F(inodeCount), ^uint64(0), sim.Full) == 1 {
		s.b.RCU.CallRCU(c, inode.Add(uint64(inodeRCU.Off)), s.freeInodeCb)
	}
}

func (s *System) freeInodeRCU(c *sim.CPU, head sim.Ptr) {
	inode := sim.Ptr{A: head.A - sim.Addr(inodeRCU.Off), D: head.D}
	s.poisonObject(c, inode, inodeLayout)
	s.inodes.Free(c, inode)
}

// OpenFile opens a file of an inode, with one reference. It does not hold the
// inode: who creates one keeps it for as long as the file is open.
func (s *System) OpenFile(c *sim.CPU, inode sim.Ptr) sim.Ptr { return s.files.Open(c, inode) }

// OpenBackingFile opens the file below one of a stacked filesystem
// (FMODE_BACKING); userPath is what the user opened.
func (s *System) OpenBackingFile(c *sim.CPU, inode, userPath sim.Ptr) sim.Ptr {
	return s.files.OpenBacking(c, inode, userPath)
}

// GetFile is get_file.
func (s *System) GetFile(c *sim.CPU, f sim.Ptr) { s.files.Get(c, f) }

// PutFile is fput.
func (s *System) PutFile(c *sim.CPU, f sim.Ptr) { s.files.Put(c, f) }

// FileInode is file_inode. The caller has a reference to the file, or holds
// what keeps its VMA; without either, UnpinnedFile is the way.
func (s *System) FileInode(c *sim.CPU, f sim.Ptr) sim.Ptr { return s.files.Inode(c, f) }

// UnpinnedFile is vm_file as a speculative reader has it: the memory may become
// another file's at any time (uprobes.md section 5.6).
type UnpinnedFile struct {
	sim.Ptr
	s    *System
	life uint64 // of the file that the VMA held
}

// UnpinnedFile loads vm_file for use without any lock.
func (v VMA) UnpinnedFile(c *sim.CPU) UnpinnedFile {
	f := v.File(c)
	return UnpinnedFile{f, v.s, v.s.fileLife[v.p.A]}
}

// Inode loads f_inode: a key to compare, not to follow, until the VMA turns out
// not to have changed. Values of another life of the memory are counted.
func (f UnpinnedFile) Inode(c *sim.CPU) sim.Ptr {
	inode := f.s.files.Inode(c, f.Ptr)
	if f.s.files.Life(f.A) != f.life {
		c.Count(garbageReads, 1)
	}
	return inode
}

// holdFile gives a VMA that nobody can reach yet its reference to the file that
// its vm_file names.
func (s *System) holdFile(c *sim.CPU, vma, f sim.Ptr) {
	s.GetFile(c, f)
	s.fileLife[vma.A] = s.files.Life(f.A)
}
