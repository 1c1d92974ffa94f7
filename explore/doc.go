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
//
// An exhaustive search without a bound goes from graph to graph, each once, for
// programs that touch memory only. With a bound, or with interrupts and context
// switches, it goes by schedules. There the order of Go-side ghost state is the
// order of the operations around it; under a weak model that order is one of
// those that the graph allows, not a clock's.
//
// What is simplified: coherence is per 64-bit word, and a store narrower than
// what the program uses of its word is never delayed behind another; time stands
// still, so that deadlines and timers may come at any time, and scheduler ticks
// come only when nothing else can go on; a wake-up, an interrupt and a migration
// order all that was before them; dependencies through memory that one CPU alone
// touches are followed only where stores announce theirs.
package explore
