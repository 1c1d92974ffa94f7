// Package kernel is the root of the simulated Linux kernel: layouts and
// allocators, locks, RCU, the scheduler's sleep and wake, mm and uprobes, each
// in a package below. All of it is written against the CPU contract of package
// sim alone: it never imports cores, coherence, explore or workloads, so the
// same code can be priced by one executor and checked by another.
package kernel
