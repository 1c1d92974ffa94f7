package main

import (
	"strings"

	"github.com/spf13/cobra"

	"mmsim/experiments"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use:               "list " + strings.Join(experiments.Kinds(), "|"),
		Short:             "List presets, paths and designs",
		Args:              wrongArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(experiments.Kinds),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := experiments.List(args[0])
			if err != nil {
				return err
			}
			return t.WriteText(c.OutOrStdout())
		},
	}
}
