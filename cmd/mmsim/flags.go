package main

import (
	"github.com/spf13/cobra"

	"mmsim/configs"
	"mmsim/experiments"
)

const setHelp = "`key=value`: override a key of the experiment, or behind \"machine.\" of the machine (repeatable)"

// parseSets reads the --set flags.
func parseSets(args []string) ([]configs.Assignment, error) {
	var out []configs.Assignment
	for _, arg := range args {
		a, err := configs.ParseSet(arg)
		if err != nil {
			return nil, &experiments.InputError{Err: err}
		}
		out = append(out, a)
	}
	return out, nil
}

// completeFlag offers names, and files besides.
func completeFlag(c *cobra.Command, flag string, names func() []string) {
	err := c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveDefault
	})
	if err != nil {
		panic("mmsim: " + err.Error())
	}
}

// completeFirst offers names for the first argument.
func completeFirst(names func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(), cobra.ShellCompDirectiveDefault
	}
}
