package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mmsim/configs"
	"mmsim/experiments"
)

func newLitmus() *cobra.Command {
	var q experiments.LitmusRequest
	var set []string
	c := &cobra.Command{
		Use:   "litmus FILE|DIRECTORY...",
		Short: "Run C-flavoured litmus tests of memory ordering",
		Long: `Explore every execution of litmus tests, written as the kernel's memory-model
tests are, under a memory model, and print the final states in herd's form; or,
with --machine, run them timed and repeated, and count the states. Of a
directory, every *.litmus file below it is run. docs/litmus.md says what the
language is and how to read the output.`,
		Args: wrongArgs(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) (err error) {
			q.Paths = args
			if err := oneExecutor(c); err != nil {
				return err
			}
			if q.Overrides, err = parseSets(set); err != nil {
				return err
			}
			q.Done = progress(c.ErrOrStderr())
			return q.Do(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringVar(&q.Model, "model", "lkmm", "memory `model`: "+strings.Join(experiments.LitmusModels(), ", "))
	fl.DurationVar(&q.Budget, "budget", 30*time.Second, "host `time` for one test; when it is over, the test is Unknown unless decided by then")
	fl.StringVar(&q.Machine, "machine", "", "run timed on this `preset or file`, instead of under a model")
	fl.StringArrayVar(&set, "set", nil, "`key=value`: with --machine, override a key of it (repeatable)")
	fl.IntVar(&q.Runs, "runs", 1000, "with --machine: runs of each test")
	fl.Uint64Var(&q.Seed, "seed", 1, "with --machine: seed `N` of the threads' start times")
	fl.IntSliceVar(&q.CPUs, "cpus", nil, "with --machine: CPUs of the threads, such as 0,20,1,21, as many as a test has (default: 0,1,...)")
	fl.StringVar(&q.CSV, "csv", "", "write one row per file to `file`")
	fl.IntVarP(&q.Workers, "jobs", "j", runtime.GOMAXPROCS(0), "tests at a time; no result depends on it")
	completeFlag(c, "machine", configs.MachineNames)
	completeFlag(c, "model", experiments.LitmusModels)
	return c
}

// oneExecutor refuses flags of the executor that is not asked for.
func oneExecutor(c *cobra.Command) error {
	machine := c.Flags().Changed("machine")
	idle, with := []string{"set", "runs", "seed", "cpus"}, "--machine with it"
	if machine {
		idle, with = []string{"model", "budget"}, "no --machine with it"
	}
	for _, flag := range idle {
		if c.Flags().Changed(flag) {
			return badInput(fmt.Errorf("--%s: has no effect here; expected %s", flag, with))
		}
	}
	return nil
}
