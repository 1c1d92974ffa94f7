package simtest

import "mmsim/sim"

// Slow returns a handle of the task c whose loads are now and then followed by
// a long pause, during which the others go on: races that need a slow reader do
// not wait for a lucky schedule. often says, for a loaded word, after how many
// of its loads there is one pause, on average; longest is in operations.
func (m *Machine) Slow(c *sim.CPU, seed uint64, longest uint64, often func(r sim.Ref) uint64) *sim.CPU {
	s := &slow{m, c, sim.NewRand(seed, uint64(c.Task), 1), longest, often}
	return sim.NewCPU(s, c.Slot, c.Task, c.Name)
}

type slow struct {
	*Machine
	c       *sim.CPU // the machine's own handle
	rng     sim.Rand
	longest uint64
	often   func(r sim.Ref) uint64
}

// Spin waits on the machine's own handle, which interrupts save and restore.
func (s *slow) Spin(c *sim.CPU, deadline sim.Time) int { return s.c.SpinUntil(deadline, c.Conds...) }

func (s *slow) Load(c *sim.CPU, r sim.Ref, o sim.Order) (uint64, sim.Dep) {
	v, d := s.Machine.Load(c, r, o)
	if s.rng.Below(s.often(r)) == 0 {
		for range s.rng.Below(s.longest + 1) {
			s.Machine.Relax(c)
		}
	}
	return v, d
}
