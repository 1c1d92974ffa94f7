package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// orderingKey is the swept key that makes a report one about fences.
const orderingKey = "machine.ordering.class"

// aboutFences: the ordering class is swept, so what order costs is the question.
func aboutFences(s *Summary) bool {
	return slices.ContainsFunc(s.Records[0].Point, func(p Setting) bool { return p.Key == orderingKey })
}

// writerGroup is the group that took mmap_lock for writing most often in a row.
func (w *Row) writerGroup() string {
	name, most := "", int64(0)
	for i := range w.Records[0].Groups {
		if g := &w.Records[0].Groups[i]; g.Events[eventMMWrites] > most {
			name, most = g.Name, g.Events[eventMMWrites]
		}
	}
	return name
}

// fenceTable puts what order costs the writer beside what readers pay, for each
// ordering class and design.
func fenceTable(s *Summary) Table {
	t := Table{Caption: "cost of order: the writer's per write section of mmap_lock and per VMA locked, and its readers' operations"}
	if !aboutFences(s) {
		return t
	}
	for _, p := range s.Records[0].Point {
		t.Header = append(t.Header, shortKey(p.Key))
	}
	t.Left = len(t.Header) + 1
	t.Header = append(t.Header, "design", "cyc/mmap write", "95%", "cyc/VMA locked", "95%", "writer ns/op", "reader ns/op", "95%", "cyc/fault lock", "95%")
	for _, w := range s.Rows() {
		writer := w.writerGroup()
		if writer == "" {
			continue
		}
		var row []string
		for _, p := range w.Point {
			row = append(row, p.Value)
		}
		mm, vma := w.about(writer).Mean("write_fence_cycles_per_write"), w.about(writer).Mean("vma_fence_cycles_per_write")
		row = append(row, w.Design, short(mm.Mean), mm.spread(), short(vma.Mean), vma.spread(), short(w.about(writer).Mean(costColumn).Mean))
		readers := w.readers(writer)
		faults := w.faultLocks()
		t.Rows = append(t.Rows, append(row, short(readers.Mean), readers.spread(), short(faults.Mean), faults.spread()))
	}
	return t.pruned("reader ns/op")
}

// faultPath is the path that locks VMAs as page faults do.
const faultPath = "fault-lock"

// faultLocks is what page faults pay to lock a VMA and unlock it.
func (w *Row) faultLocks() Interval {
	for i := range w.Records[0].Groups {
		if g := &w.Records[0].Groups[i]; g.Path == faultPath {
			return w.about(g.Name).Mean("busy_cycles_per_op")
		}
	}
	return MeanInterval(nil)
}

// readers is the cost of the first group beside the writer, page faults apart.
func (w *Row) readers(writer string) Interval {
	for i := range w.Records[0].Groups {
		if g := &w.Records[0].Groups[i]; g.Name != writer && g.Path != faultPath {
			return w.about(g.Name).Mean(costColumn)
		}
	}
	return MeanInterval(nil)
}

// fences says of each ordering class what each design adds to a write section
// beyond the baseline.
func fences(s *Summary) []string {
	if !aboutFences(s) {
		return nil
	}
	var out []string
	for _, p := range s.Points {
		base := s.Row(p, s.Records[0].Baseline)
		if base == nil || base.writerGroup() == "" {
			continue
		}
		var parts, faults []string
		for _, d := range s.Designs {
			w := s.Row(p, d)
			if w != nil && w != base {
				parts = append(parts, fmt.Sprintf("%s %s", d, added(w, base)))
			}
			if w != nil && w.faultLocks().N > 0 {
				faults = append(faults, fmt.Sprintf("%s %s", d, short(w.faultLocks().Mean)))
			}
		}
		out = append(out, fmt.Sprintf("writer's order%s, cycles over %s per mmap write (per VMA locked): %s", atRow(base), base.Design, strings.Join(parts, ", ")))
		if len(faults) > 0 {
			out = append(out, fmt.Sprintf("page faults' lock of a VMA%s, cycles to lock and unlock: %s", atRow(base), strings.Join(faults, ", ")))
		}
	}
	return out
}

func added(w, base *Row) string {
	cell := func(column string) string {
		d := w.about(w.writerGroup()).Mean(column).Mean - base.about(base.writerGroup()).Mean(column).Mean
		switch {
		case math.IsNaN(d):
			return none
		case math.Abs(d) < 0.05:
			d = 0 // not "-0.0"
		}
		return fmt.Sprintf("%+.1f", d)
	}
	return fmt.Sprintf("%s (%s)", cell("write_fence_cycles_per_write"), cell("vma_fence_cycles_per_write"))
}

// costsKey says whose instruction costs the machine has.
const costsKey = "machine.ordering.costs"

// costNotes says where the instruction costs of ordering classes come from, and
// how far they can be trusted.
func costNotes(s *Summary) []string {
	if !slices.ContainsFunc(s.Records[0].Point, func(p Setting) bool { return p.Key == costsKey && p.Value == "by-class" }) {
		return nil
	}
	return []string{"ordering.costs=by-class: latencies of one machine, instruction costs of a typical core of each class (machines.md). " +
		"Confidence: x86-tso LOCK 18 cycles A; arm64 atomics A, DMB 10 to 15 cycles C (5 to 20); power lwsync 10 ns C (5 to 15), hwsync 30 ns C (20 to 40); " +
		"riscv fence 5 cycles, AMO 12 cycles B, on cores that do not drain their stores at every fence."}
}
