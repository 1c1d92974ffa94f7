package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the golden parts of scripts")

// The test binary is mmsim too, for the scripts.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"mmsim": main}) }

// Every script of testdata/script. Beside testscript's own commands:
//
//	exits STATUS COMMAND...   the command ends with that exit status
//	damage DIRECTORY          cuts the first file there in half
//	replays                   the commands behind "Replay:" in the last output show
//	                          what is above them
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"damage":  damage,
			"replays": replays,
		}})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func replays(ts *testscript.TestScript, neg bool, args []string) {
	const mark = "Replay: mmsim "
	parts := strings.Split(ts.ReadFile("stdout"), mark)
	if neg || len(args) > 0 || len(parts) < 2 {
		ts.Fatalf("usage: replays, behind a command that prints violations")
	}
	shown := parts[0]
	for _, p := range parts[1:] {
		command, rest, _ := strings.Cut(p, "\n")
		ts.Check(ts.Exec("mmsim", strings.Fields(strings.ReplaceAll(command, "'", ""))...))
		title, columns, _ := strings.Cut(shown, "\n")
		got := ts.ReadFile("stdout")
		if !strings.HasPrefix(got, title+"\n") || columns != "" && got != shown+mark+command+"\n" {
			ts.Fatalf("mmsim %s shows\n%s, not\n%s", command, got, shown)
		}
		shown = strings.TrimPrefix(rest, "\n")
	}
}

func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage DIRECTORY")
	}
	files, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, f := range files {
		name := filepath.Join(ts.MkAbs(args[0]), f.Name())
		text, err := os.ReadFile(name)
		ts.Check(err)
		ts.Check(os.WriteFile(name, text[:len(text)/2], 0o600))
		return
	}
	ts.Fatalf("%s is empty", args[0])
}
