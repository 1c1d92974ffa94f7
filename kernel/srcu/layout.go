package srcu

import (
	"mmsim/kernel/rcu/segcblist"
	"mmsim/sim"
)

// The structs as locks-and-barriers.md section 1 gives them; the members of
// srcu_usage follow srcutree.h, exact offsets differ between builds.
var (
	structLayout = sim.NewLayout("srcu_struct", 32, 64,
		sim.F("srcu_ctrp", 0, 8),
		sim.F("sda", 8, 8),
		sim.F("srcu_reader_flavor", 16, 1),
		sim.F("srcu_sup", 24, 8),
	)
	structCtrp   = structLayout.Field("srcu_ctrp")
	structSDA    = structLayout.Field("sda")
	structFlavor = structLayout.Field("srcu_reader_flavor")
	structSup    = structLayout.Field("srcu_sup")

	dataLayout = sim.NewLayout("srcu_data", 384, 64, append(segcblist.Members("srcu_cblist.", offCBList),
		sim.F("srcu_ctrs[0].srcu_locks", offLocks, 8),
		sim.F("srcu_ctrs[0].srcu_unlocks", offUnlocks, 8),
		sim.F("srcu_ctrs[1].srcu_locks", ctrBytes+offLocks, 8),
		sim.F("srcu_ctrs[1].srcu_unlocks", ctrBytes+offUnlocks, 8),
		sim.F("lock", 64, 4),
		sim.F("srcu_gp_seq_needed", 184, 8),
		sim.F("srcu_gp_seq_needed_exp", 192, 8),
		sim.F("srcu_cblist_invoking", 200, 1),
	)...)
	dataLock      = dataLayout.Field("lock")
	dataNeeded    = dataLayout.Field("srcu_gp_seq_needed")
	dataNeededExp = dataLayout.Field("srcu_gp_seq_needed_exp")
	dataInvoking  = dataLayout.Field("srcu_cblist_invoking")

	// supLayout is srcu_usage, the update side. work.data has the state of the
	// work item, and what starts with "stack." is on the worker's stack.
	supLayout = sim.NewLayout("srcu_usage", 192, 64,
		sim.F("lock", 0, 4),
		sim.F("srcu_gp_seq", 8, 8),
		sim.F("srcu_gp_seq_needed", 16, 8),
		sim.F("srcu_gp_seq_needed_exp", 24, 8),
		sim.F("srcu_gp_start", 32, 8),
		sim.F("srcu_last_gp_end", 40, 8),
		sim.F("reschedule_jiffies", 48, 8),
		sim.F("reschedule_count", 56, 8),
		sim.F("srcu_n_exp_nodelay", 64, 8),
		sim.F("work.data", 72, 8),
		sim.F("stack.unlocks", 128, 8),
		sim.F("stack.trycount", 136, 8),
		sim.Arr("stack.rcu", offStackHead, 8, 2),
	)
	supLock         = supLayout.Field("lock")
	supGPSeq        = supLayout.Field("srcu_gp_seq")
	supNeeded       = supLayout.Field("srcu_gp_seq_needed")
	supNeededExp    = supLayout.Field("srcu_gp_seq_needed_exp")
	supGPStart      = supLayout.Field("srcu_gp_start")
	supLastGPEnd    = supLayout.Field("srcu_last_gp_end")
	supReschedTime  = supLayout.Field("reschedule_jiffies")
	supReschedCount = supLayout.Field("reschedule_count")
	supExpNoDelay   = supLayout.Field("srcu_n_exp_nodelay")
	supWork         = supLayout.Field("work.data")
	supUnlocks      = supLayout.Field("stack.unlocks")
	supTryCount     = supLayout.Field("stack.trycount")
)

// Offsets of array elements and of members that are structs.
const (
	ctrBytes     = 16 // struct srcu_ctr
	offLocks     = 0
	offUnlocks   = 8
	offCBList    = 72
	offStackHead = 144
)

func cbsOf(d sim.Ptr) segcblist.List { return segcblist.At(d.Add(offCBList)) }
