package file

import (
	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// Lifetime says when the memory of a file that was closed can become something
// else.
type Lifetime uint8

const (
	// TypesafeByRCU: another file at once, anything else after a grace period.
	// Files since 6.7, backing files since 6.13.
	TypesafeByRCU Lifetime = iota
	// RCUDelayed: nothing before a grace period. Files up to 6.6; proposed for
	// backing files in 2024.
	RCUDelayed
	// Immediate: anything at once. Backing files from 6.7 to 6.12, whose fields
	// nobody may look at without a reference.
	Immediate
)

// Config of the files of one kernel. The zero value is a 6.14 kernel.
type Config struct {
	Layout *sim.Layout // of struct file; nil means file-6.14
	// Files is the lifetime of ordinary files, Backing of those that lie under
	// another filesystem's (overlayfs).
	Files, Backing Lifetime
}

// Bits of f_mode.
const (
	fmodeRead      = 1
	fmodeOpened    = 1 << 19
	fmodeBacking   = 1 << 25
	fmodeNoAccount = 1 << 29
)

// maxFiles is files_stat.max_files of a machine with some memory.
const maxFiles = 1 << 20

// Files is struct file's part of one kernel. It holds addresses only.
type Files struct {
	b       *kernel.Base
	f       fields
	files   pool
	backing pool
	cred    sim.Ptr
	stat    sim.Ptr
	nr      *locking.PerCPUCounter
	// lives is ghost state for counting: how often memory has been a file.
	lives map[sim.Addr]uint64
}

// fileReuses counts files that got the memory of an earlier one.
var fileReuses = sim.NewCounter("file_reuses")

// Life is how many files the memory at f has been, the present one included.
// It is for counters and checks: code of the kernel cannot know it.
func (s *Files) Life(f sim.Addr) uint64 { return s.lives[f] }

// pool is where files of one kind come from and go to.
type pool struct {
	cache   *kmem.Cache
	delayed bool
	mode    uint64
}

// New sets files up in a booted kernel.
func New(b *kernel.Base, cfg Config) *Files {
	l := cfg.Layout
	if l == nil {
		l = presets[0].at.layout()
	}
	s := &Files{b: b, lives: make(map[sim.Addr]uint64), f: newFields(l), cred: b.Arena.Object(credLayout, ""), stat: b.Arena.Object(statLayout, "")}
	s.files = newPool(b, l, cfg.Files, 0)
	s.backing = newPool(b, backingLayout(l), cfg.Backing, fmodeBacking|fmodeNoAccount)
	cpus := b.Sched.CPUs()
	s.nr = locking.PerCPUCounterAt(s.stat, statLayout, "nr_files", b.Spin, b.Arena.PerCPU(statPerCPU, cpus),
		statPerCPU.Field("nr_files"), 0, locking.PerCPUCounterBatch(cpus))
	c := sim.NewDirect(b.Arena.Mem)
	c.Store(s.cred.F(credUsage), 1)
	c.Store(s.stat.F(statMax), maxFiles)
	return s
}

func newPool(b *kernel.Base, l *sim.Layout, t Lifetime, mode uint64) pool {
	o := kmem.CacheOptions{TypesafeByRCU: t == TypesafeByRCU}
	if t == RCUDelayed {
		o.RCUHead = "f_task_work"
	}
	return pool{cache: b.NewCache(l, o), delayed: t == RCUDelayed, mode: mode}
}

// Open is dentry_open: a new file of an inode, with one reference.
func (s *Files) Open(c *sim.CPU, inode sim.Ptr) sim.Ptr {
	if s.nr.Read(c) >= int64(c.Load(s.stat.F(statMax))) {
		panic("file: more open files than files_stat.max_files")
	}
	f := s.alloc(c, s.files)
	s.nr.Add(c, 1)
	s.open(c, f, inode)
	return f
}

// OpenBacking is backing_file_open: the file below another one. userPath is what
// the user opened.
func (s *Files) OpenBacking(c *sim.CPU, inode, userPath sim.Ptr) sim.Ptr {
	f := s.alloc(c, s.backing)
	c.Store(f.FI(s.backing.cache.Layout().Field("user_path"), 1), uint64(userPath.A))
	s.open(c, f, inode)
	return f
}

// alloc is alloc_empty_file: memory that may be a file already in the eyes of
// an RCU reader. f_ref comes last, with a plain store.
func (s *Files) alloc(c *sim.CPU, p pool) sim.Ptr {
	f := p.cache.Alloc(c)
	if s.lives[f.A]++; s.lives[f.A] > 1 {
		c.Count(fileReuses, 1)
	}
	c.AtomicAdd(s.cred.F(credUsage), 1)
	c.Store(f.F(s.f.cred), uint64(s.cred.A))
	c.Store(f.F(s.f.lock), 0)
	c.LockInit(f.F(s.f.lock).A)
	s.b.Mutexes.At(f, s.f.posLock).Init(c)
	c.Store(f.F(s.f.flags), 0)
	c.Store(f.F(s.f.mode), fmodeRead|p.mode)
	for _, r := range [...]sim.Ref{f.F(s.f.op), f.F(s.f.mapping), f.F(s.f.inode), f.F(s.f.owner), f.F(s.f.pos),
		f.F(s.f.ep), f.FI(s.f.path, 0), f.FI(s.f.path, 1)} {
		c.Store(r, 0)
	}
	locking.FileRefAt(f.F(s.f.ref), s.b.Sched).Init(c, 1)
	return f
}

// open is do_dentry_open.
func (s *Files) open(c *sim.CPU, f, inode sim.Ptr) {
	c.Store(f.FI(s.f.path, 1), uint64(inode.A)) // stands for the dentry
	c.Store(f.F(s.f.inode), uint64(inode.A))
	c.Store(f.F(s.f.mapping), uint64(inode.A)) // stands for the i_mapping inside
	c.Store(f.F(s.f.mode), c.Load(f.F(s.f.mode))|fmodeOpened)
}

func (s *Files) ref(f sim.Ptr) locking.FileRef { return locking.FileRefAt(f.F(s.f.ref), s.b.Sched) }

// Inode is file_inode. Without a reference it may be the inode of a later file in
// the same memory, or null.
func (s *Files) Inode(c *sim.CPU, f sim.Ptr) sim.Ptr { return c.LoadPtr(f.F(s.f.inode)) }

// Get is get_file: the caller has a reference already.
func (s *Files) Get(c *sim.CPU, f sim.Ptr) {
	if !s.ref(f).Get(c) {
		panic("file: get_file of a file without references")
	}
}

// GetRCU is get_file_rcu, inside an RCU read section: a reference to the file
// that slot points to, null if it points to none. The file may be closed at any
// time, and its memory be another file: the get fails on a dead one, and a
// reference to another one is recognised by the slot, which names the file no
// more.
func (s *Files) GetRCU(c *sim.CPU, slot sim.Ref) sim.Ptr {
	for {
		f := c.LoadPtr(slot)
		if f.IsNull() {
			return f
		}
		if !s.ref(f).Get(c) {
			continue
		}
		if again := c.LoadPtr(slot); again.A == f.A {
			return again
		}
		s.Put(c, f)
	}
}

// GetActive is get_file_active: GetRCU from outside a read section.
func (s *Files) GetActive(c *sim.CPU, slot sim.Ref) sim.Ptr {
	s.b.RCU.ReadLock(c)
	f := s.GetRCU(c, slot)
	s.b.RCU.ReadUnlock(c)
	return f
}

// Put is fput: the last reference closes the file and frees its memory.
func (s *Files) Put(c *sim.CPU, f sim.Ptr) {
	if s.ref(f).Put(c) {
		s.close(c, f)
	}
}

// close is __fput and file_free.
func (s *Files) close(c *sim.CPU, f sim.Ptr) {
	c.Load(f.F(s.f.ep)) // eventpoll_release
	mode := c.Load(f.F(s.f.mode))
	p := s.files
	if mode&fmodeBacking != 0 {
		p = s.backing
	}
	if mode&fmodeNoAccount == 0 {
		s.nr.Add(c, -1)
	}
	s.putCred(c, f)
	if p.delayed {
		p.cache.FreeRCU(c, f)
	} else {
		p.cache.Free(c, f)
	}
}

// putCred is put_cred. In the kernel's memory model its full order, like that of
// the last put of f_ref, keeps the next life of the memory behind what other CPUs
// did before they dropped their references (uprobes.md section 5.6).
func (s *Files) putCred(c *sim.CPU, f sim.Ptr) {
	c.FetchAdd(c.LoadPtr(f.F(s.f.cred)).F(credUsage), ^uint64(0), c.OrderUnless(locking.BreakFilePut, sim.Full))
}

// Count is the exact number of open files, without backing ones.
func (s *Files) Count(c *sim.CPU) int64 { return s.nr.Sum(c) }
