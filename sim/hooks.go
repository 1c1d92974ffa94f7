package sim

// Hooks are the entry points of a kernel that an executor calls by itself. Any
// of them may be nil.
type Hooks struct {
	// Boot runs once in interrupt context on every CPU in use, at time 0.
	Boot func(c *CPU)
	// Start is how a task begins that did not run from the start
	// (ret_from_fork): in its own context, interrupts off, before its body. prev
	// is what SwitchTo returns to a context that has run before. Without Start,
	// every task needs a CPU of its own.
	Start func(c *CPU, prev TaskID)
	// Exit is what a task does whose body has returned (do_exit). It does not
	// return. Without Exit the CPU has nothing to do any more.
	Exit func(c *CPU)
	// Idle is the body of every CPU's idle context. It does not return. It starts
	// as Start does, or with interrupts on and NoTask on a CPU that has no task
	// at first.
	Idle func(c *CPU, prev TaskID)
	// IRQReturn is the way back from an interrupt to the task it came over
	// (irqentry_exit). It runs in that task's context, with interrupts on, at the boundary
	// between two of its operations, and may switch to another task. user tells
	// that the interrupt came while the task thought, which is in user mode.
	IRQReturn func(c *CPU, user bool)
}
