package main

import (
	"errors"
	"fmt"
	"testing"

	"mmsim/experiments"
)

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("deadlock"), 1},
		{&experiments.RunError{Err: errors.New("deadlock")}, 1},
		{badInput(errors.New("unknown key")), 2},
		{fmt.Errorf("wrapped: %w", badInput(errors.New("unknown key"))), 2},
		{fmt.Errorf("%w\n3 of 7 runs finished", errInterrupted), 130},
		{fmt.Errorf("%w\n3 of 7 runs finished", errTerminated), 75},
	} {
		if got := exitStatus(c.err); got != c.want {
			t.Errorf("%v: exit status %d, want %d", c.err, got, c.want)
		}
	}
}
