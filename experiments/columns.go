package experiments

import (
	"encoding/csv"
	"io"

	"mmsim/results"
)

// column is one column of a file with a row for each piece of work; the table of
// the report has those with a title.
type column[T any] struct {
	name, title string
	value       func(T) string
}

// addTo adds header and rows to a table.
func addTo[T any](t *results.Table, columns []column[T], rows []T) {
	for _, c := range columns {
		if c.title != "" {
			t.Header = append(t.Header, c.title)
		}
	}
	for _, r := range rows {
		var cells []string
		for _, c := range columns {
			if c.title != "" {
				cells = append(cells, c.value(r))
			}
		}
		t.Rows = append(t.Rows, cells)
	}
}

// writeColumns writes all columns as CSV.
func writeColumns[T any](w io.Writer, columns []column[T], rows []T) error {
	out := csv.NewWriter(w)
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.name
	}
	if err := out.Write(cells); err != nil {
		return err
	}
	for _, r := range rows {
		for i, c := range columns {
			cells[i] = c.value(r)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
