package litmus

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mmsim/explore"
)

// What one thread computes, in every model: results of primitives, C's
// operators and control flow.
func TestValues(t *testing.T) {
	for _, v := range []struct{ init, body, show, want string }{
		{"x=3", "r1 = atomic_add_return(2, x); r2 = atomic_read(x);", "0:r1; 0:r2", "0:r1=5; 0:r2=5;"},
		{"x=3", "r1 = atomic_fetch_add(2, x); r2 = atomic_sub_return_relaxed(4, x);", "0:r1; 0:r2", "0:r1=3; 0:r2=1;"},
		{"x=1", "r1 = atomic_dec_and_test(x); r2 = atomic_inc_and_test(x); r3 = atomic_sub_and_test(1, x);", "0:r1; 0:r2; 0:r3", "0:r1=1; 0:r2=0; 0:r3=1;"},
		{"x=1", "r1 = atomic_add_negative(-2, x); r2 = atomic_inc_return_acquire(x); atomic_dec(x);", "0:r1; 0:r2; x", "0:r1=1; 0:r2=0; [x]=-1;"},
		{"x=12", "atomic_and(6, x); atomic_or(1, x); r1 = atomic_fetch_xor(3, x); r2 = atomic_fetch_andnot(2, x);", "0:r1; 0:r2; x", "0:r1=5; 0:r2=6; [x]=4;"},
		{"x=1", "r1 = xchg(x, 2); r2 = cmpxchg(x, 5, 7); r3 = cmpxchg_relaxed(x, 2, 8);", "0:r1; 0:r2; 0:r3; x", "0:r1=1; 0:r2=2; 0:r3=2; [x]=8;"},
		{"x=1", "r1 = atomic_xchg_release(x, 2); r2 = atomic_long_cmpxchg(x, 2, 3); r3 = atomic64_fetch_inc(x);", "0:r1; 0:r2; 0:r3; x", "0:r1=1; 0:r2=2; 0:r3=3; [x]=4;"},
		{"x=1", "r1 = atomic_add_unless(x, 5, 1); r2 = atomic_add_unless(x, 5, 0); r3 = atomic_fetch_add_unless(x, 1, 0);", "0:r1; 0:r2; 0:r3; x", "0:r1=0; 0:r2=1; 0:r3=6; [x]=7;"},
		{"x=0", "r1 = atomic_inc_not_zero(x); atomic_set(x, 4); r2 = atomic_inc_not_zero(x); atomic_set_release(x, r2 + 8); r3 = atomic_read_acquire(x);", "0:r1; 0:r2; 0:r3", "0:r1=0; 0:r2=1; 0:r3=9;"},
		{"", "smp_store_mb(*x, 3); r1 = *x; *y = r1 + 1; r2 = *y;", "0:r1; 0:r2", "0:r1=3; 0:r2=4;"},
		{"x=y", "int *p = READ_ONCE(*x); *p = 9; r1 = **x; r2 = (p == y); r3 = &*p != &y;", "0:p; 0:r1; 0:r2; 0:r3; y", "0:p=y; 0:r1=9; 0:r2=1; 0:r3=0; [y]=9;"},
		{"", "r1 = 1 + 2 * 3 - 8 / 4 % 3; r2 = 7 & 3 | 8 ^ 1; r3 = (1 << 4 >> 2) + ~0 + -1 + !5 + !0;", "0:r1; 0:r2; 0:r3", "0:r1=5; 0:r2=11; 0:r3=3;"},
		{"x=6", "*x += 2; *x ^= 1; r1 = *x; r1--; r1 <<= 2; r2 = true; r3 = r9 == NULL; r4 = false;", "0:r1; 0:r2; 0:r3; 0:r4; x", "0:r1=32; 0:r2=1; 0:r3=1; 0:r4=0; [x]=9;"},
		{"", "r1 = 1 < 2 && 2 <= 2; r2 = 3 > 4 || 4 >= 5; r3 = r1 ? 10 : 20;", "0:r1; 0:r2; 0:r3", "0:r1=1; 0:r2=0; 0:r3=10;"},
		{"", "r1 = 0 && xchg(x, 1); r2 = 1 || xchg(x, 1); r3 = *x;", "0:r1; 0:r2; 0:r3", "0:r1=0; 0:r2=1; 0:r3=0;"},
		{"", "if (r9) r1 = 1; else { if (!r9) r1 = 2; r2 = 3; }", "0:r1; 0:r2; 0:nowhere; z", "0:nowhere=0; 0:r1=2; 0:r2=3; [z]=0;"},
		{"0:r1=y; 0:r2=-4; int *z = &x", "r3 = spin_is_locked(s); r4 = spin_trylock(s); r5 = spin_is_locked(s); r6 = spin_trylock(s); spin_unlock(s);", "0:r1; 0:r2; 0:r3; 0:r4; 0:r5; 0:r6; z",
			"0:r1=y; 0:r2=-4; 0:r3=0; 0:r4=1; 0:r5=1; 0:r6=0; [z]=x;"},
	} {
		src := fmt.Sprintf("C t\n{ %s; }\nP0(int *x, int *y, spinlock_t *s)\n{ %s }\nlocations [%s]\nexists (true)", v.init, v.body, v.show)
		p := compile(t, src)
		for m := explore.SC; m <= explore.LKMM; m++ {
			res := explored(t, p, m)
			if len(res.States) != 1 || res.States[0].Text != v.want || res.Verdict() != Ok {
				t.Errorf("%s under %v: %v, want %s", v.body, m, res.States, v.want)
			}
		}
	}
}

func TestSemanticErrors(t *testing.T) {
	for _, v := range []struct{ src, want string }{
		{body("r1 = frob(x);"), "f:5:6: the function frob is not supported"},
		{body("r1 = atomic_add_return_mb(1, x);"), "f:5:6: the function atomic_add_return_mb is not supported"},
		{body("atomic_add_relaxed(1, x);"), "f:5:1: the function atomic_add_relaxed is not supported"},
		{body("r1 = smp_mb();"), "f:5:6: smp_mb has no value; expected a primitive that returns one"},
		{body("WRITE_ONCE(*x);"), "f:5:1: WRITE_ONCE has 1 arguments; expected 2 arguments"},
		{body("r1 = READ_ONCE(x);"), "f:5:16: READ_ONCE of something that is not in memory; expected an lvalue (*x)"},
		{body("r1 = &r2;"), "f:5:6: the address of a local is not supported"},
		{body("r1 = 268435456;"), "f:5:6: the integer 268435456, which could be an address, is not supported"},
		{"C t\n{ 3:r1 = 1; }\nP0() {}\nexists (x=1)", "f:2:5: there is no process P3; expected a register of one of the processes"},
		{"C t\n{}\nP0() {}\nexists (x=1 /\\ 2:r1=0)", "f:4:16: there is no process P2; expected a register of one of the processes"},
		{"C t\n{}\nP0(spinlock_t *s) { spin_lock(s); }\nexists (s=0)", "f:4:9: the final value of the spinlock s is not supported"},
	} {
		f, err := Parse("f", v.src)
		if err == nil {
			_, err = Compile(f)
		}
		if err == nil || err.Error() != v.want {
			t.Errorf("got  %v\nwant %s", err, v.want)
		}
	}
}

func TestFaultsAreNoOutcomes(t *testing.T) {
	for _, v := range []struct{ body, want string }{
		{"int *p; r1 = *p;", "P0, line 5: access through 0, which is not the address of a variable"},
		{"r1 = 1 / r2;", "P0, line 5: division by zero"},
		{"spin_unlock(x);", "P0, line 5: spin_unlock of x, which P0 does not hold"},
		{"rcu_read_unlock();", "P0, line 5: rcu_read_unlock outside of a reader"},
		{"srcu_read_unlock(x, 0);", "P0, line 5: srcu_read_unlock outside of a reader of x"},
		{"r1 = srcu_read_lock(x); srcu_read_unlock(x, r1); srcu_read_unlock(x, r1);", "P0, line 5: srcu_read_unlock outside of a reader of x"},
		{"r1 = srcu_read_lock(x); r2 = srcu_read_lock(x); srcu_read_unlock(x, r1); srcu_read_unlock(x, r1);", "P0, line 5: srcu_read_unlock of x with the value of another reader"},
		{"r1 = srcu_read_lock(x); r2 = srcu_read_lock(y); srcu_read_unlock(y, r1);", "P0, line 5: srcu_read_unlock of y with the value of another reader"},
		{"r1 = srcu_read_lock(x); r2 = srcu_read_lock(x); srcu_read_unlock(x, 0);", "P0, line 5: srcu_read_unlock with a value that tells not which of 2 readers of x ends"},
	} {
		res := explored(t, compile(t, body(v.body)), explore.SC)
		if res.Verdict() != Faulty || res.Fault.String() != v.want || len(res.States) != 0 {
			t.Errorf("%s: %v, %v, %d states", v.body, res.Verdict(), res.Fault, len(res.States))
		}
	}
}

// A thread may go wrong in an execution that the RCU axiom rules out; that is no
// fault of the test.
func TestNoFaultInWhatCannotHappen(t *testing.T) {
	const freed = "C t\n{ y=x; x=w; }\nP0(int **y)\n{ int *r0; int *r1; rcu_read_lock(); r0 = rcu_dereference(*y); r1 = READ_ONCE(*r0); *r1 = 1; rcu_read_unlock(); }\n" +
		"P1(int **y, int *z, int *x)\n{ *z = x; synchronize_rcu(); rcu_assign_pointer(*y, z); synchronize_rcu(); WRITE_ONCE(*x, 0); }\nexists (true)"
	srcu := strings.NewReplacer("P0(", "P0(struct srcu_struct *s, ", "P1(", "P1(struct srcu_struct *s, ", "synchronize_rcu()", "synchronize_srcu(s)",
		"rcu_read_lock()", "int a = srcu_read_lock(s)", "READ_ONCE(*r0);", "READ_ONCE(*r0); int b = srcu_read_lock(s);",
		"rcu_read_unlock()", "srcu_read_unlock(s, b); srcu_read_unlock(s, a)").Replace(freed)
	for _, src := range []string{freed, srcu} {
		for m := explore.SC; m <= explore.LKMM; m++ {
			if res := explored(t, compile(t, src), m); res.Fault != nil || res.Verdict() != Ok {
				t.Errorf("%s\nunder %v: %v, %v", src, m, res.Verdict(), res.Fault)
			}
		}
	}
}

func TestExploredDeadlocks(t *testing.T) {
	for name, src := range selfDeadlocks {
		res := explored(t, compile(t, src), explore.LKMM)
		if res.Verdict() != Deadlock || res.Blocked == nil || res.Observation() != "Deadlock" {
			t.Errorf("%s: %v, blocked at %v", name, res.Verdict(), res.Blocked)
		}
	}
	const crossed = "C t\n{}\nP0(int *x, spinlock_t *s, spinlock_t *t)\n{ spin_lock(s); spin_lock(t); WRITE_ONCE(*x, 1); spin_unlock(t); spin_unlock(s); }\n" +
		"P1(int *x, spinlock_t *s, spinlock_t *t)\n{ spin_lock(t); spin_lock(s); WRITE_ONCE(*x, 2); spin_unlock(s); spin_unlock(t); }\nexists (x=1)"
	res := explored(t, compile(t, crossed), explore.X86TSO)
	if res.Observation() != "Sometimes" || !res.Complete {
		t.Errorf("crossed locks: %s, complete %v", res.Observation(), res.Complete)
	}
}

// A verdict needs the whole space only if what was seen does not decide it.
func TestVerdicts(t *testing.T) {
	for _, v := range []struct {
		quant       Quantifier
		pos, neg    int
		complete    bool
		verdict     Verdict
		observation string
	}{
		{Exists, 1, 1, true, Ok, "Sometimes"}, {Exists, 0, 1, true, No, "Never"}, {Exists, 1, 0, true, Ok, "Always"},
		{Exists, 1, 0, false, Ok, "Unknown"}, {Exists, 0, 1, false, Unknown, "Unknown"}, {Exists, 1, 1, false, Ok, "Sometimes"},
		{NotExists, 1, 1, true, No, "Sometimes"}, {NotExists, 0, 1, true, Ok, "Never"}, {NotExists, 0, 1, false, Unknown, "Unknown"},
		{Forall, 1, 0, true, Ok, "Always"}, {Forall, 1, 1, true, No, "Sometimes"}, {Forall, 1, 0, false, Unknown, "Unknown"},
		{Forall, 0, 1, false, No, "Unknown"},
	} {
		r := &Result{Program: &Program{File: &File{Quant: v.quant}}, Complete: v.complete, Ended: 1}
		for range v.pos {
			r.States = append(r.States, State{Witness: true})
		}
		r.States = append(r.States, make([]State, v.neg)...)
		if r.Verdict() != v.verdict || r.Observation() != v.observation {
			t.Errorf("%+v: %v, %s", v, r.Verdict(), r.Observation())
		}
	}
}

func TestFilterColumnsAreNotShown(t *testing.T) {
	res := explored(t, load(t, "levels/6-plain+filter"), explore.LKMM)
	if len(res.States) != 1 || res.States[0].Text != "1:r1=1;" {
		t.Errorf("states %v", res.States)
	}
}

func TestHerdForm(t *testing.T) {
	var b bytes.Buffer
	if err := explored(t, load(t, "visible/SB+poonceonces"), explore.X86TSO).WriteHerd(&b); err != nil {
		t.Fatal(err)
	}
	if want := `Test SB+poonceonces Allowed
States 4
0:r0=0; 1:r0=0;
0:r0=0; 1:r0=1;
0:r0=1; 1:r0=0;
0:r0=1; 1:r0=1;
Ok
Witnesses
Positive: 1 Negative: 3
Condition exists (0:r0=0 /\ 1:r0=0)
Observation SB+poonceonces Sometimes 1 3
Scope SB+poonceonces x86-tso, 2 CPUs, 4 executions, exhausted
`; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// Every primitive of the kernel's definitions for these tests is known.
func TestPrimitivesOfTheKernelModel(t *testing.T) {
	names := strings.Fields(`READ_ONCE WRITE_ONCE smp_store_release smp_load_acquire rcu_assign_pointer rcu_dereference
		smp_store_mb smp_mb smp_rmb smp_wmb smp_mb__before_atomic smp_mb__after_atomic smp_mb__after_spinlock
		smp_mb__after_unlock_lock smp_mb__after_srcu_read_unlock barrier xchg cmpxchg spin_lock spin_unlock spin_trylock
		spin_is_locked rcu_read_lock rcu_read_unlock synchronize_rcu synchronize_rcu_expedited srcu_read_lock
		srcu_read_unlock srcu_down_read srcu_up_read synchronize_srcu synchronize_srcu_expedited atomic_read atomic_set
		atomic_read_acquire atomic_set_release atomic_add atomic_sub atomic_inc atomic_dec atomic_and atomic_or atomic_xor
		atomic_andnot atomic_add_return atomic_sub_return atomic_inc_return atomic_dec_return atomic_fetch_add
		atomic_fetch_sub atomic_fetch_inc atomic_fetch_dec atomic_fetch_and atomic_fetch_or atomic_fetch_xor
		atomic_fetch_andnot atomic_xchg atomic_cmpxchg atomic_sub_and_test atomic_dec_and_test atomic_inc_and_test
		atomic_add_negative atomic_add_unless`)
	for _, n := range names {
		if _, ok := findPrim(n); !ok {
			t.Errorf("%s is unknown", n)
		}
		if strings.HasPrefix(n, "atomic_fetch_") || strings.HasSuffix(n, "_return") || strings.HasSuffix(n, "xchg") {
			for _, suffix := range []string{"_relaxed", "_acquire", "_release"} {
				if _, ok := findPrim(n + suffix); !ok {
					t.Errorf("%s is unknown", n+suffix)
				}
			}
		}
	}
}

// Whatever parses can be explored without going wrong in itself.
func FuzzExplore(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src, uint8(len(src)))
	}
	f.Fuzz(func(t *testing.T, src string, model uint8) {
		file, err := Parse("f", src)
		if err != nil || len(file.Procs) > 8 {
			return
		}
		p, err := Compile(file)
		if err != nil {
			return
		}
		s := Search{Model: explore.Model(model % 4), Budget: 20 * time.Millisecond}
		if _, err := Explore(context.Background(), p, s); err != nil {
			t.Error(err)
		}
	})
}
