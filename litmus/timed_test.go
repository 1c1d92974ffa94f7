package litmus

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/cores"
)

// load reads and compiles a file of testdata.
func load(t testing.TB, name string) *Program {
	t.Helper()
	path := filepath.Join("testdata", name+".litmus")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, string(text))
}

func compile(t testing.TB, src string) *Program {
	t.Helper()
	f, err := Parse("f", src)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func machineOf(t testing.TB, name string) *cores.Machine {
	t.Helper()
	m, err := configs.LoadMachine(name, schema.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	hw, err := m.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	return hw
}

func timed(t testing.TB, p *Program, machine string, runs int) *Result {
	t.Helper()
	res, err := Time(context.Background(), p, Timing{Machine: machineOf(t, machine), Runs: runs, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestTimedObservations(t *testing.T) {
	for _, v := range []struct{ test, machine, want string }{
		{"visible/SB+poonceonces", "xeon-6138-2s", "Sometimes"},
		{"visible/SB+fencembonceonces", "xeon-6138-2s", "Never"},
		{"visible/MP+poonceonces", "xeon-6138-2s", "Never"},
		{"visible/MP+polocks", "neoverse-n1-64", "Never"},
		{"visible/C-SB+o-rcusync-o+rl-o-o-rul", "xeon-6138-2s", "Never"},
		{"visible/RCU+sync+free", "neoverse-n1-64", "Never"},
	} {
		res := timed(t, load(t, v.test), v.machine, 300)
		if got := res.Observation(); got != v.want || res.Ended != 300 {
			var b strings.Builder
			_ = res.WriteTimed(&b)
			t.Errorf("%s on %s: %s over %d runs, want %s\n%s", v.test, v.machine, got, res.Ended, v.want, b.String())
		}
	}
}

func TestTimedRunsAreReproducible(t *testing.T) {
	print := func() string {
		var b strings.Builder
		if err := timed(t, load(t, "visible/SB+poonceonces"), "xeon-6138-2s", 400).WriteTimed(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	a, b := print(), print()
	if a != b {
		t.Errorf("two runs differ:\n%s\n%s", a, b)
	}
	if !strings.Contains(a, "cycles a run, 400 runs on xeon-6138-2s\n") {
		t.Error(a)
	}
}

func TestTimedDeadlock(t *testing.T) {
	for name, src := range selfDeadlocks {
		res := timed(t, compile(t, src), "xeon-6138-2s", 3)
		if res.Verdict() != Deadlock || res.Blocked == nil {
			t.Errorf("%s: %v, blocked at %v", name, res.Verdict(), res.Blocked)
		}
	}
}

// selfDeadlocks are tests that wait for themselves.
var selfDeadlocks = map[string]string{
	"rcu":  "C t\n{}\nP0(int *x)\n{ rcu_read_lock(); WRITE_ONCE(*x, 1); synchronize_rcu(); rcu_read_unlock(); }\nP1(int *x) { int r1; r1 = READ_ONCE(*x); }\nexists (1:r1=1)",
	"spin": "C t\n{}\nP0(spinlock_t *s)\n{ spin_lock(s); spin_lock(s); }\nexists (0:r1=0)",
	"srcu": "C t\n{}\nP0(struct srcu_struct *s)\n{ int r1; r1 = srcu_read_lock(s); synchronize_srcu(s); srcu_read_unlock(s, r1); }\nexists (0:r1=0)",
}
