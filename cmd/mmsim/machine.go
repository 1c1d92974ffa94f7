package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"mmsim/configs"
	"mmsim/experiments"
)

func newMachine() *cobra.Command {
	c := &cobra.Command{
		Use:   "machine",
		Short: "Show machines",
		Args:  subcommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newMachineShow())
	return c
}

func newMachineShow() *cobra.Command {
	var q experiments.MachineRequest
	var set []string
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a machine's topology and costs",
		Long: `Show the topology and every key of a machine, a preset's name or a TOML file,
and the published figures that it was made from. With --micro, measure them
inside the simulator with the hardware probes of experiment machine-micro.`,
		Args:              oneArg("a machine", configs.MachineNames),
		ValidArgsFunction: completeFirst(configs.MachineNames),
		RunE: func(c *cobra.Command, args []string) (err error) {
			q.Machine = args[0]
			if q.Overrides, err = parseSets(set); err != nil {
				return err
			}
			if err := needsMicro(c, q.Micro); err != nil {
				return err
			}
			q.Done = progress(c.ErrOrStderr())
			rep, err := experiments.ShowMachine(c.Context(), q)
			if err != nil {
				return err
			}
			return rep.WriteText(c.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringArrayVar(&set, "set", nil, "`key=value`: override a key of the machine (repeatable)")
	fl.BoolVar(&q.Micro, "micro", false, "measure the hardware probes")
	fl.BoolVar(&q.Quick, "quick", false, "with --micro: the quick scale")
	fl.IntVarP(&q.Workers, "jobs", "j", runtime.GOMAXPROCS(0), "with --micro: runs at a time; no result depends on it")
	return c
}

// needsMicro refuses flags that do nothing without --micro.
func needsMicro(c *cobra.Command, micro bool) error {
	for _, flag := range []string{"quick", "jobs"} {
		if !micro && c.Flags().Changed(flag) {
			return badInput(fmt.Errorf("--%s: has no effect here; expected --micro with it", flag))
		}
	}
	return nil
}
