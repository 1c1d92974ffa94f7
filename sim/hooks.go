package sim

// Hooks are the entry points of a kernel that an executor calls by itself. Any
// of them may be nil.
type Hooks struct {
	// Boot runs once in interrupt context on every CPU in use, at time 0.
	Boot func(c *CPU)
	// Idle is the body of every CPU's idle context. It does not return.
	Idle func(c *CPU)
	// IRQReturn is the way back from an interrupt to the task it came over
	// (irqentry_exit). It runs in that task's context, with interrupts on, at the boundary
	// between two of its operations, and may switch to another task. user tells
	// that the interrupt came while the task thought, which is in user mode.
	IRQReturn func(c *CPU, user bool)
}
