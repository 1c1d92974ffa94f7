package configs

import (
	"errors"
	"strings"

	"mmsim/configs/schema"
	"mmsim/configs/units"
)

// Setup is an experiment on its machine: what a run is planned from.
type Setup struct {
	Experiment *Experiment
	Machine    *Machine
}

// Clone is an independent copy.
func (s *Setup) Clone() *Setup { return &Setup{s.Experiment.Clone(), s.Machine.Clone()} }

// Set changes one key by address: of the experiment ("duration",
// "group.hitters.count", "kernel.layout_override.mm_struct.mm_lock_seq",
// "sweep.group.hitters.count") or, behind "machine.", of the machine. Flags,
// quick overrides, designs' settings and sweep points all come here.
func (s *Setup) Set(a Assignment) error {
	switch {
	case a.Key == "machine" && a.From.Flag == "":
		return schema.FaultAt(a.From, a.Key, schema.Problem("single keys of it: machine.cache.llc.size, ...", "the machine as a whole cannot be changed here"))
	case strings.HasPrefix(a.Key, "quick."):
		return schema.FaultAt(a.From, a.Key, schema.Problem("the key itself: "+strings.TrimPrefix(a.Key, "quick."), "quick settings are the file's own"))
	}
	if key, ok := strings.CutPrefix(a.Key, machinePrefix); ok {
		return rename(s.Machine.Set(key, a.Value, a.From), a.Key)
	}
	return experimentTable.Set(s.Experiment, s.Experiment.src, a.Key, a.Value, a.From)
}

// rename gives a fault of the machine the key that the user wrote.
func rename(err error, key string) error {
	if e, ok := err.(*schema.Error); ok {
		e.Key = key
		if e.Hint != "" && strings.HasPrefix(e.Problem, "unknown key") {
			e.Hint = machinePrefix + e.Hint
		}
	}
	return err
}

// fromMachine gives a fault that was not made in the machine's own file the key
// as it is addressed from outside.
func (s *Setup) fromMachine(err error) error {
	var e *schema.Error
	if errors.As(err, &e) && e.Origin.File != s.Machine.src.File() {
		return rename(err, machinePrefix+e.Key)
	}
	return err
}

// role is what the key of an address is for.
func (s *Setup) role(address string) (schema.Role, error) {
	if key, ok := strings.CutPrefix(address, machinePrefix); ok {
		k, err := machineTable.KeyAt(s.Machine, key)
		var u *units.Error
		if errors.As(err, &u) && u.Hint != "" {
			u.Hint = machinePrefix + u.Hint
		}
		return k.Role, err
	}
	k, err := experimentTable.KeyAt(s.Experiment, address)
	return k.Role, err
}

// Point is one combination of swept values, in the order of the sweeps.
type Point []Assignment

// Points lists the product of the sweeps, the last one varying fastest; an
// experiment without a sweep has one empty point.
func (s *Setup) Points() []Point {
	points := []Point{nil}
	for i, sw := range s.Experiment.sweeps {
		var next []Point
		for _, p := range points {
			for j, v := range sw.Values {
				from := s.Experiment.src.Origin(valuePath(i, j))
				next = append(next, append(p[:len(p):len(p)], Assignment{Key: sw.Key, Value: v, From: from}))
			}
		}
		points = next
	}
	return points
}
