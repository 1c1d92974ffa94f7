package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"mmsim/check"
	"mmsim/experiments"
	"mmsim/explore"
)

func newCheck() *cobra.Command {
	var q experiments.CheckRequest
	c := &cobra.Command{
		Use:   "check [SCENARIO]",
		Short: "Explore races of the designs under memory models",
		Long: `Run the paths under every order that a memory model and the scheduler allow, up
to a bound, and check invariants. Scenarios: ` + strings.Join(check.Names(), ", ") + `.
docs/check.md says what they are, and how to read the verdicts.

Exit status: 1 if something was violated and nothing was broken on purpose
(by --break or --mutants, or in lock-busted). Interrupted, it prints what was
decided by then.`,
		Args:              wrongArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeFirst(check.Names),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				q.Scenario = args[0]
			}
			if err := idleCheckFlags(c, &q); err != nil {
				return badInput(err)
			}
			q.Done = progress(c.ErrOrStderr())
			return q.Do(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringVar(&q.Design, "design", "", "only this `design`: a lookup, or a kind of lock")
	fl.StringVar(&q.Model, "model", "", "only this memory `model`: "+strings.Join(explore.Models(), ", "))
	fl.DurationVar(&q.Budget, "budget", 0, fmt.Sprintf("host `time` for each verdict (default: %v, with a SCENARIO %v)", experiments.SurveyBudget, experiments.ScenarioBudget))
	fl.IntVar(&q.Schedules, "schedules", 0, "at most `N` schedules for each verdict (default: no limit; 10000 with pct and random)")
	fl.IntVar(&q.Bound, "bound", 0, "preemptions, stale reads and delayed stores `N` together (default: the scenario's)")
	fl.StringVar(&q.Search, "search", "exhaustive", "`kind` of search: "+strings.Join(experiments.CheckSearches(), ", "))
	fl.Uint64Var(&q.Seed, "seed", 1, "seed `N` of pct and random")
	fl.StringVar(&q.Break, "break", "", "take `name` out of the paths: a fence, check or delay")
	fl.BoolVar(&q.Mutants, "mutants", false, "try every break in the scenario that should find it")
	fl.StringVar(&q.Replay, "replay", "", "show the execution of a `token` that a violation printed")
	fl.StringVar(&q.Files.CSV, "csv", "", "write one row per verdict to `file`")
	fl.StringVar(&q.Files.Markdown, "markdown", "", "write the report as Markdown to `file`")
	fl.IntVarP(&q.Workers, "jobs", "j", runtime.GOMAXPROCS(0), "verdicts at a time; no decided verdict depends on it")
	completeFlag(c, "model", explore.Models)
	completeFlag(c, "search", experiments.CheckSearches)
	completeFlag(c, "design", check.Designs)
	completeFlag(c, "break", check.Breaks)
	return c
}

// idleCheckFlags refuses flags that have no effect beside others, and values out
// of range; a bound that is not given is the scenario's.
func idleCheckFlags(c *cobra.Command, q *experiments.CheckRequest) error {
	given := c.Flags().Changed
	switch {
	case given("budget") && q.Budget <= 0:
		return fmt.Errorf("--budget: %v; expected a time above 0, such as 10s", q.Budget)
	case given("schedules") && q.Schedules < 1:
		return fmt.Errorf("--schedules: %d; expected at least 1", q.Schedules)
	case given("bound") && q.Bound < 0:
		return fmt.Errorf("--bound: %d; expected 0 or more", q.Bound)
	case given("replay") && q.Replay == "":
		return fmt.Errorf("--replay: the token is missing")
	}
	sampling := q.Search != explore.Exhaustive.String()
	for _, x := range []struct {
		flags    []string
		idle     bool
		expected string
	}{
		{[]string{"seed"}, !sampling, "--search pct or random with it"},
		{[]string{"bound"}, sampling, "--search exhaustive with it"},
		{[]string{"break", "replay"}, q.Mutants, "no --mutants with it"},
		{[]string{"model", "budget", "schedules", "bound", "search", "seed", "csv", "markdown", "jobs"}, q.Replay != "", "no --replay with it"},
	} {
		for _, flag := range x.flags {
			if x.idle && given(flag) {
				return fmt.Errorf("--%s: has no effect here; expected %s", flag, x.expected)
			}
		}
	}
	if !given("bound") {
		q.Bound = -1
	}
	return nil
}
