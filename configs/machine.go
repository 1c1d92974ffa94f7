// Package configs reads machines and experiments from TOML: embedded presets
// or files, with --set overrides, strictly checked (package schema), and
// resolves them into what package cores runs.
//
// There is one way in: a file, a flag, a [quick] override and a sweep point all
// set keys through the tables in machinekeys.go and experimentkeys.go. There is
// one way out: Write gives the effective configuration back as TOML.
package configs

import (
	"strings"

	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/cores"
	"mmsim/sim"
)

// Machine is a machine as its TOML file describes it.
type Machine struct {
	hw    cores.Machine
	fixed sim.Hertz // [clock] fixed; zero if the table is used
	hops  [][]int   // nil: all pairs of sockets one hop apart
	smt   units.Permille
	facts []Fact
	src   *schema.Source

	orderCosts orderCosts

	changed []string // what overrides set, for the title
}

// Name is the machine's name: a preset's is its file name too.
func (m *Machine) Name() string { return m.hw.Name }

// Title is one line for lists and reports. It names the keys that were
// overridden, so that nobody takes the report for one of the preset.
func (m *Machine) Title() string { return titled(m.hw.Title, m.changed) }

// titled adds to a title what overrides set.
func titled(title string, changed []string) string {
	if len(changed) == 0 {
		return title
	}
	return strings.TrimPrefix(title+"; changed: "+strings.Join(changed, ", "), "; ")
}

// Facts lists the published figures that the machine is held against.
func (m *Machine) Facts() []Fact { return append([]Fact(nil), m.facts...) }

// Set changes one key, addressed as in the file: "cache.llc.size",
// "fact.l1-load.value". A fixed clock and a table of clocks replace each other.
func (m *Machine) Set(key string, value any, from schema.Origin) error {
	if err := machineTable.Set(m, m.src, key, value, from); err != nil {
		return err
	}
	switch key {
	case "clock.fixed":
		m.hw.Clock = nil
	case "clock.by_active_cores":
		m.fixed = 0
	}
	return nil
}

// Write gives the machine as TOML with every default written out.
func (m *Machine) Write() string { return machineTable.Write(m, nil) }

// WriteModel is Write without what no result depends on.
func (m *Machine) WriteModel() string { return machineTable.Write(m, isModel) }

// isModel chooses what decides the content of a record.
func isModel(k schema.Key) bool { return k.Role == schema.Model || k.Role == schema.Naming }

// MachineKeys documents every key of a machine file.
func MachineKeys() []schema.Key { return machineTable.Keys() }

// Clone is an independent copy.
func (m *Machine) Clone() *Machine {
	c := *m
	c.hw.Clock = append([]cores.ClockStep(nil), m.hw.Clock...)
	c.hw.Mem.SocketLeg = append([]sim.Time(nil), m.hw.Mem.SocketLeg...)
	c.facts = m.Facts()
	c.src = m.src.Clone()
	return &c
}

// Resolve checks the machine as a whole and returns it as package cores takes
// it.
func (m *Machine) Resolve() (*cores.Machine, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	hw := m.Clone().hw
	hw.SMTPermille = int(m.smt)
	if m.fixed > 0 {
		hw.Clock = []cores.ClockStep{{Cores: m.coresPerSocket(), Clock: m.fixed}}
	}
	if m.orderCosts == costsByClass {
		hw.Costs = classCosts[hw.Ordering].costs(hw.Clock[len(hw.Clock)-1].Clock)
	}
	hw.Mem.Topology.Hops = m.hopMatrix()
	return &hw, nil
}

func (m *Machine) coresPerSocket() int {
	t := &m.hw.Mem.Topology
	return t.ClustersPerSocket * t.CoresPerCluster
}

func (m *Machine) hopMatrix() [][]int {
	n := m.hw.Mem.Topology.Sockets
	hops := make([][]int, n)
	for a := range hops {
		hops[a] = make([]int, n)
		for b := range hops[a] {
			switch {
			case m.hops != nil:
				hops[a][b] = m.hops[a][b]
			case a != b:
				hops[a][b] = 1
			}
		}
	}
	return hops
}
