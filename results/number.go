package results

import (
	"fmt"
	"math"
)

// none is how tables print what is not known or does not apply.
const none = "-"

// short prints four significant digits, without an exponent.
func short(f float64) string {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return none
	case f == 0:
		return "0"
	case a < 10:
		return fmt.Sprintf("%.3f", f)
	case a < 100:
		return fmt.Sprintf("%.2f", f)
	case a < 1000:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

// rate prints a number with an SI prefix: 1.234M.
func rate(f float64) string {
	for _, u := range []struct {
		scale float64
		name  string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if f >= u.scale {
			return short(f/u.scale) + u.name
		}
	}
	return short(f)
}

// spread prints half an interval as a share of the mean.
func (i Interval) spread() string {
	switch {
	case !i.Known() || i.Mean == 0 && i.Half != 0:
		return none
	case i.Half == 0:
		return "±0%"
	}
	p := 100 * i.Half / math.Abs(i.Mean)
	if p < 10 {
		return fmt.Sprintf("±%.1f%%", p)
	}
	return fmt.Sprintf("±%.0f%%", p)
}

// ratio prints a comparison: "~" when the designs cannot be told apart.
func (c Comparison) ratio() string {
	switch {
	case math.IsNaN(c.Ratio):
		return none
	case c.Known() && !c.Distinct():
		return "~"
	}
	return ratioDigits(c.Ratio) + "x"
}

func (c Comparison) interval() string {
	if !c.Known() {
		return none
	}
	return ratioDigits(c.Lo) + "-" + ratioDigits(c.Hi)
}

func ratioDigits(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.3f", f)
}
