package uprobes

import "mmsim/sim"

// What checks can take out of the hit path (uprobes.md section 6.4).
var breakRIPool = sim.NewBreak("ri-pool.seqcount", "the look at ri_seqcount before a return instance is reused")
