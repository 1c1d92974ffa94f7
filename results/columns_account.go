package results

import (
	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
)

var categoryDocs = [cores.NumCategories]string{
	cores.Compute:     "executing instructions, memory not waited for",
	cores.L1:          "L1D hits",
	cores.L2:          "L2 hits",
	cores.LLC:         "waiting for the last-level cache of the own domain",
	cores.MemLocal:    "waiting for the memory of the own socket",
	cores.MemRemote:   "waiting for the memory or LLC of another socket",
	cores.CacheDomain: "waiting for a core of the same domain (cluster or socket that shares an LLC)",
	cores.CacheSocket: "waiting for a core or LLC of another domain of the socket",
	cores.CacheRemote: "waiting for a core of another socket",
	cores.FenceStall:  "waiting for the store buffer or for earlier accesses because of an order",
	cores.StoreStall:  "waiting for room in the store buffer",
	cores.Atomic:      "executing atomics and fences, beyond what they wait for",
	cores.LockSpin:    "spin-waits, misses inside them included",
	cores.Interrupt:   "interrupt entry, handlers and exit, whatever happens inside",
	cores.Switch:      "context switches and idle exits",
	cores.Think:       "user-mode think time and waiting for the next arrival",
	cores.Idle:        "nothing to run: the thread sleeps",
}

// categoryColumns are the report group's cycles by category: with Think and
// Idle they sum to CPUs x simulated time, up to rounding to cycles.
func categoryColumns() []Column {
	var out []Column
	for k := range cores.NumCategories {
		name := k.String()
		out = append(out, Column{Name: name + "_cycles", Unit: Cycles,
			Doc:     "Cycles of the group's CPUs: " + categoryDocs[k] + ".",
			Applies: machineHas(name),
			Value:   ofGroup(func(r *Record, g *Group) Value { return lookup(g.Cycles, name) })})
	}
	for d := coherence.SameDomain; d < coherence.NumDistances; d++ {
		name := d.String()
		out = append(out, Column{Name: "spin_miss_" + name + "_cycles", Unit: Cycles,
			Doc:     "The part of `lock_spin_cycles` in misses that were served at this distance: " + words(name) + ".",
			Applies: "machines with CPUs at this distance",
			Value:   ofGroup(func(r *Record, g *Group) Value { return lookup(g.SpinWait, name) })})
	}
	return append(out, Column{Name: "cycles_by_step", Doc: "Cycles of the group's CPUs by step of the path, `step=cycles;step=cycles`; `user` is the time outside the path.",
		Value: ofGroup(func(r *Record, g *Group) Value { return packed(g.StepCycles) })})
}

func machineHas(category string) string {
	switch category {
	case "llc", "mem_remote", "cache_domain", "cache_socket", "cache_remote":
		return "machines that have such a place"
	}
	return ""
}

// runnable is the reason of threads that wait for a CPU alone.
var runnable = sim.Runnable.String()

// asleep sums an account of sleeping threads without those that only wait for
// a CPU.
func asleep(c Counts) int64 { return sum(c) - c[runnable] }

var taskColumns = []Column{
	{Name: "running_ns", Unit: Nanoseconds, Decimals: 3, Doc: "The group's threads on a CPU, interrupts excluded. With `interrupted_ns`, `sleeping_ns` and `runnable_ns` it sums to threads x simulated time.",
		Value: ofGroup(func(r *Record, g *Group) Value { return nanoseconds(g.Running) })},
	{Name: "interrupted_ns", Unit: Nanoseconds, Decimals: 3, Doc: "The group's threads interrupted on their CPU.",
		Value: ofGroup(func(r *Record, g *Group) Value { return nanoseconds(g.Interrupted) })},
	{Name: "sleeping_ns", Unit: Nanoseconds, Decimals: 3, Doc: "The group's threads asleep on locks, until they are woken.",
		Value: ofGroup(func(r *Record, g *Group) Value { return nanoseconds(sim.Time(asleep(g.Sleeping))) })},
	{Name: "runnable_ns", Unit: Nanoseconds, Decimals: 3, Doc: "The group's threads waiting for nothing but a CPU: preempted, or woken and not yet running.",
		Value: ofGroup(func(r *Record, g *Group) Value { return nanoseconds(sim.Time(g.Sleeping[runnable])) })},
	{Name: "sleeping_by_reason", Applies: "runs in which a thread slept", Doc: "`sleeping_ns` and `runnable_ns` by what was waited for, in fs: `reason=fs;reason=fs`.",
		Value: ofGroup(func(r *Record, g *Group) Value { return packed(g.Sleeping) })},
}
