// Package wait is how kernel code sleeps until something happens
// (locks-and-barriers.md section 12): wait queues with exclusive entries and
// wake functions (kernel/sched/wait.c), simple wait queues and completions
// (swait.c, completion.c), semaphores (locking/semaphore.c), rcuwait
// (rcuwait.h), and the hashed queues that tasks wait in for a bit of a page
// (mm/filemap.c, gup-pinning.md sections 1.4 and 4).
//
// Queue heads, entries and counts are in simulated memory; entries lie on the
// sleeping task's stack, one of each kind for each task, since a task waits in
// one queue of a kind at a time. Signals do not end a wait.
package wait
