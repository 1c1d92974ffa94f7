package coherence

import "mmsim/sim"

// performFar executes a far atomic at the home, which keeps the result: in the
// LLC where the home has one, else in memory.
func (s *System) performFar(t *Txn, now sim.Time) {
	s.host.PerformFar(t)
	socket := s.dir.at(t.entry).home
	if home := s.f.homeAgent(socket); home < s.f.domains {
		s.llcInsert(home, t.Line, true, now)
	} else {
		s.f.memory(socket, now)
	}
	s.letGo(t, now, int16(t.place))
	s.in.Push(s.farAnswer(t, now), EvFill, t.id, 0)
}

// farAnswer is when the result of a far atomic that executes at the given time
// is back.
func (s *System) farAnswer(t *Txn, at sim.Time) sim.Time {
	return at + s.p.AgentLeg + s.f.legs[t.place][s.f.domainOf[t.Core]]
}
