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

// OpenFile is alloc_file: a struct file on inode with one reference. The
// memory is type-stable (SLAB_TYPESAFE_BY_RCU) and may have belonged to
// another file a moment ago; the reference count is published last, with
// release (locks-and-barriers.md section 13).
func (s *System) OpenFile(c *sim.CPU, inode sim.Ptr) sim.Ptr {
	f := s.files.Alloc(c)
	c.Store(f.F(s.l.File.Field("f_inode")), uint64(inode.A))
	c.StoreRelease(f.F(s.l.File.Field("f_ref")), 1)
	return f
}

// GetFile is get_file: the caller holds a reference already.
func (s *System) GetFile(c *sim.CPU, f sim.Ptr) { c.AtomicAdd(f.F(s.l.File.Field("f_ref")), 1) }

// PutFile is fput: the last reference gives the memory back at once, for any
// new file to use. (The kernel closes the file in task work on the way out.)
func (s *System) PutFile(c *sim.CPU, f sim.Ptr) {
	switch old := c.FetchAdd(f.F(s.l.File.Field("f_ref")), ^uint64(0), sim.Full); old {
	case 0:
		panic("mm: fput of a file without references")
	case 1:
		s.files.Free(c, f)
	}
}

// FileInode is file_inode.
func (s *System) FileInode(c *sim.CPU, f sim.Ptr) sim.Ptr {
	return c.LoadPtr(f.F(s.l.File.Field("f_inode")))
}
