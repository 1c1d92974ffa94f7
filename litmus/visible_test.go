package litmus

import (
	"context"
	"slices"
	"strings"
	"testing"

	"mmsim/explore"
)

// visible is the table of litmus-visible.md: Never, Sometimes, or Sometimes by
// load buffering alone (s), under sc, x86-tso, arm64 and lkmm; "-" where the
// sheet gives none.
var visible = []struct{ name, verdicts string }{
	{"CoRR+poonceonce+Once", "NNNN"},
	{"CoWW+poonceonce", "NNNN"},
	{"CoRW+poonceonce+Once", "NNNN"},
	{"CoWR+poonceonce+Once", "NNNN"},
	{"SB+poonceonces", "NSSS"},
	{"SB+fencembonceonces", "NNNN"},
	{"SB+rfionceonce-poonceonces", "NSSS"},
	{"MP+poonceonces", "NNSS"},
	{"MP+fencewmbonceonce+fencermbonceonce", "NNNN"},
	{"MP+pooncerelease+poacquireonce", "NNNN"},
	{"MP+onceassign+derefonce", "NNNN"},
	{"LB+poonceonces", "NNss"},
	{"LB+fencembonceonce+ctrlonceonce", "NNNN"},
	{"LB+poacquireonce+pooncerelease", "NNNN"},
	{"S+poonceonces", "NNSS"},
	{"S+fencewmbonceonce+poacquireonce", "NNNN"},
	{"R+poonceonces", "NSSS"},
	{"R+fencembonceonces", "NNNN"},
	{"C-2+2W+o-o+o-o", "NNSS"},
	{"C-2+2W+o-wmb-o+o-wmb-o", "NNNS"},
	{"cmpxchg-fail-unordered-1", "NNSS"},
	{"cmpxchg-fail-ordered-1", "NNNN"},
	{"WRC+poonceonces+Once", "NNSS"},
	{"WRC+pooncerelease+fencermbonceonce+Once", "NNNN"},
	{"ISA2+poonceonces", "NNSS"},
	{"ISA2+pooncerelease+poacquirerelease+poacquireonce", "NNNN"},
	{"Z6.0+pooncerelease+poacquirerelease+fencembonceonce", "NNNS"},
	{"IRIW+poonceonces+OnceOnce", "NNSS"},
	{"IRIW+fencembonceonces+OnceOnce", "NNNN"},
	{"MP+polocks", "NNNN"},
	{"MP+porevlocks", "NNNN"},
	{"LB+unlocklockonceonce+poacquireonce", "NNNN"},
	{"Z6.0+pooncelock+pooncelock+pombonce", "NNNS"},
	{"Z6.0+pooncelock+poonceLock+pombonce", "NNNN"},
	{"RCU+sync+free", "NN-N"},
	{"C-SB+o-rcusync-o+rl-o-o-rul", "NN-N"},
	{"C-SB+o-rcusync-o+rl-o-o-rul+rl-o-o-rul", "NS-S"},
	{"C-SB+o-rcusync-o+o-rcusync-o+rl-o-o-rul+rl-o-o-rul", "NN-N"},
	{"C-LB+rl-o-o-rul+rl-o-o-rul", "NN-s"},
}

// The oracle reproduces the table, so that what it says of other tests counts.
func TestOracleAgreesWithVisibleTable(t *testing.T) {
	for _, v := range visible {
		p := load(t, "visible/"+v.name)
		for m := explore.SC; m <= explore.LKMM; m++ {
			want := v.verdicts[m]
			if want == '-' {
				continue
			}
			all, inOrder := axOutcomes(p, m)
			got := byte('N')
			if axWitness(p, inOrder) {
				got = 'S'
			} else if axWitness(p, all) {
				got = 's'
			}
			if got != want {
				t.Errorf("%s under %v: %c, want %c", v.name, m, got, want)
			}
		}
	}
}

// explored explores p to the end.
func explored(t testing.TB, p *Program, m explore.Model) *Result {
	t.Helper()
	res, err := Explore(context.Background(), p, Search{Model: m})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Every verdict of the table, the outcomes of load buffering missing.
func TestVisibleTable(t *testing.T) {
	for _, v := range visible {
		p := load(t, "visible/"+v.name)
		for m := explore.SC; m <= explore.LKMM; m++ {
			if v.verdicts[m] == '-' {
				continue
			}
			want := "Never"
			if v.verdicts[m] == 'S' {
				want = "Sometimes"
			}
			res := explored(t, p, m)
			if got := res.Observation(); got != want || !res.Complete {
				t.Errorf("%s under %v: %s, complete %v; want %s", v.name, m, got, res.Complete, want)
			}
		}
	}
}

// disagreement compares what exploration shows with the oracle: it must show
// all that is allowed and does not need load buffering, and nothing that is not
// allowed. With RCU and SRCU nothing is allowed anywhere that the kernel model
// does not allow.
func disagreement(t testing.TB, p *Program, m explore.Model) string {
	t.Helper()
	var bad []string
	res := explored(t, p, m)
	if !res.Complete {
		bad = append(bad, "not exhausted")
	}
	all, inOrder := axOutcomes(p, m)
	bad = append(bad, res.outside(all)...)
	for s := range inOrder {
		if !slices.ContainsFunc(res.States, func(x State) bool { return x.Text == s }) {
			bad = append(bad, "missing "+s)
		}
	}
	if (p.uses.rcu || p.uses.srcu) && m != explore.LKMM {
		all, _ := axOutcomes(p, explore.LKMM)
		bad = append(bad, res.outside(all)...)
	}
	slices.Sort(bad)
	return strings.Join(bad, "\n")
}

// outside lists the states that a model does not allow.
func (r *Result) outside(allowed map[string]outcome) (bad []string) {
	for i := range r.States {
		if s := r.States[i].Text; allowed[s] == nil {
			bad = append(bad, "FORBIDDEN "+s)
		}
	}
	return bad
}
