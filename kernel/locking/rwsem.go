package locking

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/locking/osq"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// The count word of an rw_semaphore (locks-and-barriers.md section 2.1).
const (
	rwsemWriterLocked = 1 << 0
	rwsemWaiters      = 1 << 1
	rwsemHandoff      = 1 << 2
	rwsemReaderShift  = 8
	rwsemReaderBias   = 1 << rwsemReaderShift
	rwsemReadFail     = 1 << 63
	rwsemReaderMask   = ^uint64(rwsemReaderBias-1) &^ rwsemReadFail
	rwsemLockMask     = rwsemWriterLocked | rwsemReaderMask
	rwsemReadFailed   = rwsemWriterLocked | rwsemWaiters | rwsemHandoff | rwsemReadFail
)

// Flags of the owner word; its other bits are a task pointer.
const (
	rwsemReaderOwned  = 1 << 0
	rwsemNonspinnable = 1 << 1
	rwsemOwnerFlags   = rwsemReaderOwned | rwsemNonspinnable
)

var (
	lockWaits = sim.NewCounter("lock_waits")
	waitRWSem = sim.NewWaitReason("rwsem")
)

// RWSemFields says where the words of a rw_semaphore lie in the struct that
// embeds it: their offsets.
type RWSemFields struct {
	count, owner, osq, waitLock, waitList uint32
}

// RWSemMembers declares the members of a rw_semaphore called name at offset
// off of the embedding struct, for sim.NewLayout: name.count at 0, name.owner
// at 8, name.osq at 16, name.wait_lock at 20, name.wait_list at 24; 40 bytes.
func RWSemMembers(name string, off uint32) []sim.Field {
	return []sim.Field{
		sim.F(name+".count", off, 8),
		sim.F(name+".owner", off+8, 8),
		sim.F(name+".osq", off+16, 4),
		sim.F(name+".wait_lock", off+20, 4),
		list.Field(name+".wait_list", off+24),
	}
}

// RWSemFieldsOf finds the rw_semaphore called name in a layout; each word may
// have been moved on its own.
func RWSemFieldsOf(l *sim.Layout, name string) RWSemFields {
	return RWSemFields{
		count:    l.Field(name + ".count").Off,
		owner:    l.Field(name + ".owner").Off,
		osq:      l.Field(name + ".osq").Off,
		waitLock: l.Field(name + ".wait_lock").Off,
		waitList: l.Field(name + ".wait_list").Off,
	}
}

// RWSemOptions are the build-time choices of rwsem.c, for a whole kernel.
type RWSemOptions struct {
	// OptimisticSpin is CONFIG_RWSEM_SPIN_ON_OWNER: a writer spins while the
	// lock's owner runs. Without it whoever has to wait sleeps.
	OptimisticSpin bool
	// ReaderSpin is how long a writer spins on a phase of readers;
	// ReaderSpinEach is added for each reader in it, for up to 30.
	ReaderSpin, ReaderSpinEach sim.Time
	// HandoffTimeout is RWSEM_WAIT_TIMEOUT: after that time a waiter ends lock
	// stealing. It counts in jiffies and is rounded up to them.
	HandoffTimeout sim.Time
	// StripOwner is CONFIG_DETECT_HUNG_TASK_BLOCKER (or CONFIG_DEBUG_RWSEMS):
	// up_read takes its name out of the owner word.
	StripOwner bool
}

// DefaultRWSemOptions are the kernel's own choices (6.19).
func DefaultRWSemOptions() RWSemOptions {
	return RWSemOptions{
		OptimisticSpin: true,
		ReaderSpin:     10 * sim.Microsecond,
		ReaderSpinEach: 500 * sim.Nanosecond,
		HandoffTimeout: 4 * sim.Millisecond,
	}
}

// RWSems makes the reader-writer semaphores of one kernel.
type RWSems struct {
	sched   *sched.Scheduler
	spin    *SpinLocks
	osq     *osq.Locks
	waiters []sim.Ptr // on the stack of each task, by task number
	frames  kmem.PerCPU
	opt     RWSemOptions
	timeout uint64 // RWSEM_WAIT_TIMEOUT in jiffies
}

// NewRWSems allocates the stack objects that tasks queue with.
func NewRWSems(a *kmem.Arena, s *sched.Scheduler, spin *SpinLocks, q *osq.Locks, o RWSemOptions) *RWSems {
	k := &RWSems{sched: s, spin: spin, osq: q, frames: a.PerCPU(wakeFrameLayout, s.CPUs()), opt: o}
	jiffy := s.TickPeriod()
	k.timeout = uint64(o.HandoffTimeout / jiffy)
	if o.HandoffTimeout%jiffy != 0 {
		k.timeout++
	}
	for range s.Tasks() {
		k.waiters = append(k.waiters, a.Object(waiterLayout, ""))
	}
	return k
}

// At is the rw_semaphore of the object at p.
func (k *RWSems) At(p sim.Ptr, f RWSemFields) RWSem { return RWSem{k, p, f} }

// RWSem is an rw_semaphore (kernel/locking/rwsem.c, 6.19). Not modelled: the
// RT variant, real-time tasks (they ask for the handoff at once and spin less),
// and the reader spinning of 5.3 to 5.10.
type RWSem struct {
	k *RWSems
	p sim.Ptr
	f RWSemFields
}

func (l RWSem) count() sim.Ref     { return l.p.Ref(uint64(l.f.count), 8) }
func (l RWSem) owner() sim.Ref     { return l.p.Ref(uint64(l.f.owner), 8) }
func (l RWSem) osq() osq.Lock      { return l.k.osq.At(l.p.Ref(uint64(l.f.osq), 4)) }
func (l RWSem) waitLock() SpinLock { return l.k.spin.At(l.p.Ref(uint64(l.f.waitLock), 4)) }
func (l RWSem) waitList() sim.Ptr  { return l.p.Add(uint64(l.f.waitList)) }

// addr is the lock's address in annotations.
func (l RWSem) addr() sim.Addr { return l.p.A + sim.Addr(l.f.count) }

// Init is init_rwsem.
func (l RWSem) Init(c *sim.CPU) {
	c.LockInit(l.addr())
	c.Store(l.count(), 0)
	c.Store(l.owner(), 0)
	list.Init(c, l.waitList())
	c.Store(l.p.Ref(uint64(l.f.osq), 4), 0)
}

// IsLocked is rwsem_is_locked: held by a writer, or by readers.
func (l RWSem) IsLocked(c *sim.CPU) bool { return c.Load(l.count())&rwsemLockMask != 0 }

// IsWriteLocked is rwsem_is_write_locked, as lockdep-less assertions use it.
func (l RWSem) IsWriteLocked(c *sim.CPU) bool { return c.Load(l.count())&rwsemWriterLocked != 0 }

// IsContended is rwsem_is_contended: somebody is queued.
func (l RWSem) IsContended(c *sim.CPU) bool { return !list.Empty(c, l.waitList()) }

// setOwner is rwsem_set_owner.
func (l RWSem) setOwner(c *sim.CPU) { c.Store(l.owner(), uint64(l.k.sched.Current(c).A)) }

// setReaderOwned is __rwsem_set_reader_owned: the last reader in leaves its
// name, as a hint.
func (l RWSem) setReaderOwned(c *sim.CPU, task sim.Ptr) {
	kept := c.Load(l.owner()) & rwsemNonspinnable
	c.Store(l.owner(), uint64(task.A)|rwsemReaderOwned|kept)
}

// clearReaderOwned takes the leaving reader's name out of owner if it is the
// last one there (rwsem_clear_reader_owned, section 2.2 note 1).
func (l RWSem) clearReaderOwned(c *sim.CPU) {
	me, v := uint64(l.k.sched.Current(c).A), c.Load(l.owner())
	for v&^rwsemOwnerFlags == me {
		old, ok := c.CmpXchg(l.owner(), v, v&rwsemOwnerFlags, sim.Full)
		if ok {
			return
		}
		v = old
	}
}

// neg is the addend that subtracts n.
func neg(n uint64) uint64 { return -n }
