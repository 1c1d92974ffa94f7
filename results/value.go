package results

import (
	"fmt"
	"math/big"
	"strings"
)

// Value is the content of one cell: a text, an exact fraction of integers, or
// nothing because the column does not apply to the record. Fractions stay
// exact until they are printed, so the bytes of a file do not depend on the
// host's floating-point arithmetic.
type Value struct {
	text     string
	num, den *big.Int
}

// Text is a cell of text.
func Text(s string) Value { return Value{text: s} }

// Int is a cell with a whole number.
func Int(n int64) Value { return Value{num: big.NewInt(n), den: big.NewInt(1)} }

// Frac is the cell n/d, or NotApplicable when d is zero (per operation, but
// there was none).
func Frac(n, d int64) Value {
	if d == 0 {
		return NotApplicable
	}
	return Value{num: big.NewInt(n), den: big.NewInt(d)}
}

// times scales a numeric cell by an integer.
func (v Value) times(n int64) Value {
	if v.num == nil {
		return v
	}
	return Value{num: new(big.Int).Mul(v.num, big.NewInt(n)), den: v.den}
}

// NotApplicable is the cell of a column that says nothing about a record: "-"
// in CSV and tables, null in JSON.
var NotApplicable = Value{}

// Applies reports whether the cell holds anything.
func (v Value) Applies() bool { return v.num != nil || v.text != "" }

// Float is the number for statistics; ok is false for text and empty cells.
func (v Value) Float() (f float64, ok bool) {
	if v.num == nil {
		return 0, false
	}
	f, _ = new(big.Rat).SetFrac(v.num, v.den).Float64()
	return f, true
}

// Format prints the cell with the given number of decimals, rounded half away
// from zero, or "-".
func (v Value) Format(decimals int) string {
	switch {
	case v.num != nil:
		return new(big.Rat).SetFrac(v.num, v.den).FloatString(decimals)
	case v.text != "":
		return v.text
	}
	return "-"
}

// json prints the cell as a JSON value.
func (v Value) json(decimals int) string {
	switch {
	case v.num != nil:
		return v.Format(decimals)
	case v.text != "":
		return quoteJSON(v.text)
	}
	return "null"
}

// packed prints counts as "a=1;b=2" in order of name, or nothing.
func packed(c Counts) Value {
	var parts []string
	for _, k := range sortedKeys(c) {
		parts = append(parts, fmt.Sprintf("%s=%d", k, c[k]))
	}
	return Text(strings.Join(parts, ";"))
}
