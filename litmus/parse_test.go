package litmus

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// body makes a whole file around the body of its only process.
func body(stmts string) string {
	return "C t\n{}\nP0(int *x, int *y)\n{\n" + stmts + "\n}\nexists (0:r1=1)\n"
}

func TestMalformedFilesNamePlaceAndExpectation(t *testing.T) {
	for _, v := range []struct{ name, src, want string }{
		{"empty", "", `f:1:1: no litmus test here; expected "C" and the test's name`},
		{"no kind", "SB\n{}\n", `f:1:1: unexpected "SB"; expected "C" and the test's name`},
		{"assembly", "X86 SB\n{}\n", `f:1:1: a test in X86 assembly is not supported`},
		{"no name", "C\n{}\n", `f:1:1: the test has no name; expected a name behind it`},
		{"no init", "C t\nfree text\n", `f:3:1: unexpected the end of the file; expected "{"`},
		{"init value", "C t\n{ x=; }\n", `f:2:5: unexpected ";"; expected an integer or the name of a variable`},
		{"init end", "C t\n{ x=1 y=2; }\n", `f:2:7: unexpected "y"; expected ";"`},
		{"no process", "C t\n{}\nexists (x=1)\n", `f:3:1: unexpected "exists"; expected a process (P0)`},
		{"two of a number", "C t\n{}\nP0() {}\nP0() {}\nexists (x=1)\n", `f:4:1: P0 is there twice; expected one process of each number`},
		{"no semicolon", body("  int r1 = 1\n  r1 = 2;"), `f:6:3: unexpected "r1"; expected ";"`},
		{"no operand", body("r1 = 1 + ;"), `f:5:10: unexpected ";"; expected an expression`},
		{"bad target", body("1 = 2;"), `f:5:1: the left side of = cannot be assigned; expected a local, or "*" and a pointer`},
		{"bad number", body("r1 = 08x;"), `f:5:6: 08x is no integer; expected an integer of at most 64 bits`},
		{"character", body("r1 = `;"), "f:5:6: the character '`' has no meaning here"},
		{"open comment", body("/* r1 = 1;"), `f:5:1: a comment does not end; expected "*/"`},
		{"open nested comment", "C t\n{}\nP0() {}\nexists (* a (* b *) (x=1)\n", `f:4:8: a comment does not end; expected "*)"`},
		{"no quantifier", "C t\n{}\nP0() {}\n", `f:4:1: unexpected the end of the file; expected another process, locations, filter, exists, ~exists or forall`},
		{"no value", "C t\n{}\nP0() {}\nexists (x=)\n", `f:4:11: unexpected ")"; expected an integer or the name of a variable`},
		{"no relation", "C t\n{}\nP0() {}\nexists (x /\\ y=1)\n", `f:4:11: unexpected "/\"; expected "=" or "!="`},
		{"open condition", "C t\n{}\nP0() {}\nexists (x=1\n", `f:5:1: unexpected the end of the file; expected ")"`},
		{"trailing", "C t\n{}\nP0() {}\nexists (x=1) y\n", `f:4:14: unexpected "y"; expected the end of the file`},
		{"while", body("while (1) r1 = 1;"), `f:5:1: while is not supported`},
		{"field", body("r1 = x->a;"), `f:5:7: a struct field is not supported`},
		{"array", body("r1 = x[1];"), `f:5:7: an array is not supported`},
		{"increment", body("r1 = r2++;"), `f:5:8: the operator ++ in an expression is not supported`},
		{"prefix", body("++r1;"), `f:5:1: the operator ++ in an expression is not supported`},
		{"compound", body("if (r1 += 1) r1 = 2;"), `f:5:8: the operator += in an expression is not supported`},
		{"increment of nothing", body("3++;"), `f:5:1: the left side of ++ cannot be assigned; expected a local, or "*" and a pointer`},
		{"elvis", body("r1 = r2 ?: 1;"), `f:5:9: the operator ?: is not supported`},
		{"list", "C t\n{ x = {1}; }\n", `f:2:7: an initialiser list is not supported`},
		{"goto", body("if (r1)\n  goto out;"), `f:6:3: goto is not supported`},
		{"label", body("out: r1 = 1;"), `f:5:4: a label is not supported`},
		{"nesting", body("r1 = " + strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000) + ";"), `f:5:105: more than 200 levels of nesting`},
	} {
		t.Run(v.name, func(t *testing.T) {
			_, err := Parse("f", v.src)
			if err == nil || err.Error() != v.want {
				t.Errorf("got  %v\nwant %s", err, v.want)
			}
			var e *Error
			if !errors.As(err, &e) || e.Unsupported() != strings.HasSuffix(v.want, "not supported") {
				t.Errorf("%v: unsupported is %v", err, e.Unsupported())
			}
		})
	}
}

// The traps of litmus-format.md, in one file each.
func TestTraps(t *testing.T) {
	for name, src := range map[string]string{
		"casts that look like comments": "C t\n{ x1=y; }\nP0(intptr_t **x1, int (*y))\n{ int *r1 = rcu_dereference(*(intptr_t **)x1); int r2 = *(r1*)1; }\nexists (0:r1=1)",
		"comments around processes":     "C t (* a { b *)\n\"cycle { in a string\"\nPrefetch=0:x=F\n{} (* don't *)\nP0 (int *x) { /* { */ // }\n } (* it's (* nested *) *)\nP1 (int *x) { }\nexists (* a *) (x=1 (* b *));;\r\n",
		"declarators":                   body("int *r1, r2 = 3, **r3;\nvolatile unsigned long r4;\nstruct foo *r5;"),
		"else":                          body("if (r1) r1 = 1; else {}\nif (r1) { } else if (r2) ; else r3 = 1;"),
		"heads":                         "C t\n{ struct srcu_struct ss = {}; int x = {0}, y, *z = (intptr_t *)&x; P1:r1 = z; };\nstatic void P0() {};\nstatic inline void P1() { }\nexists (P1:r1=z /\\ P0:r1=P1:r2)",
		"statements":                    body("atomic_int r1 = 1, *r2; foo_t *r3; r1++; *x -= 2; r1 <<= 3; *r2 |= 1; bar r4;"),
		"void":                          "C t\n{}\nvoid P0(void) { }\nforall (true /\\ (x=&y \\/ ~ 0:r1 != -0x1f => not [x]==y /\\ *x=1 /\\ 0:r1=0:r2))",
		"tail":                          "C t\n{ int x = ATOMIC_INIT(-1); atomic_t *y = &x; 0:r1 = x; int 0:r2 = 1; z; }\nP0() { }\nlocations [x; 0:r1; y]\nfilter (0:r1 = 1)\n~exists (x=1)",
	} {
		t.Run(name, func(t *testing.T) {
			if name == "casts that look like comments" {
				src = strings.Replace(strings.Replace(src, "int (*y)", "int *y", 1), "*(r1*)1", "*r1*(1)", 1)
			}
			if _, err := Parse("f", src); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConditionPrecedence(t *testing.T) {
	f, err := Parse("f", "C t\n{}\nP0() { }\nexists (~x=1 /\\ y=1 \\/ z=1 => x=2)")
	if err != nil {
		t.Fatal(err)
	}
	imp := f.Cond
	if imp.Op != Implies || imp.X.Op != Or || imp.X.X.Op != And || imp.X.X.X.Op != Not {
		t.Errorf("~ binds tightest, then /\\, then \\/, then =>; got %+v", imp)
	}
	if want := "(~x=1 /\\ y=1 \\/ z=1 => x=2)"; f.CondText != want {
		t.Errorf("condition text %q, want %q", f.CondText, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, err := Parse("f", src)
		if err == nil {
			_, err = Compile(file)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.File != "f" || e.Line < 1 || e.Col < 1) {
			t.Errorf("an error without its place: %v", err)
		}
	})
}

// seeds are the example files, and broken ones.
func seeds(t testing.TB) (out []string) {
	t.Helper()
	names, err := filepath.Glob("testdata/*/*.litmus")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return append(out, "", "C", "C t\n{", body("r1 = *(int *)x;"), body("if (r1) ; else"))
}
