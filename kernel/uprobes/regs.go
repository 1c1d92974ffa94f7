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
	// killed says that SIGTRAP was sent: a breakpoint of nobody's.
	killed bool
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

// Call is CALL addr from the instruction before ret: it pushes the return
// address, and hits the breakpoint at addr, where the function begins. It
// returns the uprobe whose consumers ran.
func (t *User) Call(c *sim.CPU, addr, ret uint64) sim.Ptr {
	t.SP -= 8
	c.Store(t.word(0), ret)
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
// whether a breakpoint is there. The TLB is not modelled: the page is the one
// that the page table has now.
func (t *User) Fetch(c *sim.CPU, addr uint64) (breakpoint bool) {
	op, mapped := t.u.fetch(c, t.m, addr)
	if !mapped { // a fault: wait for who changes the mapping, look again
		t.m.ReadLock(c)
		t.m.ReadUnlock(c)
		op, _ = t.u.fetch(c, t.m, addr)
	}
	return op == opcodeInt3
}

// fetch is the hardware's walk and fetch, which no interrupt comes between: who
// replaces the page waits for it.
func (u *Uprobes) fetch(c *sim.CPU, m *mm.MM, addr uint64) (op uint64, mapped bool) {
	irq := c.IRQSave()
	page := m.PageAt(c, addr)
	if mapped = !page.IsNull(); mapped {
		op = c.Load(page.Ref(addr%sim.PageBytes, 1))
	}
	c.IRQRestore(irq)
	return op, mapped
}

// Run executes the instruction at addr: it traps if there is a breakpoint, and
// again until there is none or a uprobe was found. It returns that uprobe, or
// null where the instruction ran undisturbed.
func (t *User) Run(c *sim.CPU, addr uint64) (p sim.Ptr) {
	for t.Fetch(c, addr) {
		t.IP = addr
		if p = t.u.breakpoint(c, t.m, &t.Regs); !p.IsNull() || t.killed {
			return p
		}
	}
	return p
}

// Killed reports whether the thread got SIGTRAP for a breakpoint that belongs to
// nobody.
func (t *User) Killed() bool { return t.killed }
