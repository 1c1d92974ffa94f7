package mm

import "mmsim/sim"

// What checks can take out of the designs, to see what it is good for
// (uprobes.md section 5.3, vma-locking-and-fork.md section 2).
var (
	breakReaderRMB = sim.NewBreak("mm-seqcount.reader-rmb", "smp_rmb before the second look at mm_lock_seq")
	breakRecheck   = sim.NewBreak("mm-seqcount.recheck", "the second look at mm_lock_seq")
	breakAcquire   = sim.NewBreak("mm-seqcount.acquire", "acquire of the first look at mm_lock_seq")
	breakBeginOdd  = sim.NewBreak("mm-seqcount.begin-odd", "the odd number while mmap_lock is held for writing (before 6.14)")
	breakBeginWMB  = sim.NewBreak("mm-seqcount.begin-wmb", "smp_wmb behind the odd number")
	breakEndWMB    = sim.NewBreak("mm-seqcount.end-wmb", "smp_wmb before the even number")

	breakStampWMB     = sim.NewBreak("vma-seqcount.stamp-wmb", "smp_wmb behind the VMA's stamp: up_write's release alone is left")
	breakLoadOrder    = sim.NewBreak("vma-seqcount.load-order", "the order of the first looks: mm_lock_seq is read before the VMA's stamp")
	breakVMAReaderRMB = sim.NewBreak("vma-seqcount.reader-rmb", "smp_rmb before the second look at the VMA")
	breakVMARecheck   = sim.NewBreak("vma-seqcount.recheck", "the second look at the VMA")
	breakOwnBeginWMB  = sim.NewBreak("vma-seqcount-own.begin-wmb", "smp_wmb behind the VMA's odd number")
	breakOwnEndWMB    = sim.NewBreak("vma-seqcount-own.end-wmb", "smp_wmb before the VMAs' even numbers")

	breakStampCheck = sim.NewBreak("vma.stamp-check", "the look at the VMA's stamp behind the read lock")
	breakDetached   = sim.NewBreak("vma.detached-check", "the look at vma->detached")
	breakMMCheck    = sim.NewBreak("vma.mm-check", "the look at vma->vm_mm of a type-stable VMA")
	breakSeqReset   = sim.NewBreak("vma.seq-reset-on-free", "that the stamp of a VMA stays when it is freed: it is reset to never locked")
	breakFreeRCU    = sim.NewBreak("vma.free-rcu", "the grace period before a VMA is freed")
)
