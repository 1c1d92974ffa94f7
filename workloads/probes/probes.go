// Package probes places the hardware probes of package micro on a machine: it
// knows which probes a machine can run, on which CPUs they run by distance,
// and which lines they use so that the right level of the memory system
// answers. A probe is a design of path micro; its id is the design's name.
//
//	l1-load l2-load llc-load dram-local dram-remote    one dependent load
//	atomic mb cmpxchg ...                              one uncontended primitive
//	cas-{blind,read}-{smt,domain,socket,remote}        ping-pong: two hand-overs per operation
//	load-{m,e,s,o,f}-{domain,socket,remote}            load of a line left in a state elsewhere
//	fetch-add-N                                        N CPUs, by number, increment one word
//	fence-k-N                                          N missing stores and an smp_mb
//	chase-SIZE                                         dependent loads over SIZE (64KiB, 4MiB)
//
// Every probe's result is the latency of its operations.
package probes

import (
	"fmt"
	"regexp"
	"strconv"

	"mmsim/cores"
)

// Probe is one hardware probe.
type Probe struct {
	ID  string
	Doc string
	// HandOvers is how many hand-overs of a line one operation does: 2 for a
	// ping-pong, whose published figures are per hand-over ("one way"), else 1.
	HandOvers int
	// lacks says what the machine lacks to run the probe, "" if nothing.
	lacks func(m *cores.Machine) string
	build func(b *builder)
}

// Lacks says why the probe does not apply to the machine ("one socket"), or ""
// if it does.
func (p *Probe) Lacks(m *cores.Machine) string { return p.lacks(m) }

// Build makes the probe's program for the machine; seed decides the order of
// pointer chases.
func (p *Probe) Build(m *cores.Machine, seed uint64) (*cores.Program, error) {
	if why := p.lacks(m); why != "" {
		return nil, fmt.Errorf("probe %s does not apply to machine %s: %s", p.ID, m.Name, why)
	}
	b := newBuilder(m, seed)
	p.build(b)
	return b.program(), nil
}

// All lists the probes without a number of their own, in the order in which
// they are shown.
func All() []Probe {
	return append(append(append(loadProbes(), aloneProbes()...), casProbes()...), stateProbes()...)
}

// On lists the probes that apply to the machine, with a choice of fetch-add-N
// and fence-k-N for it: what "machine show --micro" runs.
func On(m *cores.Machine) []Probe {
	var out []Probe
	for _, p := range All() {
		if p.lacks(m) == "" {
			out = append(out, p)
		}
	}
	for _, n := range fetchAddCounts(m) {
		out = append(out, fetchAddProbe(n))
	}
	for _, k := range []int{0, 1, 4, 16, 48} {
		out = append(out, fenceProbe(k))
	}
	return out
}

var numbered = regexp.MustCompile(`^(fetch-add|fence-k|chase)-([0-9]{1,7})(KiB|MiB|)$`)

// Find returns the probe of the given id.
func Find(id string) (Probe, bool) {
	for _, p := range All() {
		if p.ID == id {
			return p, true
		}
	}
	f := numbered.FindStringSubmatch(id)
	if f == nil {
		return Probe{}, false
	}
	n, err := strconv.Atoi(f[2])
	if err != nil || (f[1] == "chase") != (f[3] != "") || strconv.Itoa(n) != f[2] {
		return Probe{}, false
	}
	switch f[1] {
	case "fetch-add":
		return fetchAddProbe(n), n > 0
	case "fence-k":
		return fenceProbe(n), n <= maxFenceStores
	}
	bytes := n << 10
	if f[3] == "MiB" {
		bytes = n << 20
	}
	return chaseProbe(id, bytes), n > 0 && bytes <= maxChaseBytes
}
