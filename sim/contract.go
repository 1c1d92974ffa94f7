package sim

// Order is the ordering that kernel code asks of one access, in the words of
// Documentation/memory-barriers.txt. What it costs is the executor's business.
type Order uint8

const (
	// Relaxed is READ_ONCE, WRITE_ONCE and the _relaxed atomics.
	Relaxed Order = iota
	// Acquire is smp_load_acquire and the _acquire atomics.
	Acquire
	// Release is smp_store_release and the _release atomics.
	Release
	// Full is a value-returning atomic without a suffix: smp_mb on both sides.
	Full
	// ThisCPU is a this_cpu operation on a per-CPU word: one unlocked
	// instruction on x86, no ordering anywhere. Only the word's own CPU may
	// use it.
	ThisCPU
)

// String names the order as reports print it.
func (o Order) String() string {
	return [...]string{"once", "acquire", "release", "full", "this_cpu"}[o]
}

// RMWOp is the arithmetic of an atomic read-modify-write.
type RMWOp uint8

const (
	Add RMWOp = iota
	And
	Or
	Xor
	Xchg
	CmpXchg
	// Void marks an operation whose result is not used (atomic_inc, set_bit):
	// the form that arm64 encodes as STADD and may execute at the home.
	Void RMWOp = 0x80
)

// Kind strips the Void mark.
func (op RMWOp) Kind() RMWOp { return op &^ Void }

// String names the operation.
func (op RMWOp) String() string {
	return [...]string{"add", "and", "or", "xor", "xchg", "cmpxchg"}[op.Kind()]
}

// Apply computes the value that op leaves behind old, and whether it writes.
func (op RMWOp) Apply(old, arg, cmp uint64, size Size) (uint64, bool) {
	v := old
	switch op.Kind() {
	case Add:
		v = old + arg
	case And:
		v = old & arg
	case Or:
		v = old | arg
	case Xor:
		v = old ^ arg
	case Xchg:
		v = arg
	case CmpXchg:
		if old != cmp&size.Mask() {
			return old, false
		}
		v = arg
	}
	return v & size.Mask(), true
}

// Fence is a stand-alone barrier, named as in the kernel.
type Fence uint8

const (
	MB Fence = iota
	RMB
	WMB
	MBBeforeAtomic
	MBAfterAtomic
	MBAfterSpinlock
	AcquireAfterCtrlDep
	NumFences
)

// String is the kernel's name of the barrier.
func (f Fence) String() string {
	return [...]string{"smp_mb", "smp_rmb", "smp_wmb", "smp_mb__before_atomic",
		"smp_mb__after_atomic", "smp_mb__after_spinlock", "smp_acquire__after_ctrl_dep"}[f]
}

// Test is the comparison of a spin-wait condition.
type Test uint8

const (
	Eq Test = iota
	Ne
)

// Cond is one condition of a spin-wait: (value & Mask) Test Arg, loaded with
// Order. A zero Mask means all bits.
type Cond struct {
	Ref   Ref
	Test  Test
	Mask  uint64
	Arg   uint64
	Order Order
}

// Holds reports whether v satisfies the condition.
func (k *Cond) Holds(v uint64) bool {
	if k.Mask != 0 {
		v &= k.Mask
	}
	return (v == k.Arg) == (k.Test == Eq)
}

// MaxConds bounds the conditions of one spin-wait (rwsem owner spinning needs
// owner, on_cpu, need_resched).
const MaxConds = 4

// TaskID names a task (a thread of the workload). CPUs and tasks are numbered
// from 0.
type TaskID int32

const (
	// IdleTask stands for the idle task of whatever CPU it is used on.
	IdleTask TaskID = -1
	// NoTask is what a context that nobody switched to came after: the first on
	// its CPU.
	NoTask TaskID = -2
)

// Handler is the body of an interrupt. It runs with interrupts off on the
// interrupted CPU, on a handle and a coroutine of its own.
type Handler func(c *CPU)

// Executor gives meaning to the operations of the CPU contract. Kernel code
// never sees it: it calls the methods of CPU. An operation returns when it is
// complete in program order; the executor may run other CPUs in between.
type Executor interface {
	Load(c *CPU, r Ref, o Order) (uint64, Dep)
	Store(c *CPU, r Ref, v uint64, o Order)
	// RMW returns the old value. A failed CmpXchg writes nothing. There is no
	// interrupt, and so no switch to another CPU, between what the code did last
	// and a ThisCPU operation: the address of the per-CPU word is a part of it.
	// Interrupts are taken behind it instead.
	RMW(c *CPU, r Ref, op RMWOp, arg, cmp uint64, o Order) (uint64, Dep)
	Fence(c *CPU, f Fence)
	Prefetch(c *CPU, r Ref, forWrite bool)
	// Bulk copies bytes from src to dst, or clears dst when src is null; both
	// are multiples of 8 and aligned. The accesses are independent.
	Bulk(c *CPU, dst, src Ptr, bytes uint64)
	Compute(c *CPU, n Cycles)
	Think(c *CPU, until Time)
	Relax(c *CPU)
	// Spin waits for one of c.Conds and returns its index, or -1 when the
	// deadline passed first.
	Spin(c *CPU, deadline Time) int
	Interrupts(c *CPU, on bool)
	SwitchTo(c *CPU, next TaskID, why WaitReason) (prev TaskID)
	SetRunnable(c *CPU, t TaskID)
	Idle(c *CPU)
	Lock(c *CPU, e LockEvent, lock Addr, m LockMode)
	SendIPI(c *CPU, cpu int, h Handler)
	TLBI(c *CPU, n int)
	SetTimer(c *CPU, after Time, h Handler)
	SetTick(c *CPU, after Time, h Handler)
	CPUID(c *CPU) int
	Now(c *CPU) Time
	Step(c *CPU, s Step) Step
	Count(c *CPU, m Counter, n int64)
	OpBegin(c *CPU)
	OpEnd(c *CPU)
}
