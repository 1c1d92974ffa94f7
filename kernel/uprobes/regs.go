package uprobes

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// userStackBytes is the part of a thread's user stack that calls use.
const userStackBytes = 16 << 10

// Regs are the user registers of a thread as an exception saves them (pt_regs):
// they are on its kernel stack, which nobody else looks at. SP is an address of
// simulated memory: user stacks are mapped one to one, without page tables.
type Regs struct {
	IP, SP uint64
	// step is the trap flag: the next instruction is single-stepped.
	step bool
	// killed is the signal that was sent: SIGTRAP for a breakpoint of nobody's,
	// SIGSEGV for an address where nothing is mapped. 0 for none.
	killed signal
}

// signal is what kills a thread.
type signal uint8

const (
	sigTrap signal = 5
	sigSegv signal = 11
)

func (s signal) String() string {
	if s == sigTrap {
		return "SIGTRAP"
	}
	return "SIGSEGV"
}

// word is a word of the user's stack.
func (r *Regs) word(off uint64) sim.Ref { return sim.At(sim.Addr(r.SP+off)).Ref(0, 8) }

// User is the user-mode side of a thread: its registers, and the instructions
// that probes need.
type User struct {
	Regs
	u *Uprobes
	m *mm.MM
}

// User is the calling thread in user mode, at the bottom of its stack.
func (u *Uprobes) User(c *sim.CPU, m *mm.MM) User {
	sp := uint64(u.stacks[c.Task].A) + userStackBytes
	return User{Regs: Regs{SP: sp}, u: u, m: m}
}

// Push is the first half of CALL, from the instruction before ret: it pushes the
// return address. Run at the function's address is the rest.
func (t *User) Push(c *sim.CPU, ret uint64) {
	t.SP -= 8
	c.Store(t.word(0), ret)
}

// Call is CALL addr from the instruction before ret, where there is a breakpoint
// for certain. It returns the uprobe whose consumers ran.
func (t *User) Call(c *sim.CPU, addr, ret uint64) sim.Ptr {
	t.Push(c, ret)
	t.IP = addr
	return t.u.breakpoint(c, t.m, &t.Regs)
}

// Ret is RET: it pops the address to go on at. A return that a probe waits for
// lands on the trampoline, and goes on where it should after the handlers ran.
func (t *User) Ret(c *sim.CPU) {
	t.IP = c.Load(t.word(0))
	t.SP += 8
	if t.IP == xolVaddr {
		t.u.returned(c, t.m, &t.Regs)
	}
}

// Fetch is the fetch of the instruction at addr, one load of its text: it tells
// whether a breakpoint is there. Text that is not in the page table is mapped by a
// fault; ok is false where there is none. The TLB is not modelled: the page is
// the one that the page table has now.
func (t *User) Fetch(c *sim.CPU, addr uint64) (breakpoint, ok bool) {
	for {
		op, mapped := t.u.fetch(c, t.m, addr)
		if mapped {
			return op == opcodeInt3, true
		}
		if !t.u.fault(c, place{t.m, addr}) {
			return false, false
		}
	}
}

// fetch is the hardware's walk and fetch, which no interrupt comes between: who
// replaces the page waits for it. Where others do not wait (a machine that
// broadcasts invalidations) the walk is made again behind it.
func (u *Uprobes) fetch(c *sim.CPU, m *mm.MM, addr uint64) (op uint64, mapped bool) {
	irq := c.IRQSave()
	for {
		page := m.PageAt(c, addr)
		if mapped = !page.IsNull(); !mapped {
			break
		}
		op = c.Load(page.Ref(addr%sim.PageBytes, 1))
		if !u.sys.BroadcastTLB() || m.PageAt(c, addr).A == page.A {
			break
		}
	}
	c.IRQRestore(irq)
	return op, mapped
}

// fault is a page fault of a fetch: under mmap_lock, which keeps out who changes
// the mapping. False means SIGSEGV.
func (u *Uprobes) fault(c *sim.CPU, at place) (ok bool) {
	c.Compute(u.costs.TrapEntry)
	at.m.ReadLock(c)
	if vma := at.m.VMALookup(c, at.vaddr); !vma.IsNull() {
		ok = u.faultIn(c, vma, at)
	}
	at.m.ReadUnlock(c)
	u.b.Sched.ExitToUser(c)
	c.Compute(u.costs.TrapExit)
	return ok
}

// Run executes the instruction at addr: it traps if there is a breakpoint, and
// again until the instruction was executed or the thread is dead. It returns the
// uprobe whose consumers ran, null where the instruction ran undisturbed.
func (t *User) Run(c *sim.CPU, addr uint64) (p sim.Ptr) {
	for {
		breakpoint, ok := t.Fetch(c, addr)
		if !ok {
			t.killed = sigSegv
		}
		if !breakpoint {
			return p
		}
		t.IP = addr
		if p = t.u.breakpoint(c, t.m, &t.Regs); t.killed != 0 || t.IP != addr {
			return p
		}
	}
}

// Killed reports whether the thread got SIGTRAP for a breakpoint that belongs to
// nobody, or SIGSEGV for text that is not mapped.
func (t *User) Killed() bool { return t.killed != 0 }
