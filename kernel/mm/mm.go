package mm

import (
	"fmt"

	"mmsim/kernel/locking"
	"mmsim/kernel/mm/maple"
	"mmsim/kernel/sched"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// Addresses of a 47-bit user address space.
const (
	taskSize uint64 = 1<<47 - sim.PageBytes
	// mmapBase is below the stack's gap; areas are placed downwards from it.
	mmapBase uint64 = 0x7ffff7ff0000
	// mmapMinAddr is the lowest address that mmap hands out.
	mmapMinAddr uint64 = 0x10000

	maxMapCount = 65530 // sysctl_max_map_count
)

// Bits of mm_struct.flags.
const (
	// MMFHasUprobes is MMF_HAS_UPROBES, MMFRecalcUprobes MMF_RECALC_UPROBES:
	// MMF_HAS_UPROBES may be wrong.
	MMFHasUprobes    = 19
	MMFRecalcUprobes = 20
)

var (
	stepWriteLock = sim.NewStep("mmap-write-lock")
	// stepWriteFence is what the design adds to a write cycle of mmap_lock: the
	// stores to mm_lock_seq with their release or store barriers.
	stepWriteFence = sim.NewStep("write-lock-fence")
	// stepVMAFence is what a per-VMA sequence count adds to vma_start_write (and
	// to unlocking, under definition G2).
	stepVMAFence = sim.NewStep("vma-lock-fence")

	mmapWriteLocks = sim.NewCounter("mmap_write_locks")
)

// MM is one address space: the place of its mm_struct and of what hangs at it.
type MM struct {
	s       *System
	at      sim.Ptr
	lock    locking.RWSem
	seq     sim.Ref // mm_lock_seq
	tree    maple.Tree
	ptl     locking.SpinLock       // page_table_lock
	anonRSS *locking.PerCPUCounter // rss_stat[MM_ANONPAGES]
}

const mmAnonPages = 1 // MM_ANONPAGES

// rssPerCPULayout is the per-CPU side of the four rss counters of one mm.
var rssPerCPULayout = sim.NewLayout("mm_rss_percpu", 16, 16, sim.Arr("rss", 0, 4, 4))

// NewMM makes an empty address space whose tasks run on the given CPUs
// (mm_cpumask; CPUs neither join nor leave it, and lazy TLB mode is not
// modelled). It allocates from the boot arena.
func (s *System) NewMM(c *sim.CPU, name string, tasks []sim.TaskID) *MM {
	at := s.b.Arena.Object(s.l.MM, name)
	m := &MM{
		s: s, at: at,
		lock: s.b.RWSems.At(at, s.mf.mmapLock),
		seq:  at.F(s.mf.mmLockSeq),
		tree: maple.New(sim.Ptr{A: at.A + sim.Addr(s.mf.maRoot.Off) - 8}, at.F(s.mf.maRoot), treeNodes{s}),
		ptl:  s.b.Spin.At(at.F(s.mf.pageTableLock)),
		anonRSS: locking.PerCPUCounterAt(at, s.l.MM, "rss_stat[1]", s.b.Spin,
			s.b.Arena.PerCPU(rssPerCPULayout, s.b.Sched.CPUs()), rssPerCPULayout.Field("rss"), mmAnonPages,
			locking.PerCPUCounterBatch(s.b.Sched.CPUs())),
	}
	m.lock.Init(c)
	s.locking.initMM(c, m)
	c.Store(at.F(s.mf.mmCount), 1)
	c.Store(at.F(s.mf.mmUsers), uint64(max(1, len(tasks))))
	c.Store(at.F(s.mf.mmapBase), mmapBase)
	c.Store(at.F(s.mf.taskSize), taskSize)
	c.Store(at.F(s.mf.tlbGen), 1)
	c.Store(at.F(s.mf.pgd), uint64(s.newTable(c, levelPGD).A))
	m.addTasks(c, tasks)
	return m
}

// addTasks makes tasks run in m. The CPUs that they may run on are in mm_cpumask
// from the start, as if the tasks had been on all of them.
func (m *MM) addTasks(c *sim.CPU, tasks []sim.TaskID) {
	for _, t := range tasks {
		c.Store(m.s.b.Sched.Task(t).F(sched.TaskMM), uint64(m.at.A))
		for _, cpu := range m.s.b.Sched.Allowed(t) {
			if cpu >= maxCPUs {
				panic(fmt.Sprintf("mm: CPU %d: mm_cpumask has %d bits", cpu, maxCPUs))
			}
			c.AtomicOr(m.at.FI(m.s.mf.cpuBitmap, cpu/64), 1<<(cpu%64))
			m.s.tlb.load(c, cpu, m)
		}
	}
}

// AtBoot is m for use while the initial state is built: replaced tree nodes
// are freed at once instead of piling up for the first grace period.
func (m *MM) AtBoot() *MM {
	b := *m
	b.tree = maple.New(sim.Ptr{A: m.at.A + sim.Addr(m.s.mf.maRoot.Off) - 8}, m.at.F(m.s.mf.maRoot), bootNodes{treeNodes{m.s}})
	return &b
}

// Ptr is the address of the mm_struct.
func (m *MM) Ptr() sim.Ptr { return m.at }

// System is the mm code that m belongs to.
func (m *MM) System() *System { return m.s }

// Flags is the word mm_struct.flags, and XOLArea the pointer
// uprobes_state.xol_area, of the mm_struct at p.
func (s *System) Flags(p sim.Ptr) sim.Ref { return p.F(s.mf.flags) }

// XOLArea is the word uprobes_state.xol_area of the mm_struct at p.
func (s *System) XOLArea(p sim.Ptr) sim.Ref { return p.F(s.mf.xolArea) }

// ReadLock is mmap_read_lock.
func (m *MM) ReadLock(c *sim.CPU) { m.lock.DownRead(c) }

// ReadUnlock is mmap_read_unlock.
func (m *MM) ReadUnlock(c *sim.CPU) { m.lock.UpRead(c) }

// WriteLock is mmap_write_lock.
func (m *MM) WriteLock(c *sim.CPU) {
	prev := c.Step(stepWriteLock)
	m.lock.DownWrite(c)
	c.Count(mmapWriteLocks, 1)
	c.Step(stepWriteFence)
	m.s.locking.locked(c, m)
	c.Step(prev)
}

// WriteUnlock is mmap_write_unlock: it ends all VMA write locks.
func (m *MM) WriteUnlock(c *sim.CPU) {
	m.endWriteAll(c)
	m.lock.UpWrite(c)
}

// WriteDowngrade is mmap_write_downgrade: it ends all VMA write locks and
// keeps mmap_lock for reading.
func (m *MM) WriteDowngrade(c *sim.CPU) {
	m.endWriteAll(c)
	m.lock.DowngradeWrite(c)
}

// endWriteAll is vma_end_write_all.
func (m *MM) endWriteAll(c *sim.CPU) {
	prev := c.Step(stepWriteFence)
	m.s.locking.unlocking(c, m)
	c.Step(prev)
}

// VMALookup is vma_lookup: the VMA that covers addr, or null. The caller holds
// mmap_lock, or an RCU read section and validates what it finds.
func (m *MM) VMALookup(c *sim.CPU, addr uint64) sim.Ptr { return m.tree.Walk(c, addr).Entry }

// FindVMA is find_vma: the area that covers addr, or the next one behind it, with
// its end; null behind the last one. The caller holds mmap_lock.
func (m *MM) FindVMA(c *sim.CPU, addr uint64) (vma sim.Ptr, end uint64) {
	r, ok := m.tree.Find(c, addr, taskSize)
	if !ok {
		return sim.Ptr{}, 0
	}
	return r.Entry, r.Last + 1
}

// LockSeq is the word mm_lock_seq of the mm_struct at p.
func (s *System) LockSeq(p sim.Ptr) sim.Ref { return p.F(s.mf.mmLockSeq) }

// writerWait is vma_writer_wait of the mm_struct at p.
func (m *MM) writerWait(p sim.Ptr) wait.RCUWait {
	return m.s.b.Wait.RCUWaitAt(p.F(m.s.mf.writerWait))
}
