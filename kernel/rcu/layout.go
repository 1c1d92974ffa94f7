package rcu

import "mmsim/sim"

// Offsets follow the order of the members in kernel/rcu/tree.h and
// rcu_segcblist.h; exact values differ between builds.
var (
	// stateLayout is the part of rcu_state that CPUs share.
	stateLayout = sim.NewLayout("rcu_state", 64, 64,
		sim.F("gp_seq", 0, 8),
		sim.F("jiffies_force_qs", 40, 8), // here in simulated time
	)
	stateGPSeq   = stateLayout.Field("gp_seq")
	stateForceQS = stateLayout.Field("jiffies_force_qs")

	nodeLayout = sim.NewLayout("rcu_node", 128, 64,
		sim.F("lock", 0, 4),
		sim.F("gp_seq", 8, 8),
		sim.F("gp_seq_needed", 16, 8),
		sim.F("qsmask", 32, 8),
		sim.F("qsmaskinit", 48, 8),
		sim.F("grpmask", 88, 8),
		sim.F("parent", 112, 8),
	)
	nodeLock       = nodeLayout.Field("lock")
	nodeGPSeq      = nodeLayout.Field("gp_seq")
	nodeNeeded     = nodeLayout.Field("gp_seq_needed")
	nodeQSMask     = nodeLayout.Field("qsmask")
	nodeQSMaskInit = nodeLayout.Field("qsmaskinit")
	nodeGrpMask    = nodeLayout.Field("grpmask")
	nodeParent     = nodeLayout.Field("parent")

	// dataLayout is rcu_data, one per CPU. The callback list is one chain cut
	// in three by its tails: done, waiting for cblist.gp_seq, and next.
	dataLayout = sim.NewLayout("rcu_data", 128, 64,
		sim.F("gp_seq", 0, 8),
		sim.F("core_needs_qs", 17, 1),
		sim.F("mynode", 24, 8),
		sim.F("grpmask", 32, 8),
		sim.F("cblist.head", 64, 8),
		sim.Arr("cblist.tails", 72, 8, 3),
		sim.F("cblist.gp_seq", 104, 8),
	)
	dataGPSeq   = dataLayout.Field("gp_seq")
	dataNeedsQS = dataLayout.Field("core_needs_qs")
	dataNode    = dataLayout.Field("mynode")
	dataGrpMask = dataLayout.Field("grpmask")
	cbHead      = dataLayout.Field("cblist.head")
	cbTails     = dataLayout.Field("cblist.tails")
	cbGPSeq     = dataLayout.Field("cblist.gp_seq")
)

// HeadBytes is the size of an rcu_head {next, func}, which lies in the object
// that call_rcu frees.
const HeadBytes = 16

func headNext(h sim.Ptr) sim.Ref { return h.Ref(0, 8) }
func headFunc(h sim.Ptr) sim.Ref { return h.Ref(8, 8) }
