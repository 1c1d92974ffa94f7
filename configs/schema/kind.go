package schema

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"mmsim/configs/units"
)

// Kind is a type of value: how it is read from TOML and written back.
type Kind[V any] struct {
	Name     string   // for documentation: "size", "time", "name"
	Expected string   // for errors: `a time such as "5us"`
	Values   []string // all values, if they are few
	// Parse reads a decoded TOML value; its errors come from Problem or
	// package units.
	Parse func(raw any) (V, error)
	// Format gives the TOML value to write; nil writes nothing.
	Format func(V) any
}

// Show writes a raw TOML value for an error message.
func Show(raw any) string {
	switch v := raw.(type) {
	case string:
		return strconv.Quote(v)
	case map[string]any:
		return "a table"
	case []map[string]any, []any:
		return "a list"
	case float64:
		return formatFloat(v)
	}
	return fmt.Sprint(raw)
}

// formatFloat writes the shortest decimal that reads back as v: what the file
// said, up to trailing zeros.
func formatFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// quantity is a kind that is written as text with a unit.
func quantity[V any](name, expected string, parse func(string) (V, error), format func(V) string) Kind[V] {
	return Kind[V]{Name: name, Expected: expected, Parse: func(raw any) (V, error) {
		var zero V
		switch v := raw.(type) {
		case string:
			return parse(v)
		case int64, float64:
			return zero, Problem(expected, "%s has no unit", Show(v))
		}
		return zero, Problem(expected, "%s is of the wrong type", Show(raw))
	}, Format: func(v V) any { return format(v) }}
}

// Kinds with units.
var (
	Size    = quantity("size", units.Expected.Size, units.ParseSize, units.FormatSize)
	Time    = quantity("time", units.Expected.Time, units.ParseTime, units.FormatTime)
	Clock   = quantity("clock", units.Expected.Clock, units.ParseClock, units.FormatClock)
	Cycles  = quantity("cycles", units.Expected.Cycles, units.ParseCycles, units.FormatCycles)
	Percent = quantity("percent", units.Expected.Percent, units.ParsePercent, units.FormatPercent)
	Rate    = quantity("rate", units.Expected.Rate, units.ParseRate, units.FormatRate)
)

// Positive refuses zero.
func Positive[V ~int | ~int64](k Kind[V]) Kind[V] {
	parse := k.Parse
	k.Parse = func(raw any) (V, error) {
		v, err := parse(raw)
		if err == nil && v == 0 {
			err = Problem(k.Expected, "%s must not be zero", Show(raw))
		}
		return v, err
	}
	return k
}

// Checked adds a condition to a kind.
func Checked[V any](k Kind[V], check func(V) error) Kind[V] {
	parse := k.Parse
	k.Parse = func(raw any) (V, error) {
		v, err := parse(raw)
		if err == nil {
			err = check(v)
		}
		return v, err
	}
	return k
}

// Count is a whole number from lo to hi.
func Count(lo, hi int64) Kind[int] {
	expected := fmt.Sprintf("a whole number from %d to %d", lo, hi)
	if hi == math.MaxInt64 {
		expected = fmt.Sprintf("a whole number of at least %d", lo)
	}
	return Kind[int]{Name: "count", Expected: expected, Parse: func(raw any) (int, error) {
		v, ok := raw.(int64)
		switch {
		case !ok:
			return 0, Problem(expected, "%s is no whole number", Show(raw))
		case v < 0 && lo >= 0:
			return 0, Problem(expected, "%d is negative", v)
		case v < lo || v > hi:
			return 0, Problem(expected, "%d is out of range", v)
		}
		return int(v), nil
	}, Format: func(v int) any { return int64(v) }}
}

// Seed is the start of the random streams.
var Seed = Kind[uint64]{Name: "count", Expected: "a whole number of at least 0", Parse: func(raw any) (uint64, error) {
	v, err := Count(0, math.MaxInt64).Parse(raw)
	return uint64(v), err
}, Format: func(v uint64) any { return int64(v) }}

// Milli is a decimal number held in thousandths.
func Milli(hi int) Kind[int] {
	expected := "a decimal number from 0 to " + units.FormatMilli(hi)
	return Kind[int]{Name: "decimal", Expected: expected, Parse: func(raw any) (int, error) {
		s := Show(raw)
		if text, ok := raw.(string); ok {
			s = text
		}
		v, err := units.ParseMilli(s)
		if err != nil || v > hi {
			return 0, Problem(expected, "%s is out of range", Show(raw))
		}
		return v, nil
	}, Format: func(v int) any { return units.FormatMilli(v) }}
}

// Bool is true or false.
var Bool = Kind[bool]{Name: "bool", Expected: "true or false", Values: []string{"false", "true"},
	Parse: func(raw any) (bool, error) {
		v, ok := raw.(bool)
		if !ok {
			return false, Problem("true or false", "%s is neither", Show(raw))
		}
		return v, nil
	}, Format: func(v bool) any { return v }}

// Text is any one line of text.
var Text = Kind[string]{Name: "text", Expected: "a line of text", Parse: func(raw any) (string, error) {
	v, ok := raw.(string)
	if !ok || strings.ContainsAny(v, "\r\n") {
		return "", Problem("a line of text", "%s is not", Show(raw))
	}
	return v, nil
}, Format: func(v string) any { return v }}

// Name is a word that reports and --set can use: letters, digits, "-", "_",
// ".".
var Name = Kind[string]{Name: "name", Expected: `a name of letters, digits, "-", "_" and "."`, Parse: func(raw any) (string, error) {
	v, ok := raw.(string)
	if !ok || v == "" || strings.Trim(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return "", Problem(`a name of letters, digits, "-", "_" and "."`, "%s is no name", Show(raw))
	}
	return v, nil
}, Format: func(v string) any { return v }}

// Enum is one of the given names; the value is the name's index.
func Enum[V ~uint8](what string, names ...string) Kind[V] {
	return Kind[V]{Name: "choice", Expected: OneOf(names), Values: names, Parse: func(raw any) (V, error) {
		s, ok := raw.(string)
		if !ok {
			return 0, Problem(OneOf(names), "%s is no %s", Show(raw), what)
		}
		for i, n := range names {
			if n == s {
				return V(i), nil
			}
		}
		return 0, Unknown(what, s, names)
	}, Format: func(v V) any { return names[v] }}
}

// List is a list of values of one kind.
func List[V any](k Kind[V]) Kind[[]V] {
	expected := "a list, each element " + k.Expected
	return Kind[[]V]{Name: "list of " + k.Name, Expected: expected, Parse: func(raw any) ([]V, error) {
		elems, ok := Elements(raw)
		if !ok {
			return nil, Problem(expected, "%s is no list", Show(raw))
		}
		out := make([]V, 0, len(elems))
		for i, e := range elems {
			v, err := k.Parse(e)
			if err != nil {
				return nil, At(fmt.Sprintf("[%d]", i), err)
			}
			out = append(out, v)
		}
		return out, nil
	}, Format: func(vs []V) any {
		out := make([]any, 0, len(vs))
		for _, v := range vs {
			out = append(out, k.Format(v))
		}
		return out
	}}
}

// OmitEmpty writes nothing for an empty list.
func OmitEmpty[V any](k Kind[[]V]) Kind[[]V] {
	format := k.Format
	k.Format = func(v []V) any {
		if len(v) == 0 {
			return nil
		}
		return format(v)
	}
	return k
}

// Elements gives a list's elements in one form, whether they are tables or
// not.
func Elements(raw any) ([]any, bool) {
	switch v := raw.(type) {
	case []any:
		return v, true
	case []map[string]any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out, true
	}
	return nil, false
}

// OnlyKeys refuses keys of an inline table that are none of those named, and
// missing ones.
func OnlyKeys(m map[string]any, at func(string) string, names ...string) error {
	if err := KnownKeys(m, at, names...); err != nil {
		return err
	}
	for _, n := range names {
		if _, ok := m[n]; !ok {
			return At(at(""), Problem("a table with "+strings.Join(names, ", "), "%s is missing", n))
		}
	}
	return nil
}

// KnownKeys refuses keys of an inline table that are none of those named.
func KnownKeys(m map[string]any, at func(string) string, names ...string) error {
	for _, k := range sortedKeys(m) {
		if !slices.Contains(names, k) {
			return At(at("."+k), withHint(Problem(OneOf(names), "unknown key"), Nearest(k, names)))
		}
	}
	return nil
}
