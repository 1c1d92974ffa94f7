package sched

import "mmsim/sim"

const (
	// WakeKill is TASK_WAKEKILL: a fatal signal ends the sleep.
	WakeKill State = 0x100
	// Killable is TASK_KILLABLE.
	Killable = WakeKill | Uninterruptible
)

// tifSigPending is the bit of TIF_SIGPENDING in thread_info.flags (x86).
const tifSigPending = 2

// Kill sends SIGKILL: the task learns of it at its next look at its flags, and
// a sleep that such a signal may end does. There are no other signals, handlers
// or exits; what to do with the signal is the task's code's business.
func (s *Scheduler) Kill(c *sim.CPU, p sim.Ptr) {
	c.SetBit(p.F(TaskFlags), tifSigPending)
	s.wakeUpState(c, p, WakeKill|Interruptible) // signal_wake_up
}

// SignalPendingState is signal_pending_state of the current task: whether a
// signal keeps it from sleeping in the given state.
func (s *Scheduler) SignalPendingState(c *sim.CPU, st State) bool {
	if st&(WakeKill|Interruptible) == 0 {
		return false
	}
	return c.Load(s.Current(c).F(TaskFlags))>>tifSigPending&1 != 0
}
