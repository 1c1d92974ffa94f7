// Package explore is the second executor of the CPU contract: where cores
// prices a program, explore runs the same unchanged coroutines with every
// choice under its control. Which CPU steps next, which of the allowed writes a
// load returns, where a store lands in the coherence order of its word, when an
// interrupt arrives: all of it is chosen, and a search goes through the choices.
//
// What a load may return is decided on the execution graph. Every shared access
// is an event; a choice is allowed if the graph with it stays consistent under
// the axioms of the model: sequential consistency, x86-TSO, Armv8, or the
// Linux-kernel memory model (facts: locks-and-barriers.md sections 15 and 16,
// litmus-visible.md). Events are added in program order and a load reads from a
// write that is already there, so no load buffering is explored; apart from
// that the graphs are all that the model allows.
package explore
