package sched_test

import (
	"slices"
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/sched"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// sequences runs a sleeper on CPU 0 that a task on CPU 1 wakes, one at a time,
// and lists the operations of each (section 12).
func sequences(t *testing.T, cfg kernel.Config) (out, wake []string) {
	t.Helper()
	cfg.CPUs, cfg.TaskCPU, cfg.TickPeriod = 2, []int{0, 1}, sim.Microsecond
	mem, syms := sim.NewMemory(), &sim.Symbols{}
	b := kernel.NewBase(mem, syms, cfg)
	waking := false
	m := simtest.New(mem, simtest.Options{Trace: func(o simtest.Op) {
		s := o.Kind
		if o.Order != sim.Relaxed {
			s += "." + o.Order.String()
		}
		if o.Ref.A != 0 {
			s += " " + syms.Lookup(o.Ref.A).Field
		}
		switch {
		case o.Task == 0 && !waking:
			out = append(out, s)
		case o.Task == 1 && waking && !o.IRQ:
			wake = append(wake, s)
		}
	}})
	hooks := b.Hooks()
	hooks.Boot = nil // no ticks
	m.Kernel(hooks)
	m.Go("sleeper", 0, func(c *sim.CPU) {
		b.Sched.SetCurrentState(c, sched.Uninterruptible)
		b.Sched.Schedule(c, waitTest)
	})
	m.Go("waker", 1, func(c *sim.CPU) {
		c.Think(10 * sim.Microsecond)
		waking = true
		b.Sched.WakeUp(c, b.Sched.Task(0))
		waking = false
		c.Think(20 * sim.Microsecond)
	})
	simtest.Run(t, m)
	return out[:slices.Index(out, "sleep")+1], wake
}

const (
	wakeBegin = "add.this_cpu preempt_count; add.this_cpu preempt_count; cmpxchg.acquire pi_lock; smp_mb__after_spinlock; load __state; " +
		"smp_rmb; load on_rq; smp_acquire__after_ctrl_dep; store __state; load thread_info.cpu; load.acquire on_cpu; " +
		"spin.acquire on_cpu; load thread_info.cpu; "
	wakeEnd   = "store.release pi_lock; add.this_cpu preempt_count; add.this_cpu preempt_count"
	wakeQueue = "load nr_running; store ttwu_pending; load wake_list; store wake_entry.llist; cmpxchg.full wake_list; load thread_info.flags; "
)

// The sequences of section 12: schedule out to the idle task, and try_to_wake_up
// by the waker itself, through the wake list, and of a CPU that polls.
func TestSleepAndWakeUpSequences(t *testing.T) {
	out, direct := sequences(t, kernel.Config{NoTTWUQueue: true})
	_, queued := sequences(t, kernel.Config{})
	_, polled := sequences(t, kernel.Config{Idle: sched.Poll})
	for _, tc := range []struct {
		name string
		got  []string
		want string
	}{
		{"schedule", out, "xchg.full __state; add.this_cpu preempt_count; " +
			"load cpu_no_qs.b.norm; load cpu_no_qs.b.exp; load trc_reader_nesting; load trc_reader_special; " + // rcu_note_context_switch
			"add.this_cpu preempt_count; cmpxchg.acquire __lock; smp_mb__after_spinlock; load __state; store on_rq; " +
			"load nr_running; store nr_running; load idle; load rt.queue[0]; and thread_info.flags; or.this_cpu preempt_count; " +
			"store curr; store on_cpu; sleep"},
		{"direct", direct, wakeBegin + "add.this_cpu preempt_count; cmpxchg.acquire __lock; " +
			"load rt.queue[1]; store rt.queue[1]; store rt.run_list[0]; store rt.run_list[1]; store rt.queue[0]; " + // list_add_tail
			"store on_rq; load nr_running; store nr_running; load curr; load idle; " +
			"load curr; load thread_info.flags; or.full thread_info.flags; ipi; " + // resched_curr
			"store __state; store.release __lock; add.this_cpu preempt_count; " + wakeEnd},
		{"queued", queued, wakeBegin + wakeQueue + "ipi; " + wakeEnd},
		{"polled", polled, wakeBegin + wakeQueue + "cmpxchg thread_info.flags; " + wakeEnd},
	} {
		if got := strings.Join(tc.got, "; "); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}
