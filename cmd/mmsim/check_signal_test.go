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

// A signal ends mmsim check with what was decided by then, in the report and in
// the file, and the names of what is missing.
func TestSignalsKeepWhatIsChecked(t *testing.T) {
	guard := make(chan os.Signal, 2)
	signal.Notify(guard, syscall.SIGINT)
	defer signal.Stop(guard)
	csv := filepath.Join(t.TempDir(), "out.csv")
	var out, log bytes.Buffer
	status := make(chan int)
	go func() {
		status <- run([]string{"check", "lock-exclusion", "--bound", "100", "--model", "sc", "-j", "1", "--csv", csv}, &out, &log)
	}()
	// The search of tas ends by itself; that of rwsem would take ages.
	time.Sleep(2 * time.Second)
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := <-status; got != statusInterrupted {
		t.Errorf("status %d, want %d; %s", got, statusInterrupted, &log)
	}
	rows, err := os.ReadFile(csv)
	if err != nil || !bytes.Contains(rows, []byte("lock-exclusion,tas,sc,")) {
		t.Errorf("what was decided is not in the file: %v\n%s", err, rows)
	}
	for _, want := range []string{" safe (exhausted, bound 100) ", "UNKNOWN (interrupted; safe at bound ", "Interrupted; not decided: ", "lock-exclusion, lock-busted."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the report:\n%s", want, &out)
		}
	}
	if !strings.Contains(log.String(), "interrupted\n") || !strings.Contains(log.String(), "of 11 verdicts finished") {
		t.Errorf("the log says %q", &log)
	}
}
