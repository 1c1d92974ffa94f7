package results

import (
	"mmsim/coherence"
	"mmsim/cores"
)

// eventDoc says what a count is about and when it applies.
type eventDoc struct{ doc, applies string }

// kernelEvent is a count made by kernel code.
type kernelEvent struct {
	name string
	eventDoc
}

var metricDocs = [cores.NumMetrics]eventDoc{
	cores.Loads:          {"loads executed", ""},
	cores.Stores:         {"stores executed", ""},
	cores.RMWs:           {"atomic read-modify-writes executed", ""},
	cores.Fences:         {"stand-alone barriers executed, also those that cost nothing on this machine", ""},
	cores.L1Hits:         {"accesses that hit L1D", ""},
	cores.L2Hits:         {"accesses that hit L2", ""},
	cores.LLCHits:        {"misses served by the LLC of the own domain", "machines with an LLC"},
	cores.RemoteLLCHits:  {"misses served by another domain's LLC", "machines with several LLCs"},
	cores.MemLocalFills:  {"misses served by the memory of the own socket", ""},
	cores.MemRemoteFills: {"misses served by the memory of another socket", "machines with several sockets"},
	cores.DomainFills:    {"misses served by a core of the same domain", "machines with several cores a domain"},
	cores.SocketFills:    {"misses served by a core of another domain of the socket", "machines with several domains a socket"},
	cores.RemoteFills:    {"misses served by a core of another socket", "machines with several sockets"},
	cores.Upgrades:       {"misses that took ownership of a line already held, without data", ""},
	cores.Bounces:        {"lines (data or ownership) taken from another core's private caches", ""},
	cores.Invalidations:  {"lines that the CPU's core lost to another core's write", ""},
	cores.Forwards:       {"loads answered by the CPU's own store buffer", ""},
	cores.FarAtomics:     {"atomics executed at the line's home", "machines with far atomics"},
	cores.Prefetches:     {"lines requested ahead of use", ""},
	cores.Evictions:      {"lines that left the private caches for lack of room", ""},
	cores.Writebacks:     {"dirty lines written back from the private caches", ""},
	cores.IPIsSent:       {"inter-processor interrupts sent", ""},
	cores.IPIsReceived:   {"inter-processor interrupts received", ""},
	cores.TimerTicks:     {"timer interrupts taken", ""},
	cores.SpinWakeups:    {"times a spin-wait looked again because its line had changed", ""},
	cores.Switches:       {"context switches", ""},
}

const kernelPaths = "paths that run kernel code"

// kernelEvents are the events counted by kernel code that have columns; a test
// of the whole tool checks that none is missing.
var kernelEvents = []kernelEvent{
	{eventAttempts, eventDoc{"lookups tried without a lock", "designs that speculate"}},
	{eventFallbacks, eventDoc{"speculative lookups that gave up and took the lock", "designs that speculate"}},
	{eventRetries, eventDoc{"lockless walks that started again because a sequence had changed or a tree node was dead", "designs that speculate"}},
	{eventSleeps, eventDoc{"times a thread gave up its CPU to wait", kernelPaths}},
	{eventWakeups, eventDoc{"sleeping threads woken", kernelPaths}},
	{"lock_waits", eventDoc{"slow paths of sleeping locks entered", kernelPaths}},
	{eventWasted, eventDoc{"ps from the start to the end of speculative lookups that gave up", "designs that speculate"}},
	{eventMMWrites, eventDoc{"times mmap_lock was taken for writing", kernelPaths}},
	{eventVMAWrites, eventDoc{"VMAs write-locked", kernelPaths}},
	{eventFileReuses, eventDoc{"opened files whose memory was another file's before (SLAB_TYPESAFE_BY_RCU)", kernelPaths}},
	{eventGarbage, eventDoc{"inodes that a speculative reader took from the next life of a file's memory; validation discards them", kernelPaths}},
	{"rcu_callbacks", eventDoc{"RCU callbacks run", kernelPaths}},
}

// eventColumns are the counts of the report group.
func eventColumns() []Column {
	var out []Column
	for k := range cores.NumMetrics {
		name, d := k.String(), metricDocs[k]
		out = append(out, Column{Name: name + "_count", Unit: Count, Doc: "By the group's CPUs: " + d.doc + ".", Applies: d.applies,
			Value: ofGroup(func(r *Record, g *Group) Value { return lookup(g.Metrics, name) })})
	}
	for _, e := range kernelEvents {
		out = append(out, Column{Name: e.name + "_count", Unit: Count, Doc: "By the group's threads: " + e.doc + ".", Applies: e.applies,
			Value: ofGroup(func(r *Record, g *Group) Value { return lookup(g.Events, e.name) })})
	}
	return out
}

// runColumns are the counts of all groups together.
func runColumns() []Column {
	out := []Column{{Name: "run_ops_count", Unit: Count, Doc: "All groups together: operations that ended in the measured interval.",
		Value: func(r *Record) Value {
			n := int64(0)
			for i := range r.Groups {
				n += r.Groups[i].Ops
			}
			return Int(n)
		}}}
	for k := range cores.NumMetrics {
		name, d := k.String(), metricDocs[k]
		out = append(out, Column{Name: "run_" + name + "_count", Unit: Count, Doc: "All groups together: " + d.doc + ".", Applies: d.applies,
			Value: overGroups(func(g *Group) Value { return lookup(g.Metrics, name) })})
	}
	for _, e := range kernelEvents {
		out = append(out, Column{Name: "run_" + e.name + "_count", Unit: Count, Doc: "All groups together: " + e.doc + ".", Applies: e.applies,
			Value: overGroups(func(g *Group) Value { return lookup(g.Events, e.name) })})
	}
	for d := coherence.SameDomain; d < coherence.NumDistances; d++ {
		out = append(out, bounceColumn(d))
	}
	return out
}

func bounceColumn(d coherence.Distance) Column {
	return Column{Name: "run_bounces_" + d.String() + "_count", Unit: Count,
		Doc:     "All groups together: bounces over this distance: " + words(d.String()) + ".",
		Applies: "machines with CPUs at this distance",
		Value:   func(r *Record) Value { return lookup(r.ByDistance, d.String()) }}
}

// overGroups sums a count over the groups it applies to.
func overGroups(f func(g *Group) Value) func(*Record) Value {
	return func(r *Record) Value {
		total := NotApplicable
		for i := range r.Groups {
			v := f(&r.Groups[i])
			switch {
			case v.num == nil:
			case total.num == nil:
				total = v
			default:
				total = Int(total.num.Int64() + v.num.Int64())
			}
		}
		return total
	}
}
