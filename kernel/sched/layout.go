package sched

import (
	"mmsim/kernel/list"
	"mmsim/sim"
)

// TaskLayout is task_struct as of 6.19: __state, on_cpu, the tasks-trace
// nesting and wake_q lie where the fact sheet measured them
// (locks-and-barriers.md section 1), pi_lock directly before wake_q as the
// source declares it; the thread_info words open the struct. Offsets of the
// others differ between builds; these are one plausible choice.
// schedule_timeout.timer stands for the timer_list on the sleeper's stack.
var TaskLayout = sim.NewLayout("task_struct", 3392, 64,
	sim.F("thread_info.flags", 0, 8),
	sim.F("thread_info.cpu", 20, 4),
	sim.F("__state", 24, 4),
	sim.F("usage", 40, 4),
	sim.F("on_cpu", 52, 4),
	sim.F("wake_entry.llist", 56, 8),
	sim.F("on_rq", 104, 4),
	sim.F("se.exec_start", 256, 8),
	list.Field("rt.run_list", 448),
	sim.F("trc_reader_nesting", 1168, 4),
	sim.F("trc_ipi_to_cpu", 1172, 4), // plus 1, so that 0 is none
	sim.F("trc_reader_special", 1176, 4),
	sim.Arr("trc_holdout_list", 1184, 8, 2),
	sim.Arr("trc_blkd_node", 1200, 8, 2),
	sim.F("trc_blkd_cpu", 1216, 4),
	sim.F("mm", 1312, 8),
	sim.F("pi_lock", 2228, 4),
	sim.F("wake_q.next", 2232, 8),
	sim.F("schedule_timeout.timer", 2560, 8),
	sim.F("utask", 2920, 8),
)

// Field handles of TaskLayout, for code that works on tasks.
var (
	TaskFlags      = TaskLayout.Field("thread_info.flags")
	TaskTrcNesting = TaskLayout.Field("trc_reader_nesting")
	TaskTrcSpecial = TaskLayout.Field("trc_reader_special")
	TaskTrcIPI     = TaskLayout.Field("trc_ipi_to_cpu")
	TaskTrcHoldout = TaskLayout.Field("trc_holdout_list")
	TaskTrcBlkd    = TaskLayout.Field("trc_blkd_node")
	TaskTrcBlkdCPU = TaskLayout.Field("trc_blkd_cpu")
	TaskMM         = TaskLayout.Field("mm")
	TaskUtask      = TaskLayout.Field("utask")

	taskCPU     = TaskLayout.Field("thread_info.cpu")
	taskState   = TaskLayout.Field("__state")
	taskUsage   = TaskLayout.Field("usage")
	taskOnCPU   = TaskLayout.Field("on_cpu")
	taskWake    = TaskLayout.Field("wake_entry.llist")
	taskOnRQ    = TaskLayout.Field("on_rq")
	taskStart   = TaskLayout.Field("se.exec_start")
	taskRunList = TaskLayout.Field("rt.run_list")
	taskPI      = TaskLayout.Field("pi_lock")
	taskWakeQ   = TaskLayout.Field("wake_q.next")
	taskTimer   = TaskLayout.Field("schedule_timeout.timer")
)

// State is a task's __state.
type State uint64

// Task states, with the kernel's values.
const (
	Running         State = 0
	Interruptible   State = 1
	Uninterruptible State = 2
	Dead            State = 0x80
	Waking          State = 0x200
	// Normal is the mask of the states that wake_up_process ends.
	Normal = Interruptible | Uninterruptible
)

// Bits of thread_info.flags (x86).
const (
	tifNeedResched = 3
	tifPolling     = 21 // TIF_POLLING_NRFLAG: the idle task looks at its flags by itself
)

// rqLayout is the run queue of one CPU: its lock and load in one line, what
// runs and what waits there in another, and in a third the tasks that other
// CPUs woke for this one to enqueue.
var rqLayout = sim.NewLayout("rq", 192, 64,
	sim.F("__lock", 0, 4),
	sim.F("nr_running", 4, 4),
	sim.F("ttwu_pending", 8, 4),
	sim.F("curr", 64, 8),
	sim.F("idle", 72, 8),
	list.Field("rt.queue", 80),
	sim.F("wake_list", 128, 8),
)

var (
	rqLock        = rqLayout.Field("__lock")
	rqNrRunning   = rqLayout.Field("nr_running")
	rqWakePending = rqLayout.Field("ttwu_pending")
	rqCurr        = rqLayout.Field("curr")
	rqIdle        = rqLayout.Field("idle")
	rqQueue       = rqLayout.Field("rt.queue")
	rqWakeList    = rqLayout.Field("wake_list")
)

// rdLayout is the root_domain: whether any CPU has more than one task.
var (
	rdLayout   = sim.NewLayout("root_domain", 64, 64, sim.F("overloaded", 8, 4))
	rdOverload = rdLayout.Field("overloaded")
)

// tickLayout is a CPU's own line of the idle and tick code: the
// context-tracking counter that RCU reads from elsewhere (odd: RCU watches this
// CPU, even: the CPU is idle), whether the tick is stopped, and when it is due.
var tickLayout = sim.NewLayout("tick_sched", 64, 64,
	sim.F("context_tracking.state", 16, 4),
	sim.F("tick_stopped", 20, 4),
	sim.F("sched_timer.expires", 24, 8),
)

var (
	tickContext = tickLayout.Field("context_tracking.state")
	tickStopped = tickLayout.Field("tick_stopped")
	tickExpires = tickLayout.Field("sched_timer.expires")
)
