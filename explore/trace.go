package explore

import (
	"strings"

	"mmsim/sim"
)

// Trace is one execution as rows of columns, one column a CPU.
type Trace struct {
	Columns []string
	Rows    []Row
}

// Row is one operation.
type Row struct {
	Column int
	Text   string
	Note   string // "stale: ..." and what made it possible
}

// String renders the columns as developers draw races.
func (t *Trace) String() string { return strings.Join(t.Columns, " | ") }

type tracer struct{}

func suffix(o sim.Order) string                           { return "" }
func (m *machine) traceOp(x *context, k string, v uint64) {}
func (m *machine) traceRMW(x *context, v uint64)          {}
func (m *machine) traceLock(x *context, wait, ok bool)    {}
func (m *machine) traceText(x *context, s string)         {}
func (m *machine) traceSpin(x *context, k int)            {}
func (r *record) clone() record                           { return *r }
func (r *run) explain(v *Violation)                       {}
func (r *run) sampler() strategy                          { return nil }
