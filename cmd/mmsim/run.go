package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"mmsim/configs"
	"mmsim/experiments"
)

const defaultExperiment = experiments.DefaultExperiment

// runFlags are the flags of run that are not fields of the request.
type runFlags struct {
	experiment            string
	set                   []string
	seed, seeds, duration string
}

func newRun() *cobra.Command {
	var q experiments.Request
	var f runFlags
	c := &cobra.Command{
		Use:   "run [EXPERIMENT]",
		Short: "Run an experiment and print its report",
		Long: `Run an experiment, a preset's name or a TOML file (default: ` + defaultExperiment + `), and
print a table with one row per point and design, and the hottest fields.
Files of --csv, --json and --bounces are described in docs/records.md, the
verdicts of --with-check in docs/check.md.`,
		Args:              wrongArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeFirst(configs.ExperimentNames),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.into(&q, args); err != nil {
				return err
			}
			if c.Flags().Changed("check-budget") && !q.WithCheck {
				return badInput(errors.New("--check-budget: has no effect here; expected --with-check with it"))
			}
			q.Done = progress(c.ErrOrStderr())
			return q.Do(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.experiment, "experiment", "", "`preset or file`, instead of the argument")
	fl.StringVar(&q.Load.Machine, "machine", "", "`preset or file` (default: the experiment's machine)")
	fl.StringArrayVar(&f.set, "set", nil, setHelp)
	fl.BoolVar(&q.Load.Quick, "quick", false, "the experiment's quick scale")
	fl.IntVarP(&q.Workers, "jobs", "j", runtime.GOMAXPROCS(0), "runs at a time; no result depends on it")
	fl.StringVar(&f.seed, "seed", "", "first seed `N`")
	fl.StringVar(&f.seeds, "seeds", "", "replications `N`, each with a seed of its own")
	fl.StringVar(&f.duration, "duration", "", "simulated and measured `time`, such as 300us")
	fl.StringVar(&q.Files.CSV, "csv", "", "write one row per record to `file`")
	fl.StringVar(&q.Files.JSON, "json", "", "write all records to `file`")
	fl.StringVar(&q.Files.Markdown, "markdown", "", "write the report as Markdown to `file`")
	fl.StringVar(&q.Files.Bounces, "bounces", "", "write the bounces by line, field and step as CSV to `file`")
	fl.StringVar(&q.Store, "store", "", "keep finished records in `directory`, and do not repeat runs it has")
	fl.BoolVar(&q.WithCheck, "with-check", false, "explore each design's races, and show whether it is safe")
	fl.IntVar(&q.CheckBudget, "check-budget", experiments.DefaultCheckBudget, "with --with-check: schedules `N` that one verdict may take")
	completeFlag(c, "machine", configs.MachineNames)
	completeFlag(c, "experiment", configs.ExperimentNames)
	return c
}

// into completes the request: named flags are overrides too, behind --set.
func (f *runFlags) into(q *experiments.Request, args []string) error {
	q.Load.Experiment = defaultExperiment
	switch {
	case len(args) > 0 && f.experiment != "":
		return &experiments.InputError{Err: fmt.Errorf("--experiment %s: experiment %s is given as an argument too; expected one of them", f.experiment, args[0])}
	case len(args) > 0:
		q.Load.Experiment = args[0]
	case f.experiment != "":
		q.Load.Experiment = f.experiment
	}
	var err error
	if q.Load.Overrides, err = parseSets(f.set); err != nil {
		return err
	}
	for _, o := range []struct{ key, value string }{{"seed", f.seed}, {"seeds", f.seeds}, {"duration", f.duration}} {
		if o.value != "" {
			q.Load.Overrides = append(q.Load.Overrides, configs.Flag("--"+o.key, o.key, o.value))
		}
	}
	return nil
}
