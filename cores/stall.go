package cores

import (
	"fmt"
	"strings"

	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// StallError stops a run that makes no progress: every task sleeps or spins on
// something nobody will change (deadlock), or operations go on for ever
// (livelock).
type StallError struct {
	What    string
	At      sim.Time
	Threads []ThreadState
	Locks   []lockstat.LockState // those somebody waits for
	// LockOrder is what the lock-order check found until then.
	LockOrder []lockstat.OrderReport
}

// ThreadState says what a thread was doing when a run was stopped.
type ThreadState struct {
	Name    string
	CPU     int
	Path    string
	Step    string
	Waiting string   // "sleeping: rwsem", "spinning on mm_struct.mmap_lock.count", "running", ...
	Since   sim.Time // start of its operation in progress, or of its sleep
	// Holds are the locks that the thread holds, in the order in which it took
	// them; Awaits those it waits for, outermost first.
	Holds, Awaits []lockstat.Hold
}

// Error lists all threads, one a line, then the locks that are waited for and
// the orders of locks that may have led there.
func (s *StallError) Error() string {
	var b strings.Builder
	b.WriteString(s.What)
	for _, t := range s.Threads {
		fmt.Fprintf(&b, "\n  %s on CPU %d: path %s, step %s, %s (since %v)%s", t.Name, t.CPU, t.Path, t.Step, t.Waiting, t.Since,
			lockstat.Describe(t.Holds, t.Awaits))
	}
	for _, l := range s.Locks {
		b.WriteString("\n  lock " + l.String())
	}
	for _, o := range s.LockOrder {
		b.WriteString("\n  " + o.String())
	}
	return b.String()
}

// watchdog checks that operations finish.
func (e *engine) watchdog(now sim.Time) error {
	alive, thinking := false, false
	for _, tk := range e.tasks {
		h := tk.hw
		alive = alive || !tk.done
		thinking = thinking || h.state == computing && h.delayCat == Think
		if h.inOp && now-h.opStart > e.opt.TaskStall {
			return e.stall(now, fmt.Sprintf("%s has been in one operation for more than %v of simulated time", e.prog.Threads[tk.result.Thread].Name, e.opt.TaskStall))
		}
	}
	if alive && !thinking && now-e.lastProgress > e.opt.NoProgress {
		return e.stall(now, fmt.Sprintf("no thread finished an operation for %v of simulated time", e.opt.NoProgress))
	}
	if alive && e.deadlocked() {
		return e.stall(now, "deadlock: every thread waits and nothing is on its way that could wake one")
	}
	e.q.Push(now+e.watchdogPeriod(), evWatchdog, 0, 0)
	return nil
}

// watchdogPeriod is how often the watchdog looks: several times in the
// shortest run.
func (e *engine) watchdogPeriod() sim.Time {
	return max(1, min(e.opt.NoProgress/2, e.opt.TaskStall/2, e.end/32))
}

// deadlocked reports whether no thread can ever go on: nothing but timers is
// pending, and no thread sleeps for what timers do. (The watchdog's own event
// has been taken off the queue.)
func (e *engine) deadlocked() bool {
	return e.in.Len() == 0 && e.runs.Len() == 0 && e.q.Len() == e.timers && !e.ticksHelp()
}

func (e *engine) ticksHelp() bool {
	for _, tk := range e.tasks {
		if tk.hw.state == parked && tk.why.ByTick() {
			return true
		}
	}
	return false
}

func (e *engine) stall(now sim.Time, what string) error {
	return e.stopped(fmt.Sprintf("stalled at %v: %s", now, what), now)
}

func (e *engine) stopped(what string, at sim.Time) error {
	return &StallError{What: what, At: at, Threads: e.threadStates(),
		Locks: e.locks.Contended(), LockOrder: e.locks.Orders()}
}

func (e *engine) threadStates() []ThreadState {
	var out []ThreadState
	for i, tk := range e.tasks {
		h := tk.hw
		s := ThreadState{Name: e.prog.Threads[i].Name, CPU: h.cpu, Path: e.prog.Threads[i].Path, Step: h.step.String(),
			Since: h.opStart, Waiting: h.waiting(), Holds: e.locks.HeldBy(h.base.cpu.Slot), Awaits: e.locks.AwaitedBy(h.base.cpu.Slot)}
		if h.state == parked {
			s.Since = tk.since
		}
		out = append(out, s)
	}
	return out
}

func (h *hw) waiting() string {
	switch h.state {
	case parked:
		return "sleeping: " + h.task.why.String()
	case spinning:
		var on []string
		for i := range h.spinOn.Conds {
			on = append(on, h.e.symbol(h.spinOn.Conds[i].Ref.A))
		}
		return "spinning on " + strings.Join(on, ", ")
	case missing:
		return "waiting for the line of " + h.e.symbol(sim.Addr(h.missLine)<<h.e.lineShift)
	case starved:
		return "waiting for a miss buffer"
	case full, draining:
		return "waiting for the store buffer"
	case computing:
		if h.delayCat == Think {
			return "thinking"
		}
	case finished:
		return "returned"
	}
	return "running"
}

func (e *engine) symbol(a sim.Addr) string {
	if e.prog.Syms == nil {
		return fmt.Sprintf("%#x", uint64(a))
	}
	return e.prog.Syms.Lookup(a).String()
}
