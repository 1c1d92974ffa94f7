package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"mmsim/configs/schema"
	"mmsim/results"
)

// run executes a command line and returns the exit status. An error is one
// message on log.
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
		Use:   "mmsim",
		Short: "Price alternatives of Linux mm locking on simulated multicore machines",
		Long: `Mmsim runs kernel paths as real algorithms on simulated multicore machines and
shows what each alternative costs: cycles, cache-line bounces, fence stalls,
lock waits, fallbacks.

Exit status: 0 done; 1 a run failed; 2 bad input, nothing was run or written;
130 interrupted and 75 terminated (SIGTERM), with what was finished kept.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          subcommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(newRun(), newList(), newMachine(), newExplain(), newLitmus(), newCheck())
	strictDefaults(root)
	return root
}

// strictDefaults makes cobra's own commands refuse what they do not know.
func strictDefaults(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args = subcommand
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil {
					return badInput(err)
				}
				return subcommand(about, rest)
			}
		}
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

// subcommand refuses arguments of a command that only has subcommands.
func subcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			names = append(names, s.Name())
		}
	}
	return badInput(schema.Unknown("command", args[0], names))
}
