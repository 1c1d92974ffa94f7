package sim

import (
	"fmt"
	"math"
)

// Time is a point or a span of virtual time in femtoseconds. It is an integer
// so that clocks of different domains mix exactly; no floating-point number
// takes part in the model.
type Time int64

// Spans of virtual time.
const (
	Femtosecond Time = 1
	Picosecond       = 1000 * Femtosecond
	Nanosecond       = 1000 * Picosecond
	Microsecond      = 1000 * Nanosecond
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond

	// Never is later than every event.
	Never Time = math.MaxInt64
)

// Nanoseconds returns t in ns for reports; the model itself stays integer.
func (t Time) Nanoseconds() float64 { return float64(t) / float64(Nanosecond) }

// String prints t with a unit that suits its size.
func (t Time) String() string {
	switch {
	case t == Never:
		return "never"
	case t < 0:
		return "-" + (-t).String()
	case t >= Millisecond:
		return fmt.Sprintf("%.6gms", float64(t)/float64(Millisecond))
	case t >= Microsecond:
		return fmt.Sprintf("%.6gus", float64(t)/float64(Microsecond))
	default:
		return fmt.Sprintf("%.6gns", t.Nanoseconds())
	}
}

// Hertz is a clock frequency.
type Hertz int64

// Period is the length of one clock cycle, rounded to a femtosecond.
func (f Hertz) Period() Time {
	return (Second + Time(f)/2) / Time(f)
}

// Cycles counts core clock cycles. Costs that a core's own pipeline sets are
// given in Cycles; everything outside the core is given as Time.
type Cycles int64
