package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/experiments"
)

const setHelp = "`key=value`: override a key of the experiment, or behind \"machine.\" of the machine (repeatable)"

// badInput marks a fault of the command line: exit status 2.
func badInput(err error) error { return &experiments.InputError{Err: err} }

// parseSets reads the --set flags.
func parseSets(args []string) ([]configs.Assignment, error) {
	var out []configs.Assignment
	for _, arg := range args {
		a, err := configs.ParseSet(arg)
		if err != nil {
			return nil, badInput(err)
		}
		out = append(out, a)
	}
	return out, nil
}

// flagFault explains a flag that could not be read, and lists the flags if
// there is none of its name.
func flagFault(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return badInput(err)
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return badInput(&units.Error{Problem: err.Error(), Expected: schema.OneOf(known),
		Hint: schema.Nearest("--"+unknown.GetSpecifiedName(), known)})
}

// wrongArgs makes a fault of the arguments an input error.
func wrongArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return badInput(fmt.Errorf("%s: %w; usage: %s", c.Name(), err, c.UseLine()))
		}
		return nil
	}
}

// oneArg wants exactly one argument; known are names that it could be.
func oneArg(what string, known func() []string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return badInput(schema.Problem(schema.OneOf(known()), "%s: %s is missing", c.Name(), what))
		case 1:
			return nil
		}
		return badInput(schema.Problem("one argument", "%s: unexpected %q", c.Name(), strings.Join(args[1:], " ")))
	}
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
