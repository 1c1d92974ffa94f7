package mm

import (
	"mmsim/sim"
)

// inodeLayout is the head of struct inode; paths here compare its address and
// no more.
var inodeLayout = sim.NewLayout("inode", 576, 64,
	sim.F("i_mode", 0, 2),
	sim.F("i_mapping", 48, 8),
	sim.F("i_ino", 64, 8),
)

// NewInode makes the inode of one file on disk, in the boot arena.
func (s *System) NewInode(c *sim.CPU, name string, ino uint64) sim.Ptr {
	p := s.b.Arena.Object(inodeLayout, name)
	c.Store(p.F(inodeLayout.Field("i_ino")), ino)
	return p
}

// OpenFile opens a file of an inode, with one reference.
func (s *System) OpenFile(c *sim.CPU, inode sim.Ptr) sim.Ptr { return s.files.Open(c, inode) }

// GetFile is get_file.
func (s *System) GetFile(c *sim.CPU, f sim.Ptr) { s.files.Get(c, f) }

// PutFile is fput.
func (s *System) PutFile(c *sim.CPU, f sim.Ptr) { s.files.Put(c, f) }

// FileInode is file_inode. Without a reference to the file it may be that of a
// later file in the same memory, or null: a key to compare, not to follow.
func (s *System) FileInode(c *sim.CPU, f sim.Ptr) sim.Ptr { return s.files.Inode(c, f) }
