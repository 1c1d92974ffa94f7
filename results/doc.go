// Package results holds what runs measured, as records that outlive the run:
// their data dictionary, statistics over seeds, and everything printed or
// written from them.
//
// It is cut along four seams. A record is made from one run (measure.go) and
// is plain integers (record.go); the dictionary (columns*.go) gives every
// column its name, unit and meaning, and CSV, JSON and docs/records.md all
// come from it; statistics (stats.go, summary.go) know numbers but no files;
// rendering (report*.go, text.go, markdown.go) reads records only, never a
// running simulation, so a report of stored records is the report of the run.
package results
