package coherence

import (
	"errors"
	"testing"

	"mmsim/cache"
	"mmsim/sim"
)

// TestCheckNames breaks a sound memory system in one way after the other and
// expects Check to name what was broken.
func TestCheckNames(t *testing.T) {
	const l = cache.Line(64)
	for _, c := range []struct {
		name   string
		damage func(s *System)
	}{
		{"single-writer", func(s *System) { s.Private[1].fill(l, M) }},
		{"owner-unique", func(s *System) { s.Private[0].set(l, O) }},
		{"forwarder-unique", func(s *System) { s.Private[0].set(l, F) }},
		{"directory-agrees", func(s *System) { s.Private[0].fill(l, I) }},
		{"directory-agrees", func(s *System) { s.dir.at(s.dir.find(l)).forwarder = 0 }},
		{"acks-conserved", func(s *System) { s.Request(4, l, GetS, sim.Microsecond).acks = 1 }},
		{"busy-line-held", func(s *System) { s.dir.at(s.dir.find(l)).busy = 0 }},
		{"queue-woken", func(s *System) {
			s.enqueue(s.dir.at(s.dir.find(l)), s.newTxnFor(l), 0)
		}},
		{"request-lost", func(s *System) { s.pending[2] = append(s.pending[2], request{l, s.newTxnFor(l).id}) }},
		{"announced", func(s *System) { s.in.Push(sim.Microsecond, EvFill, s.newTxnFor(l).id, 0) }},
		{"inclusion", func(s *System) { s.Private[0].L1.Put(0, l+2, uint8(S)) }},
		{"inclusion", func(s *System) { s.llcRemove(0, s.llc[0].Find(l)) }},
		{"llc-presence", func(s *System) { clearBit(s.dir.llcSet(s.dir.find(l)), 0) }},
		{"only-domain", func(s *System) { s.dir.at(s.dir.find(l)).only = 1 }},
	} {
		s := settledSystem(t, l)
		c.damage(s)
		var broken *InvariantError
		if err := s.Check(); !errors.As(err, &broken) || broken.Name != c.name {
			t.Errorf("Check after damage to %q: %v", c.name, err)
		}
	}
}

// newTxnFor makes a transaction of core 2 for a line.
func (s *System) newTxnFor(l cache.Line) *Txn {
	t := s.newTxn()
	t.Line, t.Core, t.entry = l, 2, s.dir.find(l)
	return t
}

// settledSystem has read line l in cores 0 and 1 of an inclusive MESIF machine.
func settledSystem(t *testing.T, l cache.Line) *System {
	p := variant(MESIF, "inclusive", 0)
	x := newTester(p, 1, 1, 0)
	for core := range int16(2) {
		x.request(core, l, GetS, load)
		if err := x.run(); err != nil {
			t.Fatal(err)
		}
	}
	if got := x.sys.Private[0].State(l).String() + x.sys.Private[1].State(l).String(); got != "SF" {
		t.Fatalf("two readers hold the line in %s, want SF", got)
	}
	return x.sys
}
