package results

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
)

func distanceName(d int) string { return coherence.Distance(d).String() }

// bounceTable turns the engine's table, by address, into one by field.
func bounceTable(res *cores.Result, lineBytes int) []Bounce {
	count := map[Bounce]int64{}
	for _, b := range res.Bounces {
		line := b.Addr &^ sim.Addr(lineBytes-1)
		count[Bounce{Line: fmt.Sprintf("%#x", uint64(line)), Field: fieldName(res.Syms, b.Addr),
			Step: b.Step.String(), Distance: b.Distance.String()}] += b.Count
	}
	table := make([]Bounce, 0, len(count))
	for b, n := range count { // sorted below
		b.Count = n
		table = append(table, b)
	}
	slices.SortFunc(table, compareBounces)
	return table
}

// byDistance sums the table by distance; distances that the machine does not
// have are absent.
func byDistance(table []Bounce, p *coherence.Params) Counts {
	c := Counts{}
	for d := range coherence.NumDistances {
		if distanceApplies(p, d) {
			c[d.String()] = 0
		}
	}
	for i := range table {
		c[table[i].Distance] += table[i].Count
	}
	return c
}

func compareBounces(a, b Bounce) int {
	return cmp.Or(cmp.Compare(len(a.Line), len(b.Line)), cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Field, b.Field), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Distance, b.Distance))
}

// arrayIndex matches an index in a field's name, with the dot behind it where
// the name begins with it.
var arrayIndex = regexp.MustCompile(`^\[[0-9]+\]\.|\[[0-9]+\]`)

// fieldName names what lies at an address: "struct.field", array indices
// dropped so that elements count together.
func fieldName(syms *sim.Symbols, a sim.Addr) string {
	if syms == nil {
		return fmt.Sprintf("%#x", uint64(a))
	}
	y := syms.Lookup(a)
	y.Field = arrayIndex.ReplaceAllString(y.Field, "")
	return y.String()
}

// FieldBounces are the bounces of one field, over all its lines.
type FieldBounces struct {
	Field      string
	Count      int64
	Step       string // the step with most of them; ties go to the first by name
	StepCount  int64
	ByDistance Counts
}

// perCPU matches the instance names of per-CPU objects.
var perCPU = regexp.MustCompile(`\(cpu[0-9]+\)`)

// HottestFields aggregates a bounce table by field, the copies of a per-CPU
// object together, and returns the n hottest, ties in order of name.
func HottestFields(table []Bounce, n int) []FieldBounces {
	byField := map[string]*FieldBounces{}
	steps := map[string]Counts{}
	for _, b := range table {
		name := perCPU.ReplaceAllString(b.Field, "(per cpu)")
		f := byField[name]
		if f == nil {
			f = &FieldBounces{Field: name, ByDistance: Counts{}}
			byField[name], steps[name] = f, Counts{}
		}
		f.Count += b.Count
		f.ByDistance[b.Distance] += b.Count
		steps[name][b.Step] += b.Count
	}
	var out []FieldBounces
	for _, name := range sortedKeys(byField) {
		f := byField[name]
		for _, s := range sortedKeys(steps[name]) {
			if c := steps[name][s]; c > f.StepCount {
				f.Step, f.StepCount = s, c
			}
		}
		out = append(out, *f)
	}
	slices.SortStableFunc(out, func(a, b FieldBounces) int { return cmp.Compare(b.Count, a.Count) })
	return out[:min(n, len(out))]
}

// sortedKeys are the keys of a map in ascending order: the only way this
// package walks a map whose order could show.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
