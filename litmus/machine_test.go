package litmus

import (
	"cmp"
	"slices"
	"testing"

	"mmsim/explore"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// The algorithms that stand for locks, RCU and SRCU on machines, under random
// schedules: no state that the models forbid, and the same states in the end.
func TestMachineAlgorithms(t *testing.T) {
	for _, v := range []struct{ name, line, as string }{ // as has the same states, if it is not line itself
		{"spin", "lock s; R x; W x=1; R y; unlock s || lock s; R x; W x=2; W y=1; unlock s || R y; trylock s; R x", ""},
		{"rcu", "rl; R x; R y; ru || W x=1; gp; W y=1", ""},
		{"rcu nested", "rl; rl; R x; ru; R y; ru || W x=1; gp; W y=1", ""},
		{"rcu twice", "rl; R x; R y; ru; rl; R z; ru || W x=1; gp; W y=1; gp; W z=1", ""},
		{"rcu both", "rl; R x; R y; ru; gp; W z=1 || W x=1; gp; W y=1; rl; R z; ru", ""},
		{"srcu", "srl; R x; R y; srul || W x=1; sgp; W y=1", ""},
		{"srcu both", "srl; R x; R y; srul; sgp; W z=1 || W x=1; sgp; W y=1; srl; R z; srul", ""},
		{"srcu nested", "srl a; srl b; R x; srul b; R y; srul a || W x=1; sgp; W y=1", ""},
		{"srcu chain", "srl a; R x; srl b; srul a; R y; srul b || W x=1; sgp; W y=1", "srl a; R x; R y; srul a || W x=1; sgp; W y=1"},
	} {
		p := compile(t, shape(v.line, "true"))
		var want []string
		for _, s := range explored(t, compile(t, shape(cmp.Or(v.as, v.line), "true")), explore.SC).States {
			want = append(want, s.Text)
		}
		k := newCollector(p)
		for seed := range uint64(3000) {
			simulated(t, p, seed, k)
		}
		var got []string
		for _, s := range k.result().States {
			got = append(got, s.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: states\n%q\nwant\n%q", v.name, got, want)
		}
	}
}

// simulated runs p once on the machine's algorithms with random interleaving.
func simulated(t *testing.T, p *Program, seed uint64, k *collector) {
	t.Helper()
	r := newRun(p, memoryBase, nil)
	cpus := make([]int, len(r.threads))
	m := simtest.New(sim.NewMemory(), simtest.Options{Seed: seed})
	for i := range r.threads {
		cpus[i] = i
		m.Go(r.threads[i].name(), i, r.threads[i].body)
	}
	r.on = newMachine(r, cpus, true)
	r.reset()
	p.initialise(m.Mem, r.base)
	simtest.Run(t, m)
	k.ended(r, func(a sim.Addr) uint64 { return m.Mem.Read(a, 8) })
}
