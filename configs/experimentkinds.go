package configs

import (
	"fmt"
	"math/big"
	"regexp"
	"sort"
	"strings"

	"mmsim/configs/schema"
	"mmsim/workloads"
)

var anyValue = schema.Kind[any]{Name: "value", Expected: "a value of the key's own kind",
	Parse: func(raw any) (any, error) { return raw, nil }, Format: func(v any) any { return v }}

var pathKind = schema.Checked(schema.Name, func(name string) error {
	if _, err := workloads.LookupPath(name); err == nil {
		return nil
	}
	return schema.Unknown("path", name, PathNames())
})

// targetKind knows the short names of the first two distributions as well: a
// lock is no VMA.
var targetKind = func() schema.Kind[workloads.Distribution] {
	k := schema.Enum[workloads.Distribution]("distribution", "one-vma", "own-vma", "uniform", "zipf")
	parse := k.Parse
	k.Parse = func(raw any) (workloads.Distribution, error) {
		switch raw {
		case "one":
			return workloads.OneVMA, nil
		case "own":
			return workloads.OwnVMA, nil
		}
		return parse(raw)
	}
	return k
}()

// PathNames lists the paths that a group can name.
func PathNames() []string {
	var names []string
	for _, p := range workloads.Paths() {
		names = append(names, p.Name)
	}
	return names
}

const designsExpected = `a list such as ["mmap-lock", { design = "mmap-lock", label = "packed", set = { "kernel.layout" = "mm-7.0" } }]`

// designsKind is the list of designs; a single name stands for a list of one.
var designsKind = schema.Kind[[]Design]{Name: "list of designs", Expected: designsExpected, Parse: parseDesigns, Format: formatDesigns}

func parseDesigns(raw any) ([]Design, error) {
	if s, ok := raw.(string); ok {
		raw = []any{s}
	}
	elems, ok := schema.Elements(raw)
	switch {
	case !ok:
		return nil, schema.Problem(designsExpected, "%s is no list of designs", schema.Show(raw))
	case len(elems) == 0:
		return nil, schema.Problem(designsExpected, "no designs")
	}
	var out []Design
	for i, e := range elems {
		at := func(key string) string { return fmt.Sprintf("[%d]%s", i, key) }
		d, err := parseDesign(e, at)
		if err != nil {
			return nil, err
		}
		for _, other := range out {
			if other.Label == d.Label {
				return nil, schema.At(at(""), schema.Problem("labels that differ", "%q occurs twice", d.Label))
			}
		}
		out = append(out, d)
	}
	return out, nil
}

func parseDesign(raw any, at func(string) string) (d Design, err error) {
	m, ok := raw.(map[string]any)
	if !ok {
		if d.Name, err = schema.Name.Parse(raw); err != nil {
			return d, schema.At(at(""), err)
		}
		d.Label = d.Name
		return d, nil
	}
	if err := schema.KnownKeys(m, at, append([]string{"design", "label", "set"}, choiceNames()...)...); err != nil {
		return d, err
	}
	if m["label"] == nil {
		return d, schema.At(at(""), schema.Problem("a table with design and label", "label is missing"))
	}
	if d.Name, err = schema.Name.Parse(m["design"]); err != nil {
		return d, schema.At(at(".design"), err)
	}
	if d.Label, err = schema.Name.Parse(m["label"]); err != nil {
		return d, schema.At(at(".label"), err)
	}
	set, ok := m["set"].(map[string]any)
	if !ok && m["set"] != nil {
		return d, schema.At(at(".set"), schema.Problem(`a table such as { "kernel.layout" = "mm-7.0" }`, "%s is no table", schema.Show(m["set"])))
	}
	for _, key := range choiceNames() {
		if v, ok := m[key]; ok {
			d.Set = append(d.Set, Assignment{Key: choicePrefix + key, Value: v})
		}
	}
	for key, v := range set {
		d.Set = append(d.Set, Assignment{Key: key, Value: v})
	}
	sort.Slice(d.Set, func(i, j int) bool { return d.Set[i].Key < d.Set[j].Key })
	return d, nil
}

// choiceNames are the keys that a design can set by their last name alone.
func choiceNames() []string {
	names := []string{"instruction"}
	for _, k := range workloads.ChoiceKeys() {
		names = append(names, k.Key)
	}
	return names
}

func formatDesigns(ds []Design) any {
	var out []any
	for _, d := range ds {
		if len(d.Set) == 0 && d.Label == d.Name {
			out = append(out, d.Name)
			continue
		}
		out = append(out, map[string]any{"design": d.Name, "label": d.Label, "set": asTable(d.Set)})
	}
	return out
}

const sweepExpected = `a list such as [1, 5, 10], or { from = 1, to = 79, step = 13 }`

var sweepValues = schema.Kind[[]any]{Name: "list of values", Expected: sweepExpected, Parse: parseSweep,
	Format: func(v []any) any { return v }}

func parseSweep(raw any) ([]any, error) {
	if m, ok := raw.(map[string]any); ok {
		return parseRange(m)
	}
	elems, ok := schema.Elements(raw)
	if !ok {
		return nil, schema.Problem(sweepExpected, "%s is no list", schema.Show(raw))
	}
	if len(elems) == 0 {
		return nil, schema.Problem(sweepExpected, "the sweep is empty")
	}
	for i := range elems {
		for j := range i {
			if schema.Inline(elems[i]) == schema.Inline(elems[j]) {
				return nil, schema.At(fmt.Sprintf("[%d]", i), schema.Problem("values that differ", "%s occurs twice", schema.Inline(elems[i])))
			}
		}
	}
	return elems, nil
}

// maxRange bounds the values of one range.
const maxRange = 10000

// parseRange expands from, to, step: whole numbers, or decimals that share a
// unit. A step of "x2" multiplies.
func parseRange(m map[string]any) ([]any, error) {
	if err := schema.OnlyKeys(m, func(s string) string { return s }, "from", "to", "step"); err != nil {
		return nil, err
	}
	step, stepUnit, err := rangeNumber(m, "step")
	if err != nil {
		return nil, err
	}
	from, unit, err := rangeNumber(m, "from")
	if err != nil {
		return nil, err
	}
	to, toUnit, err := rangeNumber(m, "to")
	if err != nil {
		return nil, err
	}
	multiply := stepUnit == "x"
	switch {
	case toUnit != unit:
		return nil, schema.At(".to", schema.Problem("the unit of from", "%s and %s differ in their unit", schema.Show(m["from"]), schema.Show(m["to"])))
	case !multiply && stepUnit != unit:
		return nil, schema.At(".step", schema.Problem(`the unit of from, or a factor such as "x2"`, "%s and %s differ in their unit", schema.Show(m["from"]), schema.Show(m["step"])))
	case step.Sign() <= 0, multiply && (step.Cmp(big.NewRat(1, 1)) <= 0 || from.Sign() <= 0):
		return nil, schema.At(".step", schema.Problem("a step that leads from from to to", "the range never ends"))
	case from.Cmp(to) > 0:
		return nil, schema.At(".to", schema.Problem("at least from", "the sweep is empty"))
	}
	var out []any
	for v := from; v.Cmp(to) <= 0; {
		if out = append(out, rangeValue(v, unit)); len(out) > maxRange {
			return nil, schema.Problem(fmt.Sprintf("at most %d", maxRange), "too many values")
		}
		if multiply {
			v = new(big.Rat).Mul(v, step)
		} else {
			v = new(big.Rat).Add(v, step)
		}
	}
	return out, nil
}

var rangeForm = regexp.MustCompile(`^(x?)([0-9]{1,12}(?:\.[0-9]{1,12})?) ?([A-Za-z%/]*)$`)

func rangeNumber(m map[string]any, key string) (*big.Rat, string, error) {
	text := schema.Show(m[key])
	if s, ok := m[key].(string); ok {
		text = s
	}
	f := rangeForm.FindStringSubmatch(text)
	if f == nil || f[1] != "" && (key != "step" || f[3] != "") {
		return nil, "", schema.At("."+key, schema.Problem(sweepExpected, "%s is no number", schema.Show(m[key])))
	}
	r, _ := new(big.Rat).SetString(f[2])
	return r, f[1] + f[3], nil
}

func rangeValue(v *big.Rat, unit string) any {
	if unit == "" && v.IsInt() && v.Num().IsInt64() {
		return v.Num().Int64()
	}
	s := v.FloatString(12)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + unit
}
