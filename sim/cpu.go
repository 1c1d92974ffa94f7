package sim

// CPU is the handle that simulated code runs on: the task's view of the
// processor it is on right now. It belongs to the task (or interrupt context),
// not to a core, and asks for the current CPU at each call, so it never goes
// stale when the task moves. Methods are named after the kernel's primitives;
// each is one simulated operation unless its comment says otherwise.
type CPU struct {
	// Slot is the executor's index of this context.
	Slot int
	// Task is the task that the context belongs to; an interrupt context has
	// the interrupted task's number, or -1 on an idle CPU.
	Task TaskID
	// Name is the thread's name in reports and deadlock errors.
	Name string
	// InIRQ is set by the executor on the handle of an interrupt context, which
	// runs with interrupts off from its first operation to its last.
	InIRQ bool

	// Conds holds the conditions of the spin-wait in progress, for the
	// executor.
	Conds []Cond

	// IRQOff tells that this context switched interrupts off. The executor sets
	// it on the handle of a context that begins by a context switch.
	IRQOff bool

	// Broken is what the executor takes out of the paths (Breaks); 0 is nothing.
	Broken Break

	ex    Executor
	conds [MaxConds]Cond
}

// NewCPU makes the handle of one context of an executor.
func NewCPU(ex Executor, slot int, task TaskID, name string) *CPU {
	return &CPU{ex: ex, Slot: slot, Task: task, Name: name}
}

// Executor is what gives meaning to this handle's operations. Kernel code has no
// business with it; a checker's program may ask it for more than the contract.
func (c *CPU) Executor() Executor { return c.ex }

// Load is READ_ONCE.
func (c *CPU) Load(r Ref) uint64 { v, _ := c.ex.Load(c, r, Relaxed); return v }

// LoadPtr is READ_ONCE of a pointer, or rcu_dereference: what is reached
// through the result is ordered behind this load by the address dependency.
func (c *CPU) LoadPtr(r Ref) Ptr { v, d := c.ex.Load(c, r, Relaxed); return Ptr{Addr(v), d} }

// LoadValue is READ_ONCE of a value that will be used to compute an address.
func (c *CPU) LoadValue(r Ref) Value { v, d := c.ex.Load(c, r, Relaxed); return Value{v, d} }

// LoadAcquire is smp_load_acquire.
func (c *CPU) LoadAcquire(r Ref) uint64 { v, _ := c.ex.Load(c, r, Acquire); return v }

// LoadPtrAcquire is smp_load_acquire of a pointer.
func (c *CPU) LoadPtrAcquire(r Ref) Ptr { v, d := c.ex.Load(c, r, Acquire); return Ptr{Addr(v), d} }

// Store is WRITE_ONCE.
func (c *CPU) Store(r Ref, v uint64) { c.ex.Store(c, r, v, Relaxed) }

// StoreRelease is smp_store_release, and rcu_assign_pointer.
func (c *CPU) StoreRelease(r Ref, v uint64) { c.ex.Store(c, r, v, Release) }

// StoreMB is smp_store_mb, the core of set_current_state: a store and a full
// barrier, one xchg on x86 and a store with a barrier behind it elsewhere. The
// executor lowers the exchange accordingly.
func (c *CPU) StoreMB(r Ref, v uint64) { c.ex.RMW(c, r, Xchg|Void, v, 0, Full) }

// FetchAdd is atomic_fetch_add with the given order; it returns the old value.
func (c *CPU) FetchAdd(r Ref, d uint64, o Order) uint64 {
	v, _ := c.ex.RMW(c, r, Add, d, 0, o)
	return v
}

// FetchAnd is atomic_fetch_and.
func (c *CPU) FetchAnd(r Ref, m uint64, o Order) uint64 {
	v, _ := c.ex.RMW(c, r, And, m, 0, o)
	return v
}

// FetchOr is atomic_fetch_or.
func (c *CPU) FetchOr(r Ref, m uint64, o Order) uint64 {
	v, _ := c.ex.RMW(c, r, Or, m, 0, o)
	return v
}

// FetchXor is atomic_fetch_xor.
func (c *CPU) FetchXor(r Ref, m uint64, o Order) uint64 {
	v, _ := c.ex.RMW(c, r, Xor, m, 0, o)
	return v
}

// AtomicAdd is atomic_add: no result, no ordering.
func (c *CPU) AtomicAdd(r Ref, d uint64) { c.ex.RMW(c, r, Add|Void, d, 0, Relaxed) }

// AtomicOr is atomic_or: no result, no ordering.
func (c *CPU) AtomicOr(r Ref, m uint64) { c.ex.RMW(c, r, Or|Void, m, 0, Relaxed) }

// AtomicAnd is atomic_and: no result, no ordering.
func (c *CPU) AtomicAnd(r Ref, m uint64) { c.ex.RMW(c, r, And|Void, m, 0, Relaxed) }

// SetBit is set_bit: no result, no ordering.
func (c *CPU) SetBit(r Ref, bit uint) { c.AtomicOr(r, 1<<bit) }

// ClearBit is clear_bit: no result, no ordering.
func (c *CPU) ClearBit(r Ref, bit uint) { c.AtomicAnd(r, ^(uint64(1) << bit)) }

// TestAndSetBit is test_and_set_bit (fully ordered); it returns the old bit.
func (c *CPU) TestAndSetBit(r Ref, bit uint) bool { return c.FetchOr(r, 1<<bit, Full)>>bit&1 != 0 }

// TestAndClearBit is test_and_clear_bit (fully ordered); it returns the old bit.
func (c *CPU) TestAndClearBit(r Ref, bit uint) bool {
	return c.FetchAnd(r, ^(uint64(1)<<bit), Full)>>bit&1 != 0
}

// Xchg is xchg with the given order; it returns the old value.
func (c *CPU) Xchg(r Ref, v uint64, o Order) uint64 {
	old, _ := c.ex.RMW(c, r, Xchg, v, 0, o)
	return old
}

// CmpXchg is cmpxchg with the given order: it stores v if the word equals old,
// and returns what was there. A failed one gives no ordering portably, but
// takes the line exclusive all the same.
func (c *CPU) CmpXchg(r Ref, old, v uint64, o Order) (uint64, bool) {
	prev, _ := c.ex.RMW(c, r, CmpXchg, v, old, o)
	return prev, prev == old&r.Size.Mask()
}

// RMW is any atomic operation; it returns the old value with its dependency. A
// CmpXchg compares with cmp.
func (c *CPU) RMW(r Ref, op RMWOp, arg, cmp uint64, o Order) Value {
	v, d := c.ex.RMW(c, r, op, arg, cmp, o)
	return Value{v, d}
}

// ThisCPUAdd is this_cpu_add on a word of this CPU's per-CPU area; it returns
// the old value.
func (c *CPU) ThisCPUAdd(r Ref, d uint64) uint64 {
	v, _ := c.ex.RMW(c, r, Add, d, 0, ThisCPU)
	return v
}

// ThisCPUAnd is this_cpu_and.
func (c *CPU) ThisCPUAnd(r Ref, m uint64) { c.ex.RMW(c, r, And|Void, m, 0, ThisCPU) }

// ThisCPUOr is this_cpu_or.
func (c *CPU) ThisCPUOr(r Ref, m uint64) { c.ex.RMW(c, r, Or|Void, m, 0, ThisCPU) }

// Fence is one of the stand-alone barriers.
func (c *CPU) Fence(f Fence) { c.ex.Fence(c, f) }

// SmpMB is smp_mb.
func (c *CPU) SmpMB() { c.ex.Fence(c, MB) }

// SmpRMB is smp_rmb.
func (c *CPU) SmpRMB() { c.ex.Fence(c, RMB) }

// SmpWMB is smp_wmb.
func (c *CPU) SmpWMB() { c.ex.Fence(c, WMB) }

// Prefetch starts to fetch a line without waiting for it: how independent
// loads that the hardware would overlap are issued together.
func (c *CPU) Prefetch(r Ref, forWrite bool) { c.ex.Prefetch(c, r, forWrite) }

// Copy is memcpy of whole words; its accesses are independent of each other.
func (c *CPU) Copy(dst, src Ptr, bytes uint64) { c.ex.Bulk(c, dst, src, bytes) }

// Clear is memset to zero of whole words, clear_page included.
func (c *CPU) Clear(dst Ptr, bytes uint64) { c.ex.Bulk(c, dst, Ptr{}, bytes) }

// Compute spends n cycles of this core's pipeline.
func (c *CPU) Compute(n Cycles) { c.ex.Compute(c, n) }

// Think stays in user mode until the given time (no work when it has passed).
func (c *CPU) Think(until Time) { c.ex.Think(c, until) }

// Relax is one cpu_relax: PAUSE, YIELD, HMT low.
func (c *CPU) Relax() { c.ex.Relax(c) }

// SpinUntil spins (load, cpu_relax, repeat) until one of the conditions holds
// and returns its index, or -1 when the deadline comes first; Never means no
// deadline. The value that satisfied the condition was read by the condition's
// own load; code that needs it reads again, as the kernel's loops do.
func (c *CPU) SpinUntil(deadline Time, conds ...Cond) int {
	c.Conds = c.conds[:copy(c.conds[:], conds)]
	return c.ex.Spin(c, deadline)
}

// SpinWhile spins while (word & mask) equals v, with acquire order
// (smp_cond_load_acquire).
func (c *CPU) SpinWhile(r Ref, mask, v uint64) {
	c.SpinUntil(Never, Cond{Ref: r, Test: Ne, Mask: mask, Arg: v, Order: Acquire})
}

// IRQDisable is local_irq_disable. Interrupt contexts run with interrupts off.
func (c *CPU) IRQDisable() { c.IRQSave() }

// IRQEnable is local_irq_enable; pending interrupts are taken at once. It does
// nothing in an interrupt context.
func (c *CPU) IRQEnable() { c.IRQRestore(true) }

// IRQSave is local_irq_save: interrupts are off afterwards. It reports whether
// they were on before.
func (c *CPU) IRQSave() (on bool) {
	if c.InIRQ || c.IRQOff {
		return false
	}
	c.ex.Interrupts(c, false)
	c.IRQOff = true // not before: until then an interrupt may come, and preempt
	return true
}

// IRQRestore is local_irq_restore of what IRQSave returned.
func (c *CPU) IRQRestore(on bool) {
	if on && !c.InIRQ && c.IRQOff {
		c.IRQOff = false
		c.ex.Interrupts(c, true)
	}
}

// IRQsDisabled is irqs_disabled: it tells whether this context runs with
// interrupts off.
func (c *CPU) IRQsDisabled() bool { return c.InIRQ || c.IRQOff }

// SwitchTo is context_switch: this CPU goes on with the context of next, a task
// that runs nowhere, or with its idle context (IdleTask). The caller's context
// stops here until some CPU switches to it, and continues there; the result is
// the task which that CPU ran before, as the kernel's switch_to returns it. why
// is what the leaving task waits for (Runnable if it was preempted), for the
// accounts; the idle context's is ignored. Interrupts are off. Run queues, states
// and barriers are the kernel's business, in simulated memory: SwitchTo is the
// switch of stack and registers alone.
func (c *CPU) SwitchTo(next TaskID, why WaitReason) (prev TaskID) {
	if c.InIRQ || !c.IRQOff {
		panic("sim: a context switch with interrupts on, or in an interrupt: " + c.Name)
	}
	return c.ex.SwitchTo(c, next, why)
}

// SetRunnable notes in the accounts that a task which is switched out waits for
// a CPU from now on, and no longer for its reason. It is no operation of the
// machine.
func (c *CPU) SetRunnable(t TaskID) { c.ex.SetRunnable(c, t) }

// Idle is what the idle context does with nothing to run (HLT, WFI): it returns
// after the next interrupt has been handled, at once if one is pending.
// Interrupts are off when it is called, as in the kernel's idle loop, so that
// a reschedule interrupt after the last look at need_resched is not lost; they
// are on while it waits, and when it returns.
func (c *CPU) Idle() {
	if c.Task != IdleTask || c.InIRQ || !c.IRQOff {
		panic("sim: only the idle context idles, with interrupts off: " + c.Name)
	}
	c.IRQOff = false
	c.ex.Idle(c)
}

// SendIPI makes another CPU run h in interrupt context. It does not wait: the
// acknowledgement is an ordinary store that the handler does and the sender
// spins on.
func (c *CPU) SendIPI(cpu int, h Handler) { c.ex.SendIPI(c, cpu, h) }

// TLBI is n broadcast TLB invalidations on a machine that has them: DSB ISHST, n
// times TLBI ...IS, DSB ISH. Stores before it are visible, and all CPUs have
// acknowledged, when it returns.
func (c *CPU) TLBI(n int) { c.ex.TLBI(c, n) }

// SetTimer makes this CPU run h in interrupt context after the given time.
func (c *CPU) SetTimer(after Time, h Handler) { c.ex.SetTimer(c, after, h) }

// SetTick is SetTimer for a handler that by itself makes no waiting task go on:
// the scheduler tick. When only ticks are left, the executor takes that for a
// deadlock, unless a task waits for a CPU or for what comes with ticks.
func (c *CPU) SetTick(after Time, h Handler) { c.ex.SetTick(c, after, h) }

// SpinState is the conditions of a spin-wait in progress. An executor that runs
// other code of the same context in the middle of the wait puts them aside.
type SpinState struct {
	conds [MaxConds]Cond
	n     int
}

// SaveSpin returns the conditions in use.
func (c *CPU) SaveSpin() SpinState { return SpinState{c.conds, len(c.Conds)} }

// RestoreSpin puts conditions back.
func (c *CPU) RestoreSpin(s SpinState) {
	c.conds = s.conds
	c.Conds = c.conds[:s.n]
}

// ID is smp_processor_id.
func (c *CPU) ID() int { return c.ex.CPUID(c) }

// Now reads the clock (no cost: charge the read with Compute if it matters).
func (c *CPU) Now() Time { return c.ex.Now(c) }

// Step charges what follows to s and returns the previous step, so that code
// can restore it: defer-free, as in "prev := c.Step(s); ...; c.Step(prev)".
func (c *CPU) Step(s Step) Step { return c.ex.Step(c, s) }

// Count adds n to an event counter.
func (c *CPU) Count(m Counter, n int64) { c.ex.Count(c, m, n) }

// OpBegin marks the start of one operation of the workload: latency runs from
// here.
func (c *CPU) OpBegin() { c.ex.OpBegin(c) }

// OpEnd marks the end of the operation. The deadlock watchdog takes it as
// progress.
func (c *CPU) OpEnd() { c.ex.OpEnd(c) }
