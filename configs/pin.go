package configs

import (
	"fmt"

	"mmsim/coherence"
	"mmsim/configs/schema"
)

// pinning is the order in which a group takes CPUs.
type pinning uint8

const (
	pinByCPU pinning = iota
	pinSpread
	pinSiblings
	pinList
)

// placement says which of the group's CPUs a thread may run on.
type placement uint8

const (
	pinned placement = iota // the one that it starts on
	free                    // all of them
)

var pinNames = []string{"by-cpu", "spread", "siblings", "list"}

// cpuOrder lists all CPUs in the order of a pinning.
func cpuOrder(t *coherence.Topology, p pinning) []int {
	n := t.Cores()
	order := make([]int, 0, t.CPUs())
	switch p {
	case pinSpread:
		for thread := range t.ThreadsPerCore {
			for core := range n / t.Sockets {
				for s := range t.Sockets {
					order = append(order, thread*n+s*(n/t.Sockets)+core)
				}
			}
		}
	case pinSiblings:
		for core := range n {
			for thread := range t.ThreadsPerCore {
				order = append(order, thread*n+core)
			}
		}
	default:
		for cpu := range t.CPUs() {
			order = append(order, cpu)
		}
	}
	return order
}

// place chooses the CPU of each thread: one each, or on_cpus for all, in turn.
// key is what is at fault in an error.
func (g *group) place(t *coherence.Topology) (cpus []int, key string, err error) {
	switch {
	case g.placesThreads():
		return nil, "", nil
	case g.onCPUs == 0:
		return g.placeApart(t)
	case g.count == 0:
		return nil, "count", schema.Problem("a whole number of at least 1", "no threads")
	}
	few := *g
	few.count = g.onCPUs
	shared, key, err := few.placeApart(t)
	if key == "count" {
		key = "on_cpus"
	}
	for i := range g.count {
		if err == nil {
			cpus = append(cpus, shared[i%len(shared)])
		}
	}
	return cpus, key, err
}

// placeApart chooses a CPU for each thread.
func (g *group) placeApart(t *coherence.Topology) (cpus []int, key string, err error) {
	if g.pin == pinList {
		return g.placeListed(t)
	}
	if g.count == 0 {
		return nil, "count", schema.Problem("a whole number of at least 1", "no threads")
	}
	if g.firstCPU >= t.CPUs() {
		return nil, "first_cpu", noCPU(t, g.firstCPU)
	}
	order := cpuOrder(t, g.pin)
	for order[0] != g.firstCPU {
		order = order[1:]
	}
	if g.count > len(order) {
		return nil, "count", schema.Problem(fmt.Sprintf("at most %d", len(order)),
			"%d threads on the %d CPUs from CPU %d on (pin = %q)", g.count, len(order), g.firstCPU, pinNames[g.pin])
	}
	return order[:g.count], "", nil
}

func (g *group) placeListed(t *coherence.Topology) ([]int, string, error) {
	switch {
	case len(g.cpus) == 0:
		return nil, "cpus", schema.Problem("a list of CPU numbers", `pin = "list" without cpus`)
	case g.count > len(g.cpus):
		return nil, "count", schema.Problem(fmt.Sprintf("at most %d", len(g.cpus)), "%d threads on a list of %d CPUs", g.count, len(g.cpus))
	}
	for i, cpu := range g.cpus {
		if cpu >= t.CPUs() {
			return nil, fmt.Sprintf("cpus[%d]", i), noCPU(t, cpu)
		}
	}
	if g.count > 0 {
		return g.cpus[:g.count], "", nil
	}
	return g.cpus, "", nil
}

func noCPU(t *coherence.Topology, cpu int) error {
	return schema.Problem(fmt.Sprintf("a CPU from 0 to %d", t.CPUs()-1), "the machine has no CPU %d", cpu)
}
