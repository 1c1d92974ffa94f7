package litmus

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/explore"
)

// What a grace period may do to two readers of one thread, from y to x: the
// oracle says so, and exploration shows it.
func TestSRCUReadersOfOneThread(t *testing.T) {
	const grace, two = "W y=1; sgp; W x=1", "W y=1; sgp; sgp; W x=1"
	for _, v := range []struct{ reader, writer, want string }{
		{"srl a; R y; srul a; srl b; R x; srul b", grace, "SSSS"},
		{"srl a; R y; srl b; srul a; R x; srul b", grace, "SSSS"}, // C-srcu-nest-5
		{"srl a; R y; srl b; R x; srul b; srul a", grace, "NNNN"},
		{"srl a; R y; srl b; srul b; R x; srul a", grace, "NNNN"},
		{"srl a; srl b; R y; srul b; R x; srul a", grace, "NNNN"},
		{"srl a; srl b; R y; R x; srul a; srul b", grace, "NNNN"},
		{"srl a; R y; srl b; srul a; srl c; srul b; R x; srul c", grace, "SSSS"},
		// Nothing is left open at the seam that two grace periods fit in.
		{"srl a; R y; srul a; srl b; R x; srul b", two, "SSSS"},
		{"srl a; R y; srl b; srul a; R x; srul b", two, "NNNN"},
		{"srl a; R y; srl b; srul a; srl c; srul b; R x; srul c", two, "SSSS"},
	} {
		line := v.reader + " || " + v.writer
		p := compile(t, shape(line, "0:r0=0 /\\ 0:r1=1"))
		for m := explore.SC; m <= explore.LKMM; m++ {
			_, inOrder := axOutcomes(p, m)
			want := map[bool]string{true: "Sometimes", false: "Never"}[axWitness(p, inOrder)]
			if want[0] != v.want[m] {
				t.Errorf("%s under %v: the oracle says %s", line, m, want)
			}
			if got := explored(t, p, m); got.Observation() != want || !got.Complete {
				t.Errorf("%s under %v: %s, want %s", line, m, got.Observation(), want)
			}
			if bad := disagreement(t, p, m); bad != "" {
				t.Errorf("%s under %v:\n%s", line, m, bad)
			}
		}
	}
}

// An unlock ends the section that its value comes from, however it came to be in
// that register, and not the one that was there before.
func TestCookiesMoveBetweenRegisters(t *testing.T) {
	const src = "C t\n{}\nP0(int *x, int *y, struct srcu_struct *s)\n{ int r0; int r1; int r3; int r4; int r5; int r9;\n" +
		"r3 = srcu_read_lock(s); r0 = READ_ONCE(*y); r4 = srcu_read_lock(s); %s r1 = READ_ONCE(*x); %s }\n" +
		"P1(int *x, int *y, struct srcu_struct *s)\n{ WRITE_ONCE(*y, 1); synchronize_srcu(s); WRITE_ONCE(*x, 1); }\nexists (0:r0=0 /\\ 0:r1=1)"
	for _, v := range []struct{ middle, end, want string }{
		{"srcu_read_unlock(s, r3);", "srcu_read_unlock(s, r4);", "Sometimes"},
		{"srcu_read_unlock(s, r4);", "srcu_read_unlock(s, r3);", "Never"},
		{"r5 = r3; srcu_up_read(s, (int)r5);", "r5 = r4; srcu_up_read(s, r5);", "Sometimes"},
		{"r5 = r3; r3 = r4; srcu_read_unlock(s, r3);", "srcu_read_unlock(s, r5);", "Never"},
		{"srcu_read_unlock(s, r9 ? r4 : r3);", "srcu_read_unlock(s, r4);", "Sometimes"},
		{"if (r0) r5 = r3; else r5 = r4; srcu_read_unlock(s, r5);", "if (r5 == r4 && r0) srcu_read_unlock(s, r4); else srcu_read_unlock(s, r3);", "Never"},
		{"srcu_read_unlock(s, r3);", "srcu_read_unlock(s, 0);", "Sometimes"}, // the only one that is left
		{"srcu_read_unlock(s, r3); r3 = READ_ONCE(*x);", "srcu_read_unlock(s, r4);", "Sometimes"},
	} {
		p := compile(t, fmt.Sprintf(src, v.middle, v.end))
		for m := explore.SC; m <= explore.LKMM; m++ {
			if res := explored(t, p, m); res.Observation() != v.want {
				t.Errorf("%s %s under %v: %s (%v), want %s", v.middle, v.end, m, res.Observation(), res.Fault, v.want)
			}
		}
	}
}

// A value that may be of another thread's section gets no answer.
func TestCookiesFromElsewhere(t *testing.T) {
	const memory, computed = "an SRCU cookie that comes from memory is not supported", "an SRCU cookie that is computed is not supported"
	for _, v := range []struct{ stmts, want string }{
		{"srcu_read_unlock(x, READ_ONCE(*y));", "f:5:21: " + memory},
		{"r1 = srcu_down_read(x); WRITE_ONCE(*y, r1);\nr2 = *y; srcu_up_read(x, r2);", "f:6:26: " + memory},
		{"r2 = xchg(y, 1); r1 = r2; srcu_up_read(x, r1);", "f:5:43: " + memory},
		{"r1 = srcu_read_lock(x); if (r1) r1 = *y; srcu_read_unlock(x, r1);", "f:5:62: " + memory},
		{"r1 = srcu_read_lock(x); if (r1) {} else { r1 = *y; } srcu_read_unlock(x, r1);", "f:5:74: " + memory},
		{"r1 = srcu_read_lock(x); if (r1) srcu_read_unlock(x, *y);", "f:5:53: " + memory},
		{"r1 = srcu_read_lock(x); srcu_read_unlock(x, r2 ? r1 : *y);", "f:5:48: " + memory},
		{"r1 = srcu_read_lock(x); r2 = r1 + 0; srcu_read_unlock(x, r2);", "f:5:58: " + computed},
		{"r1 = srcu_read_lock(x); srcu_read_unlock(x, -r1);", "f:5:45: " + computed},
		{"r1 = *y; r1 = srcu_read_lock(x); srcu_read_unlock(x, r1); r1 = *y;", ""},
	} {
		f, err := Parse("f", body(v.stmts))
		if err == nil {
			_, err = Compile(f)
		}
		if got := fmt.Sprint(err); got != v.want && (err != nil || v.want != "") {
			t.Errorf("%s\ngot  %s\nwant %s", v.stmts, got, v.want)
		} else if e, ok := err.(*Error); ok && (!e.Unsupported() || !strings.HasPrefix(e.Construct, "an SRCU cookie")) {
			t.Errorf("%s: construct %q", v.stmts, e.Construct)
		}
	}
}
