package experiments

import (
	"context"
	"errors"
	"strings"
	"testing"

	"mmsim/cores"
	"mmsim/results"
	"mmsim/sim"
	"mmsim/workloads"
)

// stuck is simulate with a first thread that never takes an interrupt: the first
// TLB flush waits for its acknowledgement for ever.
func stuck(ctx context.Context, r *Run) (*results.Record, error) {
	c := r.Config
	prog, err := workloads.Build(c.Spec, c.Machine, c.Design, r.Identity.Seed)
	if err != nil {
		return nil, err
	}
	prog.Threads[0].Body = func(c *sim.CPU) {
		c.IRQSave()
		for {
			c.Compute(1000)
		}
	}
	_, err = cores.Run(c.Machine, prog, cores.Options{Seed: r.Identity.Seed, Warmup: c.Warmup, Duration: c.Duration, Context: ctx})
	return nil, err
}

// A run that hangs ends with an error that says which run it was, and of every
// thread its path, its step and what it waits for.
func TestAStuckRunNamesItsThreads(t *testing.T) {
	t.Parallel()
	p := planned(t, "uprobe-vma-lookup", true, `designs=["mmap-lock"]`, "seeds=1", "duration=3ms",
		"sweep.group.hitters.count=[1]", "group.writer.arrival=back-to-back")
	_, err := execute(t.Context(), p.Runs, ExecuteOptions{Workers: 2}, stuck)
	var failure *RunError
	var stall *cores.StallError
	if !errors.As(err, &failure) || !errors.As(err, &stall) {
		t.Fatalf("error %v, want a RunError around a StallError", err)
	}
	for _, part := range []string{"uprobe-vma-lookup: point group.hitters.count=1, design mmap-lock, seed 1: stalled at ",
		"no thread finished an operation for ",
		"hitters[0] on CPU 0: path uprobe-hit, step user, running",
		"writer[0] on CPU 79: path mmap-munmap, step tlb-flush, spinning on call_single_data.u_flags"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
}
