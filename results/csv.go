package results

import (
	"encoding/csv"
	"io"
)

// WriteCSV writes one row per record under the header of the data dictionary.
// Cells that do not apply are "-".
func WriteCSV(w io.Writer, records []*Record) error {
	out := csv.NewWriter(w)
	columns := Columns()
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.Name
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for _, r := range records {
		for i, c := range columns {
			row[i] = c.Value(r).Format(c.Decimals)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// bounceColumns is the dictionary of the bounce table's file.
var bounceColumns = []struct {
	name, doc string
	value     func(r *Record, b *Bounce) string
}{
	{"record_hash", "The record this row belongs to (column `record_hash` there).", func(r *Record, b *Bounce) string { return r.Hash }},
	{"point", "As in the record.", func(r *Record, b *Bounce) string { return r.PointName() }},
	{"design", "As in the record.", func(r *Record, b *Bounce) string { return r.Design }},
	{"seed", "As in the record.", func(r *Record, b *Bounce) string { return Int(int64(r.Seed)).Format(0) }},
	{"line", "Address of the cache line.", func(r *Record, b *Bounce) string { return b.Line }},
	{"field", "`struct.field` that was accessed, array indices dropped.", func(r *Record, b *Bounce) string { return b.Field }},
	{"step", "Step of the path that took the line.", func(r *Record, b *Bounce) string { return b.Step }},
	{"distance", "How far the line came.", func(r *Record, b *Bounce) string { return b.Distance }},
	{"bounces_count", "Bounces, by the CPUs of all groups.", func(r *Record, b *Bounce) string { return Int(b.Count).Format(0) }},
	{"bounces_per_op", "The same per operation of the report group.", func(r *Record, b *Bounce) string {
		if g := r.ReportGroup(); g != nil {
			return Frac(b.Count, g.Ops).Format(6)
		}
		return NotApplicable.Format(0)
	}},
}

// WriteBounces writes the bounce tables of all records: one row per line,
// field, step and distance.
func WriteBounces(w io.Writer, records []*Record) error {
	out := csv.NewWriter(w)
	row := make([]string, len(bounceColumns))
	for i, c := range bounceColumns {
		row[i] = c.name
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for _, r := range records {
		for b := range r.Bounces {
			for i, c := range bounceColumns {
				row[i] = c.value(r, &r.Bounces[b])
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
