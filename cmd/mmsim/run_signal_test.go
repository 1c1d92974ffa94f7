package main

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A signal in the middle of a plan far too long to finish ends it with the
// status that says which signal, and keeps what was finished: in the files and
// in the store.
func TestSignalsKeepWhatIsFinished(t *testing.T) {
	guard := make(chan os.Signal, 2) // should the run end early, the test must not die of its own signal
	signal.Notify(guard, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(guard)
	for _, c := range []struct {
		signal syscall.Signal
		status int
		word   string
	}{{syscall.SIGINT, statusInterrupted, "interrupted"}, {syscall.SIGTERM, statusTerminated, "terminated"}} {
		dir := t.TempDir()
		csv, store := filepath.Join(dir, "out.csv"), filepath.Join(dir, "kept")
		var out, log bytes.Buffer
		status := make(chan int)
		go func() {
			status <- run([]string{"run", "--quick", "--seeds", "10000", "-j", "2", "--csv", csv, "--store", store}, &out, &log)
		}()
		for !hasRecord(store) {
			time.Sleep(time.Millisecond)
		}
		if err := syscall.Kill(os.Getpid(), c.signal); err != nil {
			t.Fatal(err)
		}
		if got := <-status; got != c.status {
			t.Errorf("%v: status %d, want %d; %s", c.signal, got, c.status, &log)
		}
		rows, err := os.ReadFile(csv)
		if err != nil || bytes.Count(rows, []byte("\n")) < 2 {
			t.Errorf("%v: finished records are not in the file: %v", c.signal, err)
		}
		if !strings.Contains(log.String(), c.word) || !strings.Contains(log.String(), "of 120000 runs finished") {
			t.Errorf("%v: the log says %q", c.signal, &log)
		}
		if out.Len() > 0 {
			t.Errorf("%v: an unfinished plan prints a report", c.signal)
		}
	}
}

func hasRecord(store string) bool {
	files, err := filepath.Glob(filepath.Join(store, "*.json"))
	return err == nil && len(files) > 0
}
