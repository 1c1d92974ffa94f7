package kernel

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking"
	"mmsim/kernel/locking/osq"
	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/kernel/srcu"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// Config is what the kernel learns at boot.
type Config struct {
	// CPUs is the number of CPUs of the machine.
	CPUs int
	// TaskCPU is the CPU that each task starts on, by task number; several may
	// name the same.
	TaskCPU []int
	// Allowed are the CPUs that a task may run on, by task number; nil pins all.
	Allowed [][]int
	// CacheDomain numbers the last-level cache of each CPU; nil means one.
	CacheDomain []int
	// NoTTWUQueue makes every waker enqueue the woken task itself.
	NoTTWUQueue bool
	// TickPeriod is the time between two scheduler ticks of a CPU (1/HZ).
	TickPeriod sim.Time
	// RWSem are rwsem.c's build-time choices; nil means the kernel's own.
	RWSem *locking.RWSemOptions
	// RCU and SRCU set how long grace periods take; nil means as in the kernel.
	RCU  *rcu.Options
	SRCU *srcu.Options
	// Slice is the time slice; zero means sched.DefaultSlice.
	Slice   sim.Time
	Preempt sched.Preemption
	Idle    sched.IdleMode
	// Pages sizes the page allocator.
	Pages kmem.PageOptions
}

// Base is a booted kernel without any process: what mm and everything above is
// built from. It holds addresses and layouts only; the state is in the memory.
type Base struct {
	Arena        *kmem.Arena
	Pages        *kmem.PageAllocator
	Spin         *locking.SpinLocks
	OSQ          *osq.Locks
	RWSems       *locking.RWSems
	Mutexes      *locking.Mutexes
	Sched        *sched.Scheduler
	Wait         *wait.Queues
	RCU          *rcu.RCU
	SRCU         *srcu.Domains
	PercpuRWSems *locking.PercpuRWSems
}

// NewBase builds the kernel's own objects in an empty memory.
func NewBase(mem *sim.Memory, syms *sim.Symbols, cfg Config) *Base {
	b := &Base{Arena: kmem.NewArena(mem, syms)}
	b.Spin = kmem.NewSpinLocks(b.Arena, cfg.CPUs)
	b.Sched = sched.New(b.Arena, b.Spin, sched.Config{TaskCPU: cfg.TaskCPU, Allowed: cfg.Allowed, CPUs: cfg.CPUs,
		CacheDomain: cfg.CacheDomain, NoTTWUQueue: cfg.NoTTWUQueue, TickPeriod: cfg.TickPeriod, Slice: cfg.Slice, Preempt: cfg.Preempt, Idle: cfg.Idle})
	b.OSQ = osq.New(b.Arena, b.Sched)
	b.RWSems = locking.NewRWSems(b.Arena, b.Sched, b.Spin, b.OSQ, orDefault(cfg.RWSem, locking.DefaultRWSemOptions))
	b.Mutexes = locking.NewMutexes(b.Arena, b.Sched, b.Spin, b.OSQ)
	b.Wait = wait.New(b.Arena, b.Sched, b.Spin)
	b.RCU = rcu.New(b.Arena, b.Sched, b.Spin, b.Wait, orDefault(cfg.RCU, rcu.DefaultOptions))
	b.SRCU = srcu.NewDomains(b.Arena, b.Sched, b.Spin, b.RCU, orDefault(cfg.SRCU, srcu.DefaultOptions))
	b.PercpuRWSems = locking.NewPercpuRWSems(b.Sched, b.RCU, b.Wait)
	b.Pages = kmem.NewPageAllocator(b.Arena, b.Spin, cfg.CPUs, cfg.Pages)
	return b
}

// NewCache is kmem_cache_create in this kernel.
func (b *Base) NewCache(l *sim.Layout, o kmem.CacheOptions) *kmem.Cache {
	o.Defer, o.Preempt = b.RCU.Deferred, b.Sched
	return kmem.NewCache(b.Arena, b.Pages, l, o)
}

// Boot is what a CPU does as it comes up, in interrupt context: it starts its
// scheduler tick.
func (b *Base) Boot(c *sim.CPU) { b.Sched.StartTick(c) }

// orDefault is *o, or the kernel's own choice where o is nil.
func orDefault[T any](o *T, own func() T) T {
	if o == nil {
		return own()
	}
	return *o
}

// Hooks are the kernel's entry points for an executor.
func (b *Base) Hooks() sim.Hooks {
	return sim.Hooks{Boot: b.Boot, Start: b.Sched.TaskStart, Exit: b.Sched.Exit, Idle: b.Sched.IdleLoop,
		IRQReturn: b.Sched.IRQReturn}
}
