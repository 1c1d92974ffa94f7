package litmus

import (
	"testing"

	"mmsim/explore"
)

// A grace period is a full barrier on every CPU, reader or not, where the model
// is a machine; the kernel model promises that for readers alone.
func TestGracePeriodsAreBarriersEverywhere(t *testing.T) {
	for name, src := range map[string]string{
		"SB+gp+po": "C t\n{}\nP0(int *x, int *y)\n{ WRITE_ONCE(*x, 1); synchronize_rcu(); int r0 = READ_ONCE(*y); }\n" +
			"P1(int *x, int *y)\n{ WRITE_ONCE(*y, 1); int r0 = READ_ONCE(*x); }\nexists (0:r0=0 /\\ 1:r0=0)",
		"in the middle of P1": "C t\n{}\nP0(int *x, int *y)\n{ int r0 = READ_ONCE(*y); synchronize_rcu(); WRITE_ONCE(*x, 1); }\n" +
			"P1(int *v, int *w, int *x, int *y)\n{ WRITE_ONCE(*v, 1); WRITE_ONCE(*y, 1); int r0 = READ_ONCE(*x); int r1 = READ_ONCE(*w); }\n" +
			"P2(int *v, int *w)\n{ WRITE_ONCE(*w, 1); smp_mb(); int r0 = READ_ONCE(*v); }\n" +
			"exists (0:r0=1 /\\ 1:r0=1 /\\ 1:r1=0 /\\ 2:r0=0)",
	} {
		p := compile(t, src)
		for m := explore.SC; m <= explore.LKMM; m++ {
			want := "Never"
			if m == explore.LKMM {
				want = "Sometimes"
			}
			if got := explored(t, p, m).Observation(); got != want {
				t.Errorf("%s under %v: %s, want %s", name, m, got, want)
			}
		}
	}
}
