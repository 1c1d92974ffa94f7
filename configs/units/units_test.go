package units

import (
	"strings"
	"testing"

	"mmsim/sim"
)

func TestExactDecimals(t *testing.T) {
	for s, want := range map[string]sim.Time{
		"5us": 5 * sim.Microsecond, "36ns": 36 * sim.Nanosecond, "0.5ms": 500 * sim.Microsecond,
		"6.5ns": 6500 * sim.Picosecond, "0.1ns": 100 * sim.Picosecond, "0.000001ns": 1, "0ns": 0, "1 s": sim.Second,
	} {
		if got, err := ParseTime(s); err != nil || got != want {
			t.Errorf("ParseTime(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	if n, err := ParseSize("27.5MiB"); err != nil || n != 28160<<10 {
		t.Errorf("27.5MiB = %d, %v", n, err)
	}
	if f, err := ParseClock("3.7GHz"); err != nil || f != 3_700_000_000 {
		t.Errorf("3.7GHz = %d, %v", f, err)
	}
	if p, err := ParsePercent("62.5%"); err != nil || p != 625 {
		t.Errorf("62.5%% = %d, %v", p, err)
	}
	if r, err := ParseRate("20000/s"); err != nil || r.Interval() != 50*sim.Microsecond {
		t.Errorf("20000/s = %v, %v", r.Interval(), err)
	}
}

func TestErrorsSayWhatWasExpected(t *testing.T) {
	parse := map[string]func(string) error{
		"size":    func(s string) error { _, err := ParseSize(s); return err },
		"time":    func(s string) error { _, err := ParseTime(s); return err },
		"clock":   func(s string) error { _, err := ParseClock(s); return err },
		"cycles":  func(s string) error { _, err := ParseCycles(s); return err },
		"percent": func(s string) error { _, err := ParsePercent(s); return err },
		"rate":    func(s string) error { _, err := ParseRate(s); return err },
	}
	for _, c := range []struct{ kind, in, want string }{
		{"time", "5", `5 has no unit; expected a time such as "5us"`},
		{"time", "5usec", `unknown unit "usec"; expected a time such as "5us" or "0.5ns"; did you mean "5us"?`},
		{"time", "-5us", `"-5us" is negative`},
		{"time", "0.5fs", `finer than the smallest step, 1fs`},
		{"time", "2000s", `too large; expected at most 1000s`},
		{"time", "five", `not a number with a unit`},
		{"size", "32KB", `did you mean "32KiB"?`},
		{"size", "0.3B", `finer than the smallest step, 1B`},
		{"clock", "2.0ghz", `did you mean "2.0GHz"?`},
		{"clock", "0GHz", `cannot stand still`},
		{"cycles", "4ns", `unknown unit "ns"; expected a number of core clock cycles`},
		{"percent", "120%", `too large; expected at most 100%`},
		{"rate", "0/s", `nothing ever runs`},
		{"rate", "-3/s", `negative`},
	} {
		if err := parse[c.kind](c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v; want %s", c.kind, c.in, err, c.want)
		}
	}
}

// Whatever a parser accepts, its formatter writes back as the same quantity.
func FuzzUnits(f *testing.F) {
	for _, s := range []string{"5us", "0.25MiB", "3.7GHz", "18cycles", "1cycle", "62.5%", "20000/s", "0.001/s", "back-to-back", "1.5", "-1ns", "", "9999999999999GiB", "0.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		again(t, s, ParseSize, FormatSize)
		again(t, s, ParseTime, FormatTime)
		again(t, s, ParseClock, FormatClock)
		again(t, s, ParseCycles, FormatCycles)
		again(t, s, ParsePercent, FormatPercent)
		again(t, s, ParseRate, FormatRate)
		again(t, s, ParseMilli, FormatMilli)
	})
}

func again[V comparable](t *testing.T, s string, parse func(string) (V, error), format func(V) string) {
	v, err := parse(s)
	if err != nil {
		return
	}
	if back, err := parse(format(v)); err != nil || back != v {
		t.Errorf("%q is %v, written %q, read back as %v, %v", s, v, format(v), back, err)
	}
}
