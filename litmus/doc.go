// Package litmus reads C-flavoured litmus tests, as the kernel's memory-model
// tests are written, and runs them on either executor of the CPU contract:
// explored under a memory model, or timed on a machine.
//
// Parse makes the syntax tree of a file, Compile resolves it into a Program
// whose threads are bodies over sim.CPU. The language is the one of
// litmus-format.md: marked and plain accesses, barriers, locals, if, pointers,
// atomics, spinlocks, RCU, SRCU. What is outside of it is an error with a
// position, never a guess.
package litmus
