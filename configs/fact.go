package configs

import (
	"errors"
	"strings"

	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/sim"
	"mmsim/workloads"
)

// Fact is a published figure of a machine: what a probe of path micro should
// measure. Facts are data: no result depends on them.
type Fact struct {
	Probe      string   // design of path micro
	Value      Quantity // per operation; per hand-over for cas-* probes
	Source     string
	Confidence string // "A" data set, "B" article, "C" recalled or derived
}

// Quantity is a figure as published: in cycles, or in time.
type Quantity struct {
	Cycles sim.Cycles
	Time   sim.Time // if it is not in cycles
}

// At is the figure as a time on a core whose clock has the given period.
func (q Quantity) At(period sim.Time) sim.Time {
	if q.Time != 0 {
		return q.Time
	}
	return sim.Time(q.Cycles) * period
}

// String writes the figure in its own unit.
func (q Quantity) String() string {
	if q.Time != 0 {
		return units.FormatTime(q.Time)
	}
	return units.FormatCycles(q.Cycles)
}

var factTable = &schema.Table[Fact]{Fresh: func() Fact { return Fact{} }}

func init() {
	t := factTable
	schema.Bind(t, "probe", probeKind, "Probe of path micro that measures the figure.",
		func(f *Fact) *string { return &f.Probe }).Required().Role(schema.Descriptive)
	schema.Bind(t, "value", quantityKind, "The figure: a time, or cycles of a core's clock with one active core. Per hand-over for ping-pongs.",
		func(f *Fact) *Quantity { return &f.Value }).Required().Role(schema.Descriptive)
	schema.Bind(t, "source", schema.Text, "Where the figure is from, and how it was converted.",
		func(f *Fact) *string { return &f.Source }).Required().Role(schema.Descriptive)
	schema.Bind(t, "confidence", confidenceKind, "A: data set; B: article or source file; C: recalled or derived.",
		func(f *Fact) *string { return &f.Confidence }).Required().Role(schema.Descriptive)
}

var probeKind = schema.Checked(schema.Name, func(name string) error {
	micro, err := workloads.LookupPath("micro")
	if err != nil || micro.HasDesign(name) {
		return err
	}
	return schema.Unknown("probe", name, designNames(micro))
})

func designNames(p *workloads.Path) []string {
	var names []string
	for _, d := range p.Designs() {
		names = append(names, d.Name)
	}
	return names
}

var quantityKind = schema.Kind[Quantity]{Name: "time or cycles", Expected: `a time such as "82ns" or cycles such as "14cycles"`,
	Parse: func(raw any) (Quantity, error) {
		s, ok := raw.(string)
		const expected = `a time such as "82ns" or cycles such as "14cycles"`
		if !ok {
			return Quantity{}, schema.Problem(expected, "%s has no unit", schema.Show(raw))
		}
		var q Quantity
		var err error
		if strings.Contains(s, "cycle") {
			q.Cycles, err = units.ParseCycles(s)
		} else {
			q.Time, err = units.ParseTime(s)
		}
		var u *units.Error
		if errors.As(err, &u) {
			u.Expected = expected
		}
		if err == nil && q == (Quantity{}) {
			err = schema.Problem(expected, "%q is no figure to compare with", s)
		}
		return q, err
	}, Format: func(q Quantity) any { return q.String() }}

var confidenceKind = schema.Kind[string]{Name: "choice", Expected: "one of A, B, C", Values: []string{"A", "B", "C"},
	Parse: func(raw any) (string, error) {
		s, ok := raw.(string)
		if !ok || len(s) != 1 || !strings.Contains("ABC", s) {
			return "", schema.Problem("one of A, B, C", "%s is no confidence letter", schema.Show(raw))
		}
		return s, nil
	}, Format: func(s string) any { return s }}
