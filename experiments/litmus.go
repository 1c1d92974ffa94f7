package experiments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/cores"
	"mmsim/explore"
	"mmsim/litmus"
)

// LitmusRequest is one call of "mmsim litmus".
type LitmusRequest struct {
	Paths []string // files, and directories that hold *.litmus files
	// Model is what the tests are explored under, unless Machine is set: then
	// they are timed on it.
	Model     string
	Machine   string // preset or file
	Overrides []configs.Assignment
	CPUs      []int // of the threads of timed tests, as many as a test has; nil means CPU 0, 1, ...
	Runs      int   // of a timed test
	Seed      uint64
	Budget    time.Duration // host time for the exploration of one test
	CSV       string        // file; "" for none
	Workers   int
	Done      func(finished, total int)
}

// LitmusModels lists the memory models.
func LitmusModels() []string { return explore.Models() }

// Do runs the tests and prints their results to out in the order of their
// files, whatever the number of workers; more than one file gives a summary
// too. What is wrong with a file goes to log. The error is an *InputError if
// nothing could be run.
func (q *LitmusRequest) Do(ctx context.Context, out, log io.Writer) error {
	files, run, err := q.prepare()
	if err != nil {
		return &InputError{err}
	}
	tests := make([]litmusTest, len(files))
	printed := 0
	for i := range inOrder(ctx, len(files), q.Workers, func(i int) { tests[i] = run(ctx, files[i]) }) {
		if err := tests[i].print(out, log, len(files) > 1); err != nil {
			return err
		}
		if printed++; q.Done != nil {
			q.Done(printed, len(files))
		}
	}
	if ctx.Err() != nil {
		tests = tests[:printed]
	}
	if err := q.conclude(out, tests, len(files)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w\n%d of %d tests finished", context.Cause(ctx), printed, len(files))
	}
	return nil
}

// prepare checks the request. run makes the test of a file.
func (q *LitmusRequest) prepare() (files []string, run func(context.Context, string) litmusTest, err error) {
	if err = checkWorkers(q.Workers); err != nil {
		return nil, nil, err
	}
	if q.CSV != "" {
		if info, err := os.Stat(filepath.Dir(q.CSV)); err != nil || !info.IsDir() {
			return nil, nil, fmt.Errorf("--csv: cannot write %s: %s is no directory", q.CSV, filepath.Dir(q.CSV))
		}
	}
	if files, err = litmusFiles(q.Paths); err != nil {
		return nil, nil, err
	}
	judge, err := q.judge()
	return files, func(ctx context.Context, path string) litmusTest { return runLitmus(ctx, path, judge) }, err
}

// judge is how one test is carried out.
type judge func(context.Context, *litmus.Program) (*litmus.Result, error)

func (q *LitmusRequest) judge() (judge, error) {
	if q.Machine != "" {
		hw, err := q.machine()
		t := litmus.Timing{Machine: hw, CPUs: q.CPUs, Runs: q.Runs, Seed: q.Seed}
		return func(ctx context.Context, p *litmus.Program) (*litmus.Result, error) {
			t := t
			t.CPUs = q.CPUs[:min(len(q.CPUs), len(p.File.Procs))]
			if err := t.Check(p); err != nil {
				return nil, &InputError{err}
			}
			return litmus.Time(ctx, p, t)
		}, err
	}
	model, err := explore.ParseModel(q.Model)
	if err != nil {
		return nil, schema.Unknown("memory model", q.Model, explore.Models())
	}
	if q.Budget <= 0 {
		return nil, fmt.Errorf("--budget: %v; expected a time above 0, such as 10s", q.Budget)
	}
	s := litmus.Search{Model: model, Budget: q.Budget}
	return func(ctx context.Context, p *litmus.Program) (*litmus.Result, error) { return litmus.Explore(ctx, p, s) }, nil
}

func (q *LitmusRequest) machine() (*cores.Machine, error) {
	if q.Runs < 1 {
		return nil, fmt.Errorf("--runs: %d; expected at least 1", q.Runs)
	}
	m, err := loadMachine(q.Machine, q.Overrides)
	if err != nil {
		return nil, err
	}
	return m.Resolve()
}

// litmusFiles are the files named, and those of the directories named.
func litmusFiles(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		before := len(out)
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (name == path || strings.HasSuffix(name, ".litmus")) {
				out = append(out, name)
			}
			return err
		})
		var missing *fs.PathError
		switch {
		case errors.As(err, &missing):
			return nil, fmt.Errorf("cannot read %s: %w", missing.Path, missing.Err)
		case err != nil:
			return nil, err
		case len(out) == before:
			return nil, fmt.Errorf("%s holds no litmus tests; expected files named *.litmus", path)
		}
	}
	return out, nil
}

// litmusTest is a file and what came of it: a result, or what is wrong.
type litmusTest struct {
	path   string
	name   string
	result *litmus.Result
	err    error
}

func runLitmus(ctx context.Context, path string, judge judge) litmusTest {
	t := litmusTest{path: path}
	text, err := os.ReadFile(path)
	if err != nil {
		t.err = err
		return t
	}
	f, err := litmus.Parse(path, string(text))
	if err != nil {
		t.err = err
		return t
	}
	t.name = f.Name
	p, err := litmus.Compile(f)
	if err != nil {
		t.err = err
		return t
	}
	if t.result, t.err = judge(ctx, p); t.err != nil {
		t.result = nil
	}
	return t
}

// print writes the test's result. What is wrong with the only file is left to
// the caller.
func (t *litmusTest) print(out, log io.Writer, several bool) (err error) {
	switch {
	case t.err != nil && several:
		_, err = fmt.Fprintf(log, "mmsim: %v\n", t.err)
	case t.err != nil:
	case t.result.Machine != nil:
		err = t.result.WriteTimed(out)
	default:
		err = t.result.WriteHerd(out)
	}
	if err == nil && several && t.err == nil {
		_, err = fmt.Fprintln(out)
	}
	return err
}

// outcome is the test's word in the summary.
func (t *litmusTest) outcome() string {
	var bad *litmus.Error
	switch {
	case t.err == nil:
		return t.result.Verdict().String()
	case errors.As(t.err, &bad) && bad.Unsupported():
		return "unsupported"
	case errors.As(t.err, &bad):
		return "malformed"
	}
	return "failed"
}
