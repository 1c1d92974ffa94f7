package results

import (
	"slices"
	"strings"
	"sync"

	"mmsim/sim"
)

// Column is one entry of the data dictionary. CSV headers, the columns of JSON
// records and docs/records.md are made from the same list, so they cannot
// disagree.
type Column struct {
	// Name is snake_case and ends in the unit of a number ("_ns_per_op");
	// names are unique and never change their meaning within a schema version.
	Name string
	Unit Unit
	Doc  string
	// Applies says when the column has a value; empty means always.
	Applies  string
	Decimals int
	Value    func(*Record) Value
}

// Unit is the unit of a column, and how names end that carry it.
type Unit string

// Units of columns. A plain count of things ends in "_count".
const (
	NoUnit         Unit = "" // text, versions and seeds
	Count          Unit = "count"
	Nanoseconds    Unit = "ns"
	NsPerOp        Unit = "ns_per_op"
	Cycles         Unit = "cycles"
	CyclesPerOp    Unit = "cycles_per_op"
	PerOp          Unit = "per_op"
	CyclesPerWrite Unit = "cycles_per_write"
	OpsPerS        Unit = "ops_per_s"
	Percent        Unit = "pct"
	Ratio          Unit = "ratio"
)

// Columns is the data dictionary, in the order of CSV columns.
func Columns() []Column { return slices.Clone(dictionary()) }

var dictionary = sync.OnceValue(func() []Column {
	var all []Column
	all = append(all, identityColumns...)
	all = append(all, safetyColumns...)
	all = append(all, costColumns...)
	all = append(all, categoryColumns()...)
	all = append(all, taskColumns...)
	all = append(all, threadColumns...)
	all = append(all, lockColumns()...)
	all = append(all, eventColumns()...)
	all = append(all, runColumns()...)
	return all
})

// ColumnNamed returns the entry of the dictionary with that name; an unknown
// name is a bug and panics.
func ColumnNamed(name string) Column {
	for _, c := range dictionary() {
		if c.Name == name {
			return c
		}
	}
	panic("results: no column " + name)
}

// ofGroup makes a column about the report group; it does not apply to a
// record without one.
func ofGroup(f func(r *Record, g *Group) Value) func(*Record) Value {
	return func(r *Record) Value {
		if g := r.ReportGroup(); g != nil {
			return f(r, g)
		}
		return NotApplicable
	}
}

// lookup is a count by name: absent means that it does not apply.
func lookup(c Counts, name string) Value {
	if n, ok := c[name]; ok {
		return Int(n)
	}
	return NotApplicable
}

func sum(c Counts) int64 {
	total := int64(0)
	for _, n := range c { // a sum does not depend on the order
		total += n
	}
	return total
}

func nanoseconds(t sim.Time) Value { return Frac(int64(t), int64(sim.Nanosecond)) }

func words(snake string) string { return strings.ReplaceAll(snake, "_", " ") }
