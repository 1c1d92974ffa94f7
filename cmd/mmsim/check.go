package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mmsim/check"
	"mmsim/configs/schema"
	"mmsim/explore"
)

// checkFlags are one call of "mmsim check".
type checkFlags struct {
	scenario, design, model, search, broken, replay, csv string

	budget            time.Duration
	bound             int
	seed              uint64
	mutants, markdown bool
}

func newCheck() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [SCENARIO]",
		Short: "Explore races of the designs under memory models",
		Long: `Run the paths under every order that a memory model and the scheduler allow, up
to a bound, and check invariants. Scenarios: ` + strings.Join(check.Names(), ", ") + `.
docs/check.md says what they are, and how to read the verdicts.

Exit status: 1 if something was violated and nothing was broken on purpose
(by --break or --mutants, or in lock-busted).`,
		Args:              wrongArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeFirst(check.Names),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.scenario = args[0]
			}
			return f.do(c.Context(), c.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.design, "design", "", "only this `design`: a lookup, or a kind of lock")
	fl.StringVar(&f.model, "model", "", "only this memory `model`: "+strings.Join(explore.Models(), ", "))
	fl.DurationVar(&f.budget, "budget", 30*time.Second, "host `time` for each verdict")
	fl.IntVar(&f.bound, "bound", -1, "preemptions, stale reads and delayed stores `N` together (default: the scenario's)")
	fl.StringVar(&f.search, "search", "exhaustive", "`kind` of search: exhaustive, pct, random")
	fl.Uint64Var(&f.seed, "seed", 1, "seed `N` of pct and random")
	fl.StringVar(&f.broken, "break", "", "take `name` out of the paths: a fence, check or delay")
	fl.BoolVar(&f.mutants, "mutants", false, "try every break in the scenario that should find it")
	fl.StringVar(&f.replay, "replay", "", "show the execution of a `token` that a violation printed")
	fl.StringVar(&f.csv, "csv", "", "write one row per verdict to `file`")
	fl.BoolVar(&f.markdown, "markdown", false, "print the table as Markdown")
	completeFlag(c, "model", explore.Models)
	return c
}

func (f *checkFlags) do(ctx context.Context, out io.Writer) error {
	o := check.Options{Bound: f.bound, Seed: f.seed, Budget: f.budget}
	models, err := f.into(&o)
	if err != nil {
		return badInput(err)
	}
	if f.mutants {
		return f.tryMutants(ctx, out, o, models)
	}
	scenarios, err := f.scenarios()
	if err != nil {
		return badInput(err)
	}
	if f.replay != "" {
		return f.doReplay(out, scenarios, o)
	}
	var rs []check.Result
	for i := range scenarios {
		for _, d := range scenarios[i].Designs {
			for _, m := range models {
				if f.design == "" || d == f.design {
					o.Model = m
					rs = append(rs, scenarios[i].Run(d, o))
				}
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
			}
		}
	}
	return f.report(out, rs)
}

// into reads the flags that are names.
func (f *checkFlags) into(o *check.Options) (models []explore.Model, err error) {
	if f.budget <= 0 {
		return nil, fmt.Errorf("--budget: %v; expected a time above 0, such as 10s", f.budget)
	}
	if o.Broken, err = check.FindBreak(f.broken); err != nil {
		return nil, err
	}
	if f.replay != "" && (f.scenario == "" || f.design == "") {
		return nil, errors.New("--replay: expected a scenario, and --design, of the token")
	}
	searches := map[string]explore.Search{"exhaustive": explore.Exhaustive, "pct": explore.PCT, "random": explore.Random}
	s, ok := searches[f.search]
	if !ok {
		return nil, schema.Unknown("search", f.search, []string{"exhaustive", "pct", "random"})
	}
	o.Search = s
	for i, name := range explore.Models() {
		if f.model == "" || f.model == name {
			models = append(models, explore.Model(i))
		}
	}
	if len(models) == 0 {
		return nil, schema.Unknown("memory model", f.model, explore.Models())
	}
	return models, nil
}

// scenarios are those that are asked for and have the design.
func (f *checkFlags) scenarios() (list []check.Scenario, err error) {
	all := check.Scenarios()
	if f.scenario != "" {
		s, err := check.Find(f.scenario)
		if err != nil {
			return nil, err
		}
		all = []check.Scenario{s}
	}
	var known []string
	for _, s := range all {
		if f.design == "" || s.Has(f.design) {
			list = append(list, s)
		}
		known = append(known, s.Designs...)
	}
	if len(list) == 0 {
		return nil, schema.Unknown("design", f.design, known)
	}
	return list, nil
}

func (f *checkFlags) doReplay(out io.Writer, s []check.Scenario, o check.Options) error {
	v, err := s[0].Replay(f.design, f.replay, o.Broken)
	if err != nil {
		return badInput(fmt.Errorf("--replay: %w", err))
	}
	if v.Invariant == "" {
		v.Invariant = "nothing is broken"
	}
	check.WriteViolation(out, s[0].Name, f.design, f.broken, v)
	return nil
}

var errViolated = errors.New("violated")

func (f *checkFlags) report(out io.Writer, rs []check.Result) error {
	var bad error
	shown := map[string]bool{}
	for i := range rs {
		r := &rs[i]
		if !r.Violated() {
			continue
		}
		if k := r.Scenario + " " + r.Design; !shown[k] {
			shown[k] = true
			check.WriteViolation(out, r.Scenario, r.Design, f.broken, r.Sum.Violation)
			fmt.Fprintln(out)
		}
		if f.broken == "" && r.Design != check.LockBusted {
			bad = errViolated
		}
	}
	check.WriteTable(out, rs, f.markdown)
	for _, l := range check.Differences(rs) {
		fmt.Fprintln(out, l)
	}
	fmt.Fprintln(out, check.Scope)
	if err := f.writeCSV(rs); err != nil {
		return err
	}
	return bad
}

func (f *checkFlags) writeCSV(rs []check.Result) error {
	if f.csv == "" {
		return nil
	}
	file, err := os.Create(f.csv)
	if err != nil {
		return err
	}
	if err = check.WriteCSV(file, rs); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func (f *checkFlags) tryMutants(ctx context.Context, out io.Writer, o check.Options, models []explore.Model) error {
	ms := check.Mutants()
	var rs []check.Result
	for _, m := range ms {
		s, err := check.Find(m.Scenario)
		if err != nil {
			return err
		}
		if o.Broken = m.Break; f.bound < 0 {
			o.Bound = m.Bound
		}
		for _, model := range models {
			o.Model = model
			rs = append(rs, s.Run(m.Design, o))
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	check.WriteMutants(out, ms, rs, f.markdown)
	fmt.Fprintln(out, check.Scope)
	return f.writeCSV(rs)
}
