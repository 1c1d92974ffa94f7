package results

import (
	"fmt"
	"slices"
	"strings"

	"mmsim/coherence"
)

// designNotes are what a reader must know about a design before believing its
// row, by registered name.
var designNotes = map[string]string{
	"vma-seqcount": `validates hits, not "no VMA here": a lookup that finds nothing must still take mmap_lock`,
}

func notes(s *Summary) []string {
	var out, bases []string
	for _, w := range s.Rows() {
		if n := designNotes[w.Base]; n != "" && !slices.Contains(bases, w.Base) {
			bases = append(bases, w.Base)
			out = append(out, w.Base+": "+n+".")
		}
	}
	out = append(out, checkNotes(s)...)
	out = append(out, lockOrderNotes(s)...)
	out = append(out, costNotes(s)...)
	out = append(out, emptyNotes(s)...)
	if len(s.seeds()) < 2 {
		out = append(out, `one seed: no intervals, and no claim that two rows differ ("-").`)
	} else {
		out = append(out, `"~": the 95% interval of the ratio, paired by seed, includes 1.`)
	}
	out = append(out, `"-": does not apply, or not known.`)
	if r := s.Records[0]; r.Groups[0].Path == "micro" {
		return out
	}
	return append(out,
		`"vs": ratio of ns/op to the baseline's, below 1 is cheaper. "lock cyc/op": spinning for locks and asleep on them; cycles/op leaves sleep out.`)
}

// emptyNotes names the designs that ended no operation at some point.
func emptyNotes(s *Summary) []string {
	var designs []string
	for _, w := range s.Rows() {
		ops := int64(0)
		for _, r := range w.Records {
			ops += r.ReportGroup().Ops
		}
		if ops == 0 && !slices.Contains(designs, w.Design) {
			designs = append(designs, w.Design)
		}
	}
	if len(designs) == 0 {
		return nil
	}
	return []string{"no operation of " + strings.Join(designs, ", ") +
		" ended in the measured interval at some point (0 ops/s): one takes longer than the run, or waits all the time."}
}

// lockOrderNotes has what the lock-order check found in each design, once.
func lockOrderNotes(s *Summary) []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range s.Records {
		if len(r.LockOrder) > 0 && !seen[r.Design] {
			seen[r.Design] = true
			out = append(out, fmt.Sprintf("lock order, design %s, seed %d (%d findings): %s", r.Design, r.Seed, len(r.LockOrder),
				strings.ReplaceAll(r.LockOrder[0], "\n", "; ")))
		}
	}
	return out
}

// distances lists the names of distances from near to far.
func distances() []string {
	var out []string
	for d := range coherence.NumDistances {
		out = append(out, d.String())
	}
	return out
}
