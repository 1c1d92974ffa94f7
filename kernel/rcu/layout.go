package rcu

import (
	"mmsim/kernel/rcu/segcblist"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// Offsets follow the order of the members in kernel/rcu/tree.h; exact values
// differ between builds.
var (
	// stateLayout is the part of rcu_state that CPUs share.
	stateLayout = func() *sim.Layout {
		fs := []sim.Field{
			sim.F("gp_seq", 0, 8),
			sim.F("jiffies_force_qs", 40, 8), // here in simulated time
			sim.F("barrier_cpu_count", 88, 4),
			sim.F("barrier_sequence", 128, 8),
			sim.F("barrier_lock", 136, 4),
			sim.F("expedited_sequence", 240, 8),
		}
		fs = append(fs, wait.SemaphoreMembers("barrier_mutex.", offBarrierMutex)...)
		fs = append(fs, wait.CompletionMembers("barrier_completion.", offBarrierCompletion)...)
		fs = append(fs, wait.SemaphoreMembers("exp_mutex.", offExpMutex)...)
		fs = append(fs, wait.SemaphoreMembers("exp_wake_mutex.", offExpWakeMutex)...)
		fs = append(fs, wait.SimpleHeadMembers("expedited_wq.", offExpeditedWQ)...)
		return sim.NewLayout("rcu_state", 320, 64, fs...)
	}()
	stateGPSeq           = stateLayout.Field("gp_seq")
	stateForceQS         = stateLayout.Field("jiffies_force_qs")
	stateBarrierCPUCount = stateLayout.Field("barrier_cpu_count")
	stateBarrierSeq      = stateLayout.Field("barrier_sequence")
	stateBarrierLock     = stateLayout.Field("barrier_lock")
	stateExpSeq          = stateLayout.Field("expedited_sequence")

	nodeLayout = func() *sim.Layout {
		fs := []sim.Field{
			sim.F("lock", 0, 4),
			sim.F("gp_seq", 8, 8),
			sim.F("gp_seq_needed", 16, 8),
			sim.F("qsmask", 32, 8),
			sim.F("qsmaskinit", 48, 8),
			sim.F("expmask", 64, 8),
			sim.F("expmaskinit", 72, 8),
			sim.F("grpmask", 88, 8),
			sim.F("parent", 112, 8),
			sim.F("exp_lock", 128, 4),
			sim.F("exp_seq_rq", 136, 8),
		}
		for i, name := range []string{"exp_wq[0].", "exp_wq[1].", "exp_wq[2].", "exp_wq[3]."} {
			fs = append(fs, wait.HeadMembers(name, uint32(offExpWQ+i*wait.HeadBytes))...)
		}
		return sim.NewLayout("rcu_node", 256, 64, fs...)
	}()
	nodeLock        = nodeLayout.Field("lock")
	nodeGPSeq       = nodeLayout.Field("gp_seq")
	nodeNeeded      = nodeLayout.Field("gp_seq_needed")
	nodeQSMask      = nodeLayout.Field("qsmask")
	nodeQSMaskInit  = nodeLayout.Field("qsmaskinit")
	nodeExpMask     = nodeLayout.Field("expmask")
	nodeExpMaskInit = nodeLayout.Field("expmaskinit")
	nodeGrpMask     = nodeLayout.Field("grpmask")
	nodeParent      = nodeLayout.Field("parent")
	nodeExpLock     = nodeLayout.Field("exp_lock")
	nodeExpSeqRq    = nodeLayout.Field("exp_seq_rq")

	// dataLayout is rcu_data, one per CPU.
	dataLayout = sim.NewLayout("rcu_data", 256, 64, append(segcblist.Members("cblist.", offCBList),
		sim.F("gp_seq", 0, 8),
		sim.F("gp_seq_needed", 8, 8),
		sim.F("cpu_no_qs.b.norm", 16, 1),
		sim.F("cpu_no_qs.b.exp", 17, 1),
		sim.F("core_needs_qs", 18, 1),
		sim.F("mynode", 24, 8),
		sim.F("grpmask", 32, 8),
		sim.F("qlen_last_fqs_check", 176, 8),
		sim.F("blimit", 184, 8),
		sim.F("barrier_seq_snap", 192, 8),
		sim.Arr("barrier_head", offBarrierHead, 8, 2),
		sim.F("rcu_cpu_has_work", 224, 1),
		sim.F("trc_ipi_to_cpu", 225, 1),
	)...)
	dataGPSeq     = dataLayout.Field("gp_seq")
	dataNeeded    = dataLayout.Field("gp_seq_needed")
	dataNoQSNorm  = dataLayout.Field("cpu_no_qs.b.norm")
	dataNoQSExp   = dataLayout.Field("cpu_no_qs.b.exp")
	dataNeedsQS   = dataLayout.Field("core_needs_qs")
	dataNode      = dataLayout.Field("mynode")
	dataGrpMask   = dataLayout.Field("grpmask")
	dataLastCheck = dataLayout.Field("qlen_last_fqs_check")
	dataBLimit    = dataLayout.Field("blimit")
	dataBarrier   = dataLayout.Field("barrier_seq_snap")
	dataHasWork   = dataLayout.Field("rcu_cpu_has_work")
	dataTrcIPI    = dataLayout.Field("trc_ipi_to_cpu")

	// syncLayout is struct rcu_synchronize, on the stack of a task that waits
	// for a grace period.
	syncLayout = sim.NewLayout("rcu_synchronize", 64, 64,
		append(wait.CompletionMembers("completion.", offSyncCompletion), sim.Arr("head", 0, 8, 2))...)
)

// Offsets of members that are structs.
const (
	offBarrierMutex      = 64
	offBarrierCompletion = 96
	offExpMutex          = 192
	offExpWakeMutex      = 216
	offExpeditedWQ       = 256

	offExpWQ = 144

	offCBList      = 64
	offBarrierHead = 200

	offSyncCompletion = 16
)

// HeadBytes is the size of an rcu_head {next, func}, which lies in the object
// that call_rcu frees.
const HeadBytes = segcblist.HeadBytes

func cbsOf(d sim.Ptr) segcblist.List { return segcblist.At(d.Add(offCBList)) }
