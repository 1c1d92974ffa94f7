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
		alive = alive || !tk.done
		thinking = thinking || tk.thinks()
		if tk.inOp && now-tk.opStart > e.opt.TaskStall {
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

// deadlocked reports whether no thread can ever go on: nothing but ticks is
// pending, and no thread waits for what ticks bring about. (The watchdog's own
// event has been taken off the queue.)
func (e *engine) deadlocked() bool {
	if e.in.Len() > 0 || e.runs.Len() > 0 || e.q.Len() > e.ticks {
		return false
	}
	return e.ticks == 0 || !e.ticksHelp()
}

// ticksHelp reports whether a task waits for a CPU, or sleeps for what comes with
// a tick.
func (e *engine) ticksHelp() bool {
	for _, tk := range e.tasks {
		if tk.waits() && !tk.done && (tk.why == sim.Runnable || tk.why.ByTick()) {
			return true
		}
	}
	return false
}

// thinks reports whether the task is on a CPU in user mode.
func (t *task) thinks() bool {
	return !t.waits() && t.hw.ctx == t.strand && t.hw.state == computing && t.hw.delayCat == Think
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
		s := ThreadState{Name: e.prog.Threads[i].Name, CPU: tk.hw.cpu, Path: e.prog.Threads[i].Path, Step: tk.step().String(),
			Since: tk.opStart, Waiting: tk.waiting(),
			Holds: e.locks.HeldBy(tk.strand.cpu.Slot), Awaits: e.locks.AwaitedBy(tk.strand.cpu.Slot)}
		if tk.waits() {
			s.Since = tk.since
		}
		out = append(out, s)
	}
	return out
}

// step is the step that the task is in, also while it is interrupted.
func (t *task) step() sim.Step {
	if !t.waits() && t.hw.ctx == t.strand {
		return t.hw.step
	}
	return t.strand.step
}

func (t *task) waiting() string {
	switch {
	case t.done:
		return "returned"
	case !t.waits():
		return t.hw.waiting()
	case t.why == sim.Runnable:
		return "waiting for a CPU"
	}
	return "sleeping: " + t.why.String()
}

func (h *hw) waiting() string {
	switch h.state {
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
	case syncing:
		return "waiting for a TLB invalidation"
	case full, draining:
		return "waiting for the store buffer"
	case computing:
		if h.delayCat == Think {
			return "thinking"
		}
	}
	return "running"
}

func (e *engine) symbol(a sim.Addr) string {
	if e.prog.Syms == nil {
		return fmt.Sprintf("%#x", uint64(a))
	}
	return e.prog.Syms.Lookup(a).String()
}
