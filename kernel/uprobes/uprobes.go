package uprobes

import (
	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/kernel/srcu"
	"mmsim/kernel/timer"
	"mmsim/sim"
)

// Costs are the parts of a hit that are not memory operations, one for each
// stretch of the path. They are fitted to single-thread figures
// (calibration.md C1, C2; section 12), never to curves.
type Costs struct {
	TrapEntry  sim.Cycles // INT3 or BRK, user to kernel: the machine's
	TrapExit   sim.Cycles // IRET or ERET: the machine's
	Notify     sim.Cycles // die notifiers, exit-to-user work loop, handle_swbp
	VMALookup  sim.Cycles // instructions of the VMA lookup
	TreeLookup sim.Cycles // instructions of the uprobe lookup
	Chain      sim.Cycles // handler_chain and emulation
	Handler    sim.Cycles // body of one consumer's handler (an empty BPF program)

	UserAccess   sim.Cycles // one copy_to_user or copy_from_user beside its accesses
	SyscallEntry sim.Cycles // user to kernel by the uretprobe system call
	SyscallExit  sim.Cycles // and back
	SlotSync     sim.Cycles // I-cache and D-cache maintenance behind the copy into a slot (arm64)
	MachineClear sim.Cycles // running a slot that was just written (x86: self-modifying code)
	DebugTrap    sim.Cycles // what #DB takes more than INT3, with setting and clearing the trap flag
	Analyze      sim.Cycles // decoding an instruction when its probe is registered
}

// DefaultCosts are for a Skylake-SP server. Section 12 has the exception
// costs (about 440 and 270 cycles, before page-table isolation); Notify to
// Handler were fitted so that one thread under mmap_lock, with a handler of 30
// cycles, takes the 1,095 cycles of calibration.md C1. C2 (1,047 cycles under
// mm_lock_seq) then comes out of the operations: it was not fitted. UserAccess
// is the 5 % of a push over a nop; the system call is half each of the null call
// (70 to 115 ns); MachineClear and DebugTrap make a single-stepped hit 893 ns at
// 3.7 GHz, of the 820 to 1,000 ns of section 12. A return probe then takes 505 ns
// (450 to 510): that was not fitted.
func DefaultCosts() Costs {
	return Costs{TrapEntry: 440, TrapExit: 270, Notify: 20, VMALookup: 10, TreeLookup: 5, Chain: 8, Handler: 60,
		UserAccess: 50, SyscallEntry: 140, SyscallExit: 140, MachineClear: 300, DebugTrap: 900, Analyze: 400}
}

// Config of the uprobe side of one kernel.
type Config struct {
	Choices Choices
	Layouts Layouts
	Costs   Costs
	// Returns gives consumers a return handler (uretprobes).
	Returns bool
	// RITimer is how long a return may stay pending under a lease after the
	// thread's last one (RI_TIMER_PERIOD); 0 stands for 100 ms.
	RITimer sim.Time
	// Poison fills freed objects (slub_debug=P).
	Poison bool
}

// Uprobes is the uprobe side of one kernel: where the global tree and the
// notifier chain lie, and its choices. It holds no state of its own.
type Uprobes struct {
	b       *kernel.Base
	sys     *mm.System
	k       Choices
	l       Layouts
	f       fields
	costs   Costs
	finder  finder
	poison  bool
	returns bool
	riTicks uint64

	globals, die, ids, deferred, sighand sim.Ptr
	ops                                  [3]sim.Ptr // by Insn
	tree                                 rbTree
	treeSem, dupMmap                     locking.PercpuRWSem
	mmapMutexes                          [mmapHashSize]sim.Ptr
	delayed                              locking.Mutex
	delayedList                          sim.Ref
	hits                                 kmem.PerCPU
	cache, instances, consumerCache      *kmem.Cache
	areaLayout                           *sim.Layout
	stacks                               map[sim.TaskID]sim.Ptr
	mms                                  []*mm.MM

	srcu, uretSRCU *srcu.Struct
	timers         *timer.Wheels
	timerFunc      uint64
	grace          []gracePeriod
	freeCbs        []rcu.Callback

	// onHandler sees every run of a handler, for tests.
	onHandler func(c *sim.CPU, uc, p sim.Ptr)
}

// New sets uprobes up on the mm code of a kernel, whose design is the choice of
// lookup. It allocates from the boot arena.
func New(sys *mm.System, cfg Config) *Uprobes {
	b := sys.Base()
	u := &Uprobes{b: b, sys: sys, k: cfg.Choices, l: cfg.Layouts, costs: cfg.Costs, finder: finderOf(sys.Design()),
		poison: cfg.Poison, returns: cfg.Returns, areaLayout: xolAreaLayout(cfg.Choices.XOL),
		globals:       b.Arena.Object(cfg.Layouts.Globals, ""),
		die:           b.Arena.Object(dieChainLayout, ""),
		ids:           b.Arena.Object(idsLayout, ""),
		deferred:      b.Arena.Object(deferredLayout, ""),
		sighand:       b.Arena.Object(sighandLayout, ""),
		hits:          b.Arena.PerCPU(hitsLayout, b.Sched.CPUs()),
		cache:         b.NewCache(cfg.Layouts.Uprobe, kmem.CacheOptions{}),
		instances:     b.NewCache(riLayout, kmem.CacheOptions{RCUHead: "rcu"}),
		consumerCache: b.NewCache(consumerLayout, kmem.CacheOptions{}),
		stacks:        map[sim.TaskID]sim.Ptr{},
	}
	u.f = newFields(u.l, u.areaLayout, u.k.XOL)
	u.tree = rbTree{u.f.rb, u.globals.F(u.f.tree)}
	c := sim.NewDirect(b.Arena.Mem)
	u.initChain(c)
	u.initLocks(c)
	u.initTimer(cfg.RITimer)
	u.initFree()
	sys.SetFileHooks(u)
	return u
}

// initChain builds the die notifiers, and the tables of emulated instructions.
func (u *Uprobes) initChain(c *sim.CPU) {
	for i, name := range []string{"branch_xol_ops", "push_xol_ops", "default_xol_ops"} {
		u.ops[i] = u.b.Arena.Object(xolOpsLayout, name)
	}
	c.Store(u.ops[InsnNop].F(opsEmulate), emulateNop)
	c.Store(u.ops[InsnPush].F(opsEmulate), emulatePush)
	link := u.die.F(dieChainHead)
	for _, name := range []string{"kprobe_exceptions_nb", "uprobe_exception_nb"} {
		nb := u.b.Arena.Object(notifierLayout, name)
		c.Store(nb.F(nbCall), 1)
		c.Store(link, uint64(nb.A))
		link = nb.F(nbNext)
	}
}

// initLocks makes the locks beside the tree's word, and the SRCU domains.
func (u *Uprobes) initLocks(c *sim.CPU) {
	u.dupMmap = u.b.PercpuRWSems.New(u.b.Arena, u.b.Arena.Object(dupMmapLayout, ""))
	if u.k.Tree == TreePercpuRWSem {
		u.treeSem = u.b.PercpuRWSems.New(u.b.Arena, u.b.Arena.Object(treeSemLayout, ""))
	}
	for i := range u.mmapMutexes {
		u.mmapMutexes[i] = u.b.Arena.Packed(mmapMutexLayout, "")
		u.b.Mutexes.At(u.mmapMutexes[i], mmapMutexFields).Init(c)
	}
	delayed := u.b.Arena.Object(delayedLayout, "")
	u.delayed = u.b.Mutexes.At(delayed, locking.MutexFieldsOf(delayedLayout, "delayed_uprobe_lock"))
	u.delayed.Init(c)
	u.delayedList = delayed.F(delayedLayout.Field("delayed_uprobe_list"))
	if u.k.Lifetime == LifetimeSRCU {
		u.srcu = u.b.SRCU.Define("uprobes_srcu", srcu.Normal)
	}
	if u.k.Ret.leased() {
		u.uretSRCU = u.b.SRCU.Define("uretprobes_srcu", srcu.Normal)
	}
}

// defaultRITimer is RI_TIMER_PERIOD.
const defaultRITimer = 100 * sim.Millisecond

// initTimer sets the timers of leases up.
func (u *Uprobes) initTimer(period sim.Time) {
	if !u.returns || !u.k.Ret.leased() {
		return
	}
	if period == 0 {
		period = defaultRITimer
	}
	u.timers = timer.New(u.b.Arena, u.b.Sched, u.b.Spin)
	u.timerFunc = u.timers.Register(u.riTimer)
	u.riTicks = u.timers.Ticks(period)
}

// Bits of uprobe.flags.
const uprobeCopyInsn = 0 // UPROBE_COPY_INSN

// Values that stand for the addresses of functions that emulate an instruction.
const (
	emulateNop  = 1 // branch_emulate_op
	emulatePush = 2 // push_emulate_op
)

// NewTask gives a task its uprobe_task, and its user stack.
func (u *Uprobes) NewTask(c *sim.CPU, task sim.TaskID) {
	p := u.b.Arena.Object(u.l.Utask, "")
	c.Store(u.b.Sched.Task(task).F(sched.TaskUtask), uint64(p.A))
	if u.timers != nil {
		u.timers.Setup(c, p.Add(offRITimer), u.timerFunc)
	}
	u.stacks[task] = u.b.Arena.Object(stackLayout, "")
}

// Choices are the choices that the kernel was set up with.
func (u *Uprobes) Choices() Choices { return u.k }

// RefWord is the word uprobe.ref of the uprobe at p, for checks.
func (u *Uprobes) RefWord(p sim.Ptr) sim.Ref { return p.F(u.f.ref) }

// Uncopied makes the uprobe at p, which was registered at boot, one whose place
// no process has mapped so far: its instruction has not been copied.
func (u *Uprobes) Uncopied(c *sim.CPU, p sim.Ptr) {
	c.Store(p.F(u.f.flags), 0)
	c.Store(p.F(u.f.ops), 0)
}

// ExpireLeases is ri_timer of a task as a thread of its own runs it, on another
// CPU than the task: for checks, which leave the timer wheel out.
func (u *Uprobes) ExpireLeases(c *sim.CPU, task sim.TaskID) {
	utask := c.LoadPtr(u.b.Sched.Task(task).F(sched.TaskUtask))
	u.riTimer(c, utask.Add(offRITimer))
}

// HitsWord is where handlers count that run on a CPU, for checks.
func (u *Uprobes) HitsWord(cpu int) sim.Ref { return u.hits.Of(cpu).F(hitsCount) }

// Hits is what the handlers counted on all CPUs.
func (u *Uprobes) Hits(c *sim.CPU) (n uint64) {
	for cpu := range u.hits.CPUs() {
		n += c.Load(u.hits.Of(cpu).F(hitsCount))
	}
	return n
}
