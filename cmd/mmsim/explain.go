package main

import (
	"strings"

	"github.com/spf13/cobra"

	"mmsim/configs"
	"mmsim/experiments"
)

func newExplain() *cobra.Command {
	var q experiments.ExplainRequest
	var set []string
	c := &cobra.Command{
		Use:   "explain PATH --design D",
		Short: "Show the memory operations of one uncontended execution of a path",
		Long: `Execute a path alone on CPU 0 and show its memory operations in program order,
as really executed: step, operation, object.field, line, state of the line
before and after, cycles. Hold it against the kernel's source.

Of the experiment only the kernel's parameters count. --set changes these
(kernel.*), the machine (machine.*), or what the path aims at and does there
(group.*.target, group.*.hold, ...). Behind a design of the uprobe paths single
parts of it can be chosen: --design 6.13,tree=rwlock,lifetime=srcu is short for
--set kernel.uprobe.tree=rwlock --set kernel.uprobe.lifetime=srcu.`,
		Args:              oneArg("a path", experiments.KernelPaths),
		ValidArgsFunction: completeFirst(experiments.KernelPaths),
		RunE: func(c *cobra.Command, args []string) (err error) {
			q.Path = args[0]
			design, choices, _ := strings.Cut(q.Design, ",")
			q.Design = design
			if q.Overrides, err = parseSets(append(choiceSets(choices), set...)); err != nil {
				return err
			}
			rep, err := experiments.Explain(c.Context(), q)
			if err != nil {
				return err
			}
			return rep.WriteText(c.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&q.Design, "design", "", "`design` of the path (mmsim list designs), and parts of it: 6.13,tree=rwlock")
	fl.StringVar(&q.Machine, "machine", "", "`preset or file` (default: the experiment's machine)")
	fl.StringVar(&q.Experiment, "experiment", "", "`preset or file` that gives the kernel's parameters (default: the first with the path)")
	fl.StringArrayVar(&set, "set", nil, setHelp)
	fl.BoolVar(&q.Cold, "cold", false, "explain the first execution, with cold caches")
	completeFlag(c, "machine", configs.MachineNames)
	completeFlag(c, "experiment", configs.ExperimentNames)
	completeDesign(c)
	return c
}

// choiceSets are the --set arguments that "tree=rwlock,xol=wait-event" stands
// for.
func choiceSets(choices string) (set []string) {
	for c := range strings.SplitSeq(choices, ",") {
		if c != "" {
			set = append(set, "kernel.uprobe."+c)
		}
	}
	return set
}

// completeDesign offers the designs of the path that stands before the flag.
func completeDesign(c *cobra.Command) {
	offer := func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return experiments.DesignNames(args[0]), cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("design", offer); err != nil {
		panic("mmsim: " + err.Error())
	}
}
