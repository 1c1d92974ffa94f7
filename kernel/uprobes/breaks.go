package uprobes

import "mmsim/sim"

// What checks can take out of the hit path and the life of a uprobe (uprobes.md
// sections 6.4, 10 and 11).
var (
	breakRIPool    = sim.NewBreak("ri-pool.seqcount", "the look at ri_seqcount before a return instance is reused")
	breakSync      = sim.NewBreak("unregister.sync", "uprobe_unregister_sync: the consumer is freed at once")
	breakFreeGrace = sim.NewBreak("uprobe.free-grace", "the grace periods before a uprobe is freed")
	breakCopyWMB   = sim.NewBreak("copy-insn.wmb", "smp_wmb between the copy of the instruction and UPROBE_COPY_INSN")
	breakCopyRMB   = sim.NewBreak("copy-insn.rmb", "smp_rmb between UPROBE_COPY_INSN and the use of the copy")
)
