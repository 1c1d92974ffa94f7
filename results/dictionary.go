package results

import (
	"fmt"
	"io"
	"strings"
)

// WriteDictionary writes docs/records.md: what records are, and every column.
func WriteDictionary(w io.Writer) error {
	out := &errWriter{w: w}
	fmt.Fprintf(out, dictionaryHead, SchemaVersion, ModelVersion)
	t := Table{Header: []string{"column", "unit", "meaning", "applies to"}, Left: 4}
	for _, c := range Columns() {
		unit, applies := string(c.Unit), c.Applies
		if unit == "" {
			unit = "-"
		}
		if applies == "" {
			applies = "every record"
		}
		t.Rows = append(t.Rows, []string{"`" + c.Name + "`", unit, c.Doc, applies})
	}
	t.writeDictionary(out)
	fmt.Fprint(out, dictionaryBounces)
	b := Table{Header: []string{"column", "meaning"}, Left: 2}
	for _, c := range bounceColumns {
		b.Rows = append(b.Rows, []string{"`" + c.name + "`", c.doc})
	}
	b.writeDictionary(out)
	fmt.Fprint(out, dictionaryTail)
	return out.err
}

// writeDictionary prints Markdown without padding cells to a common width:
// long texts would make every line as long as the longest.
func (t *Table) writeDictionary(out *errWriter) {
	line := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Header)
	rule := make([]string, len(t.Header))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		line(cells)
	}
}

const dictionaryHead = `# Records

<!-- Made from the data dictionary by "go test ./results -run Dictionary -update"; do not edit. -->

A run is one design at one point of the sweep under one seed. Each makes one record, and everything that mmsim prints
or writes about results is made from records: the report, ` + "`--csv`, `--json`, `--markdown`, `--bounces`" + ` and the files of
` + "`--store`" + `. Schema version %d, model version %d.

- A name ends in the unit of its number: ` + "`_ns`, `_cycles`, `_ns_per_op`, `_pct`, `_count`" + ` and so on. Names are unique and keep
  their meaning within a schema version; new ones may be added anywhere, so read columns by name.
- What does not apply is ` + "`-`" + ` in CSV and tables and ` + "`null`" + ` in JSON. A zero was measured.
- Numbers come from integer accounts and are rounded once, when printed, so equal runs give equal bytes on any host.
- Columns without ` + "`run_`" + ` are about the report group (` + "`report`" + ` in the experiment); with it, about all threads.
- Nothing that happened during the warm-up is counted.

## Columns (CSV, and ` + "`columns`" + ` of a JSON record)

`

const dictionaryBounces = `
## The bounce table (--bounces FILE)

One row per record, line, field, step and distance. A bounce is a line's data or ownership that some CPU took from
another core's private caches.

`

const dictionaryTail = `
## JSON (--json FILE)

One object: ` + "`schema_version`, `model_version`, `configurations`" + ` (each distinct effective configuration once, as TOML with
every default written out) and ` + "`records`" + `. A record has ` + "`columns`" + `, the table above, and ` + "`account`" + `, the integers behind it for
every group of threads: CPU time by category and by step in fs (each sums to CPUs x simulated time), the threads'
time running, interrupted, asleep and waiting for a CPU (their sum is threads x simulated time), operations by thread, locks by
class (acquisitions, waits, holds, hand-overs by distance), all counts, latencies in ps, and the bounce table.
` + "`account.configuration`" + ` is the id of the record's configuration. With ` + "`--with-check`, `account.safety`" + ` has every
verdict on the design (scenario, memory model, bound, schedules; of a violation the invariant and the token that replays it).

## The store (--store DIR)

One file per record, ` + "`<record_hash>.json`" + `: the account with its configuration, and a checksum. A run whose record is there
is not repeated; a file that is cut short or changed is named, and its run repeated. The hash covers the versions, the
effective configuration (point and design included) and the seed; neither names nor other seeds nor other points change it.
Verdicts of ` + "`--with-check`" + ` are files of their own, by scenario, design, memory model, bound and budget: they are not repeated
either, whatever experiment asks for them.
`
