// Package uprobes is kernel/events/uprobes.c: the hit path from the breakpoint
// trap through the lookup of the VMA and of the uprobe in the global tree to the
// consumers and back to user space, by emulation or by a single step out of line;
// return probes; and registration, which writes the breakpoints. The parts that
// changed from version to version, or that were argued about, are Choices; the
// versions are Eras, bundles of them.
//
// References to sections are to uprobes.md unless another sheet is named.
package uprobes
