package experiments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const litmusGood = "C %s\n{}\nP0(int *x, int *y) { WRITE_ONCE(*x, 1); %s int r1 = READ_ONCE(*y); }\n" +
	"P1(int *x, int *y) { WRITE_ONCE(*y, 1); %s int r1 = READ_ONCE(*x); }\nexists (0:r1=0 /\\ 1:r1=0)\n"

// litmusDir writes files into a new directory.
func litmusDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (q LitmusRequest) try(t *testing.T) (out, log string, err error) {
	t.Helper()
	var o, l bytes.Buffer
	q.Budget, q.Runs, q.Seed = 10*time.Second, 50, 1
	err = q.Do(context.Background(), &o, &l)
	return o.String(), l.String(), err
}

func TestLitmusDirectory(t *testing.T) {
	files := map[string]string{"bad.litmus": "C bad\n{}\nP0() { r1 = ; }\nexists (x=1)\n",
		"loop.litmus": "C loop\n{}\nP0() { while (1) ; }\nexists (x=1)\n", "README": "no test"}
	for i := range 20 {
		fence := []string{"", "smp_mb();"}[i%2]
		files[fmt.Sprintf("sb%02d.litmus", i)] = fmt.Sprintf(litmusGood, fmt.Sprintf("sb%d", i), fence, fence)
	}
	dir := litmusDir(t, files)
	csv := filepath.Join(t.TempDir(), "out.csv")
	q := LitmusRequest{Paths: []string{dir}, Model: "x86-tso", Workers: 1, CSV: csv}
	out, log, err := q.try(t)
	if err == nil || err.Error() != "1 of 22 files could not be run" || errors.As(err, new(*InputError)) {
		t.Errorf("error %v", err)
	}
	if !strings.HasSuffix(out, "22 files: 10 Ok, 10 No, 1 unsupported, 1 malformed\n") {
		t.Errorf("count is missing:\n%s", out[max(0, len(out)-400):])
	}
	for _, want := range []string{"bad.litmus:3:13: unexpected \";\"", "loop.litmus:3:8: while is not supported"} {
		if !strings.Contains(log, want) || !strings.Contains(out, want) {
			t.Errorf("%q is missing from the log or the summary:\n%s", want, log)
		}
	}
	rows, _ := os.ReadFile(csv)
	if n := strings.Count(string(rows), "\n"); n != 23 {
		t.Errorf("%d lines of CSV", n)
	}
	q.Workers = 4
	if again, _, _ := q.try(t); again != out {
		t.Error("the output depends on the number of workers")
	}
}

func TestLitmusInputErrors(t *testing.T) {
	dir := litmusDir(t, map[string]string{"bad.litmus": "C bad\n{}\nP0() { r1 = ; }\nexists (x=1)\n", "ok.litmus": fmt.Sprintf(litmusGood, "sb", "", "")})
	ok := filepath.Join(dir, "ok.litmus")
	for _, v := range []struct {
		q    LitmusRequest
		want string
	}{
		{LitmusRequest{Paths: []string{filepath.Join(dir, "absent")}, Model: "sc", Workers: 1}, "no such file"},
		{LitmusRequest{Paths: []string{t.TempDir()}, Model: "sc", Workers: 1}, "holds no litmus tests; expected files named *.litmus"},
		{LitmusRequest{Paths: []string{filepath.Join(dir, "bad.litmus")}, Model: "sc", Workers: 1}, "bad.litmus:3:13: unexpected \";\"; expected an expression"},
		{LitmusRequest{Paths: []string{ok}, Model: "tso", Workers: 1}, "unknown memory model \"tso\"; expected one of sc, x86-tso"},
		{LitmusRequest{Paths: []string{ok}, Machine: "vax", Workers: 1}, "unknown machine \"vax\""},
		{LitmusRequest{Paths: []string{ok}, Machine: "xeon-6138-2s", CPUs: []int{0, 0}, Workers: 1}, "two threads on CPU 0"},
		{LitmusRequest{Paths: []string{ok}, Machine: "xeon-6138-2s", CPUs: []int{0}, Workers: 1}, "2 threads for 1 CPUs"},
		{LitmusRequest{Paths: []string{ok}, Machine: "xeon-6138-2s", CPUs: []int{0, 80}, Workers: 1}, "P1 on CPU 80; expected one of the CPUs 0 to 79"},
		{LitmusRequest{Paths: []string{ok}, Model: "sc"}, "-j: 0 workers"},
		{LitmusRequest{Paths: []string{ok}, Model: "sc", Workers: 1, CSV: filepath.Join(dir, "a", "b")}, "--csv: cannot write"},
	} {
		out, _, err := v.q.try(t)
		if err == nil || !strings.Contains(err.Error(), v.want) || !errors.As(err, new(*InputError)) || out != "" {
			t.Errorf("error %v, want %s as an input error and no output; got\n%s", err, v.want, out)
		}
	}
}

func TestLitmusTakesAsManyCPUsAsATestHasThreads(t *testing.T) {
	dir := litmusDir(t, map[string]string{"ok.litmus": fmt.Sprintf(litmusGood, "sb", "", "")})
	q := LitmusRequest{Paths: []string{dir}, Machine: "xeon-6138-2s", Runs: 20, Workers: 1, CPUs: []int{0, 20}}
	two, _, err := q.try(t)
	if err != nil {
		t.Fatal(err)
	}
	q.CPUs = []int{0, 20, 1, 21}
	if four, _, err := q.try(t); err != nil || four != two {
		t.Errorf("on two of four CPUs (%v)\n%s\non two\n%s", err, four, two)
	}
}

func TestLitmusInterrupted(t *testing.T) {
	dir := litmusDir(t, map[string]string{"a.litmus": fmt.Sprintf(litmusGood, "a", "", ""), "b.litmus": fmt.Sprintf(litmusGood, "b", "", "")})
	ctx, cancel := context.WithCancelCause(context.Background())
	stopped := errors.New("stopped")
	cancel(stopped)
	q := LitmusRequest{Paths: []string{dir}, Model: "sc", Workers: 1, Budget: time.Second}
	if err := q.Do(ctx, new(bytes.Buffer), new(bytes.Buffer)); !errors.Is(err, stopped) {
		t.Errorf("error %v", err)
	}
}
