// Package uprobes is the hit path of kernel/events/uprobes.c: from the
// breakpoint trap through the lookup of the VMA, by design, and of the uprobe
// in the global tree, to the consumers and back to user space. Tree and
// lifetime side are those of 6.13: a lockless tree and Tasks-Trace RCU, no
// reference count (uprobes.md sections 1, 4 and 5).
//
// References to sections are to uprobes.md unless another sheet is named.
package uprobes
