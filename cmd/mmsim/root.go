package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"mmsim/experiments"
	"mmsim/results"
)

// run executes a command line and returns the exit status.
func run(args []string, out, log io.Writer) int {
	ctx, stop := withSignals()
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(log)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(log, "mmsim: %v\n", err)
	}
	return exitStatus(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "mmsim",
		Short:         "Price alternatives of Linux mm locking on simulated multicore machines",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          subcommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &experiments.InputError{Err: err} })
	root.AddCommand(newRun(), newList(), newMachine(), newExplain())
	return root
}

// subcommand refuses arguments of a command that only has subcommands.
func subcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q; expected one of%s", args[0], commandNames(c))
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %q?", err, near[0])
	}
	return &experiments.InputError{Err: err}
}

func commandNames(c *cobra.Command) (names string) {
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			names += " " + s.Name()
		}
	}
	return names
}

// wrongArgs makes a fault of the arguments an input error.
func wrongArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return &experiments.InputError{Err: fmt.Errorf("%s: %w; usage: %s", c.Name(), err, c.UseLine())}
		}
		return nil
	}
}

// version names the build, and the versions that records carry.
func version() string {
	build := "(unknown build)"
	if info, ok := debug.ReadBuildInfo(); ok {
		build = info.Main.Version
	}
	return fmt.Sprintf("%s, model %d, record schema %d", build, results.ModelVersion, results.SchemaVersion)
}
