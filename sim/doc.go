// Package sim is the ground floor of mmsim: virtual time, the event queue,
// coroutines, seeded randomness, simulated memory with its symbols, and the
// CPU contract that all simulated kernel code is written against.
//
// Nothing in this package knows what an operation costs. Cost is added by the
// executor that stands behind a CPU handle: package cores prices the
// operations on a machine, Direct carries them out at once without time (used
// to build the initial state), and an explorer can enumerate their orders.
package sim
