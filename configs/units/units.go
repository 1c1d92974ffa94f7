// Package units reads and writes quantities with their units: "32KiB",
// "2.0GHz", "5us", "100cycles", "60%", "20000/s". Decimals are exact: nothing
// passes through a floating-point number, and a quantity finer than the
// integer that holds it is an error instead of being rounded.
package units

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"

	"mmsim/sim"
)

// Error says what is wrong with a quantity. Expected and Hint (a text that
// would have been right) are empty where there is nothing to say.
type Error struct{ Problem, Expected, Hint string }

func (e *Error) Error() string {
	s := e.Problem
	if e.Expected != "" {
		s += "; expected " + e.Expected
	}
	if e.Hint != "" {
		s += fmt.Sprintf("; did you mean %q?", e.Hint)
	}
	return s
}

// unit is a suffix and how many of the quantity's smallest steps it stands
// for.
type unit struct {
	suffix string
	steps  int64
}

// quantity is a family of units, ascending, over one integer.
type quantity struct {
	expected string
	units    []unit
	max      int64
	zero     string // unit that nothing is written in; "" is the smallest
}

var (
	sizes = quantity{`a size such as "32KiB" or "27.5MiB"`,
		[]unit{{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}, 1 << 40, ""}
	times = quantity{`a time such as "5us" or "0.5ns"`, []unit{
		{"fs", int64(sim.Femtosecond)}, {"ps", int64(sim.Picosecond)}, {"ns", int64(sim.Nanosecond)},
		{"us", int64(sim.Microsecond)}, {"ms", int64(sim.Millisecond)}, {"s", int64(sim.Second)}}, int64(1000 * sim.Second), "ns"}
	clocks = quantity{`a clock frequency such as "2.0GHz"`,
		[]unit{{"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6}, {"GHz", 1e9}}, 100e9, ""}
	cycles   = quantity{`a number of core clock cycles such as "18cycles"`, []unit{{"cycles", 1}}, 1e12, ""}
	percents = quantity{`a percentage such as "60%"`, []unit{{"%", 10}}, 1000, ""}
	rates    = quantity{`"back-to-back" or a rate such as "20000/s"`,
		[]unit{{"/s", 1e3}, {"/ms", 1e6}, {"/us", 1e9}}, 1e12, ""}
)

var number = regexp.MustCompile(`^(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))? ?(.*)$`)

// parse reads "<decimal><unit>" exactly.
func (q *quantity) parse(s string) (int64, error) {
	m := number.FindStringSubmatch(s)
	switch {
	case m == nil:
		return 0, &Error{Problem: fmt.Sprintf("%q is not a number with a unit", s), Expected: q.expected}
	case m[4] == "":
		return 0, q.NoUnit(s)
	case m[1] != "":
		return 0, &Error{Problem: fmt.Sprintf("%q is negative", s), Expected: q.expected}
	}
	steps := q.steps(m[4])
	if steps == 0 {
		return 0, &Error{fmt.Sprintf("%q: unknown unit %q", s, m[4]), q.expected, q.hint(s, m[4])}
	}
	return q.scale(s, m[2]+"."+m[3]+"0", steps)
}

// NoUnit is the error for a bare number.
func (q *quantity) NoUnit(s string) error {
	return &Error{Problem: s + " has no unit", Expected: q.expected}
}

func (q *quantity) steps(suffix string) int64 {
	for _, u := range q.units {
		if u.suffix == suffix || suffix == "cycle" && u.suffix == "cycles" {
			return u.steps
		}
	}
	return 0
}

// spelt maps spellings that are understood but not accepted.
var spelt = map[string]string{"k": "KiB", "kb": "KiB", "m": "MiB", "mb": "MiB", "g": "GiB", "gb": "GiB", "byte": "B", "bytes": "B",
	"usec": "us", "µs": "us", "μs": "us", "msec": "ms", "nsec": "ns", "sec": "s", "cyc": "cycles", "percent": "%", "hz": "Hz",
	"ops/s": "/s", "per second": "/s", "/sec": "/s"}

func (q *quantity) hint(s, suffix string) string {
	want := spelt[strings.ToLower(suffix)]
	for _, u := range q.units {
		if u.suffix == want || strings.EqualFold(u.suffix, suffix) {
			return strings.TrimRight(strings.TrimSuffix(s, suffix), " ") + u.suffix
		}
	}
	return ""
}

func (q *quantity) scale(s, decimal string, steps int64) (int64, error) {
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return 0, &Error{Problem: fmt.Sprintf("%q is not a number with a unit", s), Expected: q.expected}
	}
	r.Mul(r, new(big.Rat).SetInt64(steps))
	switch {
	case !r.IsInt():
		return 0, &Error{Problem: fmt.Sprintf("%q is finer than the smallest step, %s", s, q.format(1)), Expected: q.expected}
	case !r.Num().IsInt64() || r.Num().Int64() > q.max:
		return 0, &Error{Problem: fmt.Sprintf("%q is too large", s), Expected: "at most " + q.format(q.max)}
	}
	return r.Num().Int64(), nil
}

// format writes n in the largest unit that takes at most three decimals.
func (q *quantity) format(n int64) string {
	if n == 0 && q.zero != "" {
		return "0" + q.zero
	}
	for i := len(q.units) - 1; i >= 0; i-- {
		u := q.units[i]
		if n >= u.steps || i == 0 {
			if s, ok := decimals(n, u.steps); ok || i == 0 {
				return s + u.suffix
			}
		}
	}
	panic("units: quantity without units")
}

// decimals writes n/steps, exactly if three decimals are enough.
func decimals(n, steps int64) (string, bool) {
	r := big.NewRat(n, steps)
	s := r.FloatString(3)
	back, _ := new(big.Rat).SetString(s)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), "."), back.Cmp(r) == 0
}

// ParseSize reads a size in bytes.
func ParseSize(s string) (int, error) { n, err := sizes.parse(s); return int(n), err }

// FormatSize writes a size in bytes.
func FormatSize(n int) string { return sizes.format(int64(n)) }

// ParseTime reads a span of time.
func ParseTime(s string) (sim.Time, error) { n, err := times.parse(s); return sim.Time(n), err }

// FormatTime writes a span of time exactly.
func FormatTime(t sim.Time) string { return times.format(int64(t)) }

// ParseClock reads a frequency; zero is none.
func ParseClock(s string) (sim.Hertz, error) {
	n, err := clocks.parse(s)
	if err == nil && n == 0 {
		err = &Error{Problem: fmt.Sprintf("%q: a clock cannot stand still", s), Expected: clocks.expected}
	}
	return sim.Hertz(n), err
}

// FormatClock writes a frequency.
func FormatClock(f sim.Hertz) string { return clocks.format(int64(f)) }

// ParseCycles reads a number of core clock cycles.
func ParseCycles(s string) (sim.Cycles, error) { n, err := cycles.parse(s); return sim.Cycles(n), err }

// FormatCycles writes a number of core clock cycles.
func FormatCycles(n sim.Cycles) string { return cycles.format(int64(n)) }

// Permille is a share in thousandths.
type Permille int

// ParsePercent reads a share of at most 100%, in steps of 0.1%.
func ParsePercent(s string) (Permille, error) { n, err := percents.parse(s); return Permille(n), err }

// FormatPercent writes a share.
func FormatPercent(p Permille) string { return percents.format(int64(p)) }

// Rate is a number of operations per 1,000 s; BackToBack is no rate: the next
// operation starts as soon as the last one has ended.
type Rate int64

// BackToBack is the absence of a rate.
const BackToBack Rate = 0

// ParseRate reads "back-to-back" or a positive rate.
func ParseRate(s string) (Rate, error) {
	if s == "back-to-back" {
		return BackToBack, nil
	}
	n, err := rates.parse(s)
	if err == nil && n == 0 {
		err = &Error{Problem: fmt.Sprintf("%q: at this rate nothing ever runs", s), Expected: rates.expected}
	}
	return Rate(n), err
}

// FormatRate writes a rate.
func FormatRate(r Rate) string {
	if r == BackToBack {
		return "back-to-back"
	}
	s, ok := decimals(int64(r), rates.units[0].steps)
	if !ok {
		panic("units: a rate finer than its step")
	}
	return s + "/s"
}

// Interval is the time between the starts of two operations at this rate,
// rounded to a femtosecond; zero if back to back.
func (r Rate) Interval() sim.Time {
	if r == BackToBack {
		return 0
	}
	return (1000*sim.Second + sim.Time(r)/2) / sim.Time(r)
}

// Expected describes what each parser takes, for errors about values that are
// no text at all.
var Expected = struct{ Size, Time, Clock, Cycles, Percent, Rate string }{
	sizes.expected, times.expected, clocks.expected, cycles.expected, percents.expected, rates.expected}

// ParseMilli reads a plain decimal such as "0.99" in thousandths.
func ParseMilli(s string) (int, error) {
	m := number.FindStringSubmatch(s)
	if m == nil || m[4] != "" || m[1] != "" {
		return 0, &Error{Problem: fmt.Sprintf("%q is not a positive decimal number", s)}
	}
	q := quantity{units: []unit{{"", 1000}}, max: math.MaxInt32}
	n, err := q.scale(s, m[2]+"."+m[3]+"0", 1000)
	return int(n), err
}

// FormatMilli writes thousandths as a decimal.
func FormatMilli(n int) string { s, _ := decimals(int64(n), 1000); return s }
