package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"mmsim/experiments"
)

// Exit statuses. 75 is EX_TEMPFAIL of sysexits.h: what batch systems take as
// "run me again".
const (
	statusFailed      = 1
	statusInput       = 2
	statusTerminated  = 75
	statusInterrupted = 130
)

var (
	errInterrupted = errors.New("interrupted")
	errTerminated  = errors.New("terminated")
)

// withSignals gives a context that SIGINT and SIGTERM end. A second signal
// ends the process at once.
func withSignals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			if s == syscall.SIGTERM {
				cancel(errTerminated)
			} else {
				cancel(errInterrupted)
			}
		case <-ctx.Done():
			signal.Stop(signals)
		}
	}()
	return ctx, func() { cancel(nil) }
}

func exitStatus(err error) int {
	var input *experiments.InputError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &input):
		return statusInput
	case errors.Is(err, errInterrupted):
		return statusInterrupted
	case errors.Is(err, errTerminated):
		return statusTerminated
	}
	return statusFailed
}
