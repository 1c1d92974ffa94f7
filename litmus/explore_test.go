package litmus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mmsim/explore"
	"mmsim/sim"
)

// deciding are the states that decide the condition of p, and what the search
// for them alone finds.
func deciding(t *testing.T, p *Program, m explore.Model) (want, got []string) {
	t.Helper()
	pick := func(r *Result) (out []string) {
		for i := range r.States {
			if r.States[i].Witness != (p.File.Quant == Forall) {
				out = append(out, r.States[i].Text)
			}
		}
		return out
	}
	k := newCollector(p)
	sum, err := k.search(t.Context(), m, 0, true)
	if err != nil || !sum.Exhausted {
		t.Fatal(err, "or not exhausted")
	}
	return pick(explored(t, p, m)), pick(k.result())
}

// The search for what decides the condition misses nothing of it.
func TestDecidingSearchIsComplete(t *testing.T) {
	for i, v := range []struct {
		threads, tests int
		kinds          []string
	}{{2, 60, nil}, {3, 30, nil}, {4, 4, nil}, {3, 30, graceKinds}} {
		r := sim.NewRand(uint64(large()), uint64(i), 1)
		for n := range v.tests * large() {
			src := diyRing(&r, v.threads, v.kinds).write(plainStyle())
			switch n % 4 {
			case 0:
				src = strings.Replace(src, "exists (", "forall ~(", 1)
			case 1:
				src = strings.Replace(src, " /\\ ", " \\/ ", 1)
			case 2:
				src = strings.Replace(src, " /\\ ", " => ", 1)
			}
			p := compile(t, src)
			for m := explore.SC; m <= explore.LKMM; m++ {
				if want, got := deciding(t, p, m); !slices.Equal(want, got) {
					t.Fatalf("under %v: %v, want %v\n%s", m, got, want, src)
				}
			}
		}
	}
}

// Rings that are too long to be exhausted are decided all the same.
func TestLongRingsAreDecided(t *testing.T) {
	const n = 24
	for _, v := range []struct{ body, atom, want string }{
		{"WRITE_ONCE(*%[1]s, 1); int r0 = READ_ONCE(*%[2]s);", "%d:r0=0", "Sometimes"},
		{"int r0 = READ_ONCE(*%[1]s); smp_mb(); WRITE_ONCE(*%[2]s, 1);", "%d:r0=1", "Never"},
	} {
		var b strings.Builder
		b.WriteString("C ring\n{}\n")
		var atoms []string
		for i := range n {
			b.WriteString(process(i, diyVar(i, n), diyVar(i+1, n), v.body))
			atoms = append(atoms, fmt.Sprintf(v.atom, i))
		}
		b.WriteString("exists (" + strings.Join(atoms, " /\\ ") + ")")
		res, err := Explore(context.Background(), compile(t, b.String()), Search{Model: explore.LKMM, Budget: 600 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if res.Observation() != v.want || res.Complete {
			t.Errorf("%s: %s, complete %v; want %s", v.body, res.Observation(), res.Complete, v.want)
		}
	}
}

// process is thread i with two variables, which its body names.
func process(i int, a, b, body string) string {
	return fmt.Sprintf("P%d(int *%s, int *%s)\n{ %s }\n", i, a, b, fmt.Sprintf(body, a, b))
}
