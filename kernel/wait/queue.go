package wait

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// HeadLayout is wait_queue_head.
var HeadLayout = sim.NewLayout("wait_queue_head", HeadBytes, 8, HeadMembers("", 0)...)

// HeadBytes is the size of a wait_queue_head.
const HeadBytes = 24

// HeadMembers declares a wait_queue_head at offset off of the embedding struct;
// prefix is "name." of the member, or empty.
func HeadMembers(prefix string, off uint32) []sim.Field {
	return []sim.Field{sim.F(prefix+"lock", off, 4), list.Field(prefix+"head", off+8)}
}

// entryLayout is wait_queue_entry, on the sleeper's stack.
var entryLayout = sim.NewLayout("wait_queue_entry", 64, 64, entryMembers("", 0)...)

func entryMembers(prefix string, off uint32) []sim.Field {
	return []sim.Field{sim.F(prefix+"flags", off, 4), sim.F(prefix+"private", off+8, 8),
		sim.F(prefix+"func", off+16, 8), list.Field(prefix+"entry", off+24)}
}

var (
	entryFlags   = entryLayout.Field("flags")
	entryPrivate = entryLayout.Field("private")
	entryFunc    = entryLayout.Field("func")
	entryList    = entryLayout.Field("entry")
)

// Flags of a wait queue entry, with the kernel's values.
const (
	Exclusive = 1 << 0
	Woken     = 1 << 1
	Custom    = 1 << 2
	Done      = 1 << 3
)

// Key tells a wake function what the waker wakes for. It is on the waker's
// stack and stays there.
type Key struct {
	// Obj is the object that the waker acts on.
	Obj sim.Ptr
	// Bit is the bit of it, where the queue is about bits.
	Bit uint
	// Match is set by the wake function when an entry waits for Obj at all.
	Match bool
}

// WakeFunc is an entry's function, called under the queue's lock. Its result is
// the kernel's: negative ends the walk, positive counts an exclusive entry as
// woken, zero does not.
type WakeFunc func(c *sim.CPU, e Entry, key *Key) int

// FuncID is the number of a registered wake function: what stands in the
// entry's func word.
type FuncID uint64

// Queues makes the wait queues of one kernel.
type Queues struct {
	sched      *sched.Scheduler
	spin       *qspinlock.Locks
	entries    []sim.Ptr // by task number, as the next two
	swaiters   []sim.Ptr
	semWaiters []sim.Ptr
	funcs      []WakeFunc
	autoremove FuncID
}

// New allocates the entries that tasks queue with.
func New(a *kmem.Arena, s *sched.Scheduler, spin *qspinlock.Locks) *Queues {
	k := &Queues{sched: s, spin: spin}
	for range s.Tasks() {
		k.entries = append(k.entries, a.Object(entryLayout, ""))
		k.swaiters = append(k.swaiters, a.Object(swaiterLayout, ""))
		k.semWaiters = append(k.semWaiters, a.Object(semWaiterLayout, ""))
	}
	k.autoremove = k.Register(k.autoremoveWake)
	return k
}

// Register adds a wake function. Set-up only.
func (k *Queues) Register(f WakeFunc) FuncID {
	k.funcs = append(k.funcs, f)
	return FuncID(len(k.funcs))
}

// Entry is a wait_queue_entry, on its own or inside a longer struct.
type Entry struct{ p sim.Ptr }

// Entry is the current task's wait queue entry, initialised as by
// DEFINE_WAIT_FUNC: f is called to wake it, and flags are 0.
func (k *Queues) Entry(c *sim.CPU, f FuncID) Entry {
	e := Entry{k.entries[task(c)]}
	k.initEntry(c, e, f)
	return e
}

func (k *Queues) initEntry(c *sim.CPU, e Entry, f FuncID) {
	e.SetFlags(c, 0)
	c.Store(e.Private(), uint64(k.sched.Current(c).A))
	c.Store(e.p.F(entryFunc), uint64(f))
	list.Init(c, e.node())
}

// task is the number of the current task; nothing else can sleep.
func task(c *sim.CPU) sim.TaskID {
	if c.InIRQ || c.Task < 0 {
		panic("wait: sleeping outside a task: " + c.Name)
	}
	return c.Task
}

func (e Entry) node() sim.Ptr { return e.p.Add(uint64(entryList.Off)) }

func entryOf(node sim.Ptr) Entry {
	return Entry{sim.Ptr{A: node.A - sim.Addr(entryList.Off), D: node.D}}
}

// Flags loads the entry's flags.
func (e Entry) Flags(c *sim.CPU) uint64 { return c.Load(e.p.F(entryFlags)) }

// SetFlags stores the entry's flags.
func (e Entry) SetFlags(c *sim.CPU, f uint64) { c.Store(e.p.F(entryFlags), f) }

// Private is the entry's private word: the sleeping task, as long as the wake
// function leaves it.
func (e Entry) Private() sim.Ref { return e.p.F(entryPrivate) }

// Queue is a wait_queue_head.
type Queue struct {
	k *Queues
	// Lock is the queue's spinlock, which its users may take for their own ends.
	Lock qspinlock.SpinLock
	list sim.Ptr
}

// At is the wait queue whose head is at p.
func (k *Queues) At(p sim.Ptr) Queue { return Queue{k, k.spin.At(p.Ref(0, 4)), p.Add(8)} }

// Init is init_waitqueue_head.
func (q Queue) Init(c *sim.CPU) { list.Init(c, q.list) }

// Active is waitqueue_active: one load, which is of use only behind a full
// barrier that follows the store of the condition.
func (q Queue) Active(c *sim.CPU) bool { return !list.Empty(c, q.list) }

// AddTail is __add_wait_queue_entry_tail, under the queue's lock.
func (q Queue) AddTail(c *sim.CPU, e Entry) { list.AddTail(c, e.node(), q.list) }

// Prepare is prepare_to_wait, and prepare_to_wait_exclusive for an entry whose
// Exclusive flag is set: queue the entry unless it is, and set the state with
// a full barrier, so that the condition is tested behind both.
func (q Queue) Prepare(c *sim.CPU, e Entry, st sched.State) {
	irq := q.Lock.LockIRQSave(c)
	if list.Empty(c, e.node()) {
		if e.Flags(c)&Exclusive != 0 {
			q.AddTail(c, e)
		} else {
			list.Add(c, e.node(), q.list)
		}
	}
	q.k.sched.SetCurrentState(c, st)
	q.Lock.UnlockIRQRestore(c, irq)
}

// Finish is finish_wait: run again and leave the queue, unless a waker took the
// entry off.
func (q Queue) Finish(c *sim.CPU, e Entry) {
	q.k.sched.SetRunning(c)
	if !list.EmptyCareful(c, e.node()) {
		irq := q.Lock.LockIRQSave(c)
		list.DelInit(c, e.node())
		q.Lock.UnlockIRQRestore(c, irq)
	}
}

// Event is wait_event: sleep until cond holds. cond is looked at again after
// every wake-up of the queue.
func (q Queue) Event(c *sim.CPU, why sim.WaitReason, cond func() bool) {
	q.event(c, 0, why, cond)
}

// EventExclusive is wait_event_exclusive: as Event, but WakeUp wakes only one
// such waiter.
func (q Queue) EventExclusive(c *sim.CPU, why sim.WaitReason, cond func() bool) {
	q.event(c, Exclusive, why, cond)
}

func (q Queue) event(c *sim.CPU, flags uint64, why sim.WaitReason, cond func() bool) {
	if cond() {
		return
	}
	e := q.k.Entry(c, q.k.autoremove)
	e.SetFlags(c, flags)
	for {
		q.Prepare(c, e, sched.Uninterruptible)
		if cond() {
			break
		}
		q.k.sched.Schedule(c, why)
	}
	q.Finish(c, e)
}
