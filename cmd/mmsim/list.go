package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"mmsim/experiments"
	"mmsim/results"
)

func newList() *cobra.Command {
	var names bool
	c := &cobra.Command{
		Use:   "list " + strings.Join(experiments.Kinds(), "|"),
		Short: "List presets, paths, designs, layouts and workloads",
		Long: `List the embedded machines and experiments, the simulated kernel's paths and
their designs, the layouts of its structs, or the workloads: the thread groups
of the experiments, and how groups can be pinned, paced and aimed.`,
		Args:              oneArg("what to list", experiments.Kinds),
		ValidArgsFunction: completeFirst(experiments.Kinds),
		RunE: func(c *cobra.Command, args []string) error {
			if names {
				return listNames(c, args[0])
			}
			tables, err := experiments.List(args[0])
			if err != nil {
				return err
			}
			return writeTables(c, tables)
		},
	}
	c.Flags().BoolVar(&names, "names", false, "bare names, one a line")
	return c
}

func listNames(c *cobra.Command, kind string) error {
	names, err := experiments.Names(kind)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), strings.Join(names, "\n"))
	return err
}

// writeTables prints tables; a single one needs no caption.
func writeTables(c *cobra.Command, tables []results.Table) error {
	for i := range tables {
		if i > 0 {
			fmt.Fprintln(c.OutOrStdout())
		}
		if tables[i].Caption != "" {
			fmt.Fprintln(c.OutOrStdout(), tables[i].Caption)
		}
		if err := tables[i].WriteText(c.OutOrStdout()); err != nil {
			return err
		}
	}
	return nil
}
