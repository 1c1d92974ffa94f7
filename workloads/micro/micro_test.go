package micro

import (
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

const ball, flag = sim.Addr(0x10000), sim.Addr(0x20000)

// trace runs bodies, one per CPU, under random interleaving until they have
// done so many operations, and returns what they did.
func trace(mem *sim.Memory, seed uint64, bodies ...Body) []simtest.Op {
	var ops []simtest.Op
	m := simtest.New(mem, simtest.Options{Seed: seed, MaxOps: 6000, Trace: func(o simtest.Op) { ops = append(ops, o) }})
	for cpu, body := range bodies {
		m.Go("probe", cpu, body)
	}
	if m.Run() == nil {
		panic("a probe's body returned")
	}
	return ops
}

func count(ops []simtest.Op, kind string) (n int) {
	for _, o := range ops {
		if o.Kind == kind {
			n++
		}
	}
	return n
}

// Both ping-pongs hand the word over in strict turns, and one operation is one
// round: the measured side's hand-over and the other side's.
func TestPingPongAlternates(t *testing.T) {
	for name, body := range map[string]func(sim.Addr, bool) Body{"blind": BlindCAS, "read": ReadCAS} {
		for seed := range uint64(8) {
			ops := trace(sim.NewMemory(), seed, body(ball, true), body(ball, false))
			last, handOvers := ping, 0
			for _, o := range ops {
				if o.Kind != "cmpxchg" || o.Value == last {
					continue
				}
				last = o.Value
				handOvers++
				if mover := int(1 - o.Value); o.CPU != mover {
					t.Fatalf("%s, seed %d: CPU %d wrote %d", name, seed, o.CPU, o.Value)
				}
			}
			rounds := count(ops, "op-end")
			if rounds < 50 || handOvers < 2*rounds || handOvers > 2*rounds+3 {
				t.Errorf("%s, seed %d: %d hand-overs in %d rounds", name, seed, handOvers, rounds)
			}
		}
	}
}

// In a read-then-write ping-pong no cmpxchg is wasted, in a blind one every
// poll is one.
func TestPollsOfPingPongs(t *testing.T) {
	ops := trace(sim.NewMemory(), 1, ReadCAS(ball, true), ReadCAS(ball, false))
	if cas, rounds := count(ops, "cmpxchg"), count(ops, "op-end"); cas > 2*rounds+3 {
		t.Errorf("read: %d cmpxchg in %d rounds", cas, rounds)
	}
	ops = trace(sim.NewMemory(), 1, BlindCAS(ball, true), BlindCAS(ball, false))
	if n := count(ops, "load"); n != 0 {
		t.Errorf("blind: %d loads", n)
	}
}

func TestChaseVisitsEveryLineOncePerRound(t *testing.T) {
	for seed := range uint64(4) {
		mem := sim.NewMemory()
		var lines []sim.Addr
		for i := range 100 {
			lines = append(lines, ball+sim.Addr(i)*256)
		}
		Link(mem, lines, seed)
		seen := map[sim.Addr]int{}
		inOrder := 0
		for _, o := range trace(mem, seed, Chase(lines[0], 0)) {
			if o.Kind != "load" {
				continue
			}
			seen[o.Ref.A]++
			if o.Value == uint64(o.Ref.A)+256 {
				inOrder++
			}
			if len(seen) == 100 {
				break
			}
		}
		for a, n := range seen {
			if n != 1 {
				t.Errorf("seed %d: %#x loaded %d times in the first round", seed, uint64(a), n)
			}
		}
		if len(seen) != 100 || inOrder > 20 {
			t.Errorf("seed %d: %d lines, %d of them in ascending order", seed, len(seen), inOrder)
		}
	}
}

// The unmeasured loads come first and the measured ones go on behind them.
func TestChaseWarmUp(t *testing.T) {
	mem := sim.NewMemory()
	Link(mem, []sim.Addr{ball, ball + 256, ball + 512}, 1)
	loads := 0
	for _, o := range trace(mem, 1, Chase(ball, 7)) {
		if o.Kind == "op-begin" {
			break
		}
		if o.Kind == "load" {
			loads++
		}
	}
	if loads != 7 {
		t.Errorf("%d loads before the first operation, want 7", loads)
	}
}

// Whatever the schedule, the helpers' accesses to a line come in the order of
// its state, and before the measured load of it.
func TestLineStatesArePrepared(t *testing.T) {
	const helper, second = 1, 2
	type access struct {
		cpu  int
		kind string
	}
	want := map[LineState][]access{
		Modified:  {{helper, "store"}, {0, "load"}},
		Exclusive: {{helper, "load"}, {0, "load"}},
		Shared:    {{helper, "load"}, {second, "load"}, {0, "load"}},
		Owned:     {{helper, "store"}, {second, "load"}, {0, "load"}},
		Forward:   {{second, "load"}, {helper, "load"}, {0, "load"}},
	}
	for state, order := range want {
		for seed := range uint64(8) {
			p := &LoadState{State: state, Lines: []sim.Addr{ball, ball + 256, ball + 512}, Turn: flag}
			bodies := []Body{p.Measured(), p.Helper()}
			if state.Helpers() == 2 {
				bodies = append(bodies, p.Second())
			}
			n := 0
			for _, o := range trace(sim.NewMemory(), seed, bodies...) {
				if o.Ref.A < ball || o.Ref.A > ball+512 {
					continue
				}
				step := order[n%len(order)]
				line := p.Lines[n/len(order)%3]
				if o.CPU != step.cpu || o.Kind != step.kind || o.Ref.A != line {
					t.Fatalf("state %s, seed %d: access %d is %+v, want %+v on %#x", state, seed, n, o, step, uint64(line))
				}
				n++
			}
			if n < 100 {
				t.Errorf("state %s, seed %d: %d accesses", state, seed, n)
			}
		}
	}
}

func TestGateOpensBehindTheTouches(t *testing.T) {
	lines := []sim.Addr{ball, ball + 0x1000, ball + 0x2000}
	for seed := range uint64(8) {
		ops := trace(sim.NewMemory(), seed,
			Touching(lines, flag, FetchAdd(ball)), Behind(flag, FetchAdd(ball)))
		touches := 0
		for _, o := range ops {
			if o.Kind == "load" && o.Ref.A&0x800 != 0 {
				touches++
			}
			if o.Kind == "add" && touches < len(lines) {
				t.Fatalf("seed %d: an operation before the pages were touched", seed)
			}
		}
	}
}

func TestStoresThenFenceTakesLinesInTurn(t *testing.T) {
	lines := []sim.Addr{ball, ball + 256, ball + 512}
	stores, fences := 0, 0
	for _, o := range trace(sim.NewMemory(), 1, StoresThenFence(lines, 2)) {
		switch o.Kind {
		case "store":
			if o.Ref.A != lines[stores%3] {
				t.Fatalf("store %d to %#x", stores, uint64(o.Ref.A))
			}
			stores++
		case "smp_mb":
			fences++
			if stores != 2*fences {
				t.Fatalf("fence %d behind %d stores", fences, stores)
			}
		}
	}
	if fences < 100 {
		t.Errorf("%d fences", fences)
	}
}

// Each operation of a lone instruction is that instruction and nothing else.
func TestAloneMeasuresOneInstruction(t *testing.T) {
	for _, in := range Instructions() {
		inside, most := false, 0
		n := 0
		for _, o := range trace(sim.NewMemory(), 1, Alone(in, ball)) {
			switch o.Kind {
			case "op-begin":
				inside, n = true, 0
			case "op-end":
				inside = false
				most = max(most, n)
				if n != 1 {
					t.Fatalf("%s: %d primitives in one operation", in.Name, n)
				}
			default:
				if inside {
					n++
				}
			}
		}
		if most != 1 {
			t.Errorf("%s: no operation ended", in.Name)
		}
	}
}
