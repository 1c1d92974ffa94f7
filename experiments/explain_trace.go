package experiments

import (
	"fmt"

	"mmsim/cores"
	"mmsim/results"
	"mmsim/sim"
)

// tracer keeps the operations of one execution of a path.
type tracer struct {
	wanted    int // number of the execution
	syms      *sim.Symbols
	lineBytes sim.Addr
	first     sim.Time // start of execution 0
	ops       []cores.TraceOp
	names     []string // of the operands, as the memory was used then
}

func (t *tracer) add(op cores.TraceOp) {
	if op.IRQ && t.first == sim.Never {
		return // timers being started
	}
	t.first = min(t.first, op.Start)
	if int((op.Start-t.first)/explainInterval) != t.wanted {
		return
	}
	if op.IRQ && len(t.ops) == 0 {
		return
	}
	name := "-"
	if op.Addr != 0 {
		name = t.syms.Lookup(op.Addr).String()
	}
	t.ops, t.names = append(t.ops, op), append(t.names, name)
}

func (t *tracer) report(q *ExplainRequest, m *cores.Machine) *results.Report {
	t.dropTrailingInterrupts()
	state := "caches warm"
	if q.Cold {
		state = "first execution, caches cold"
	}
	return &results.Report{
		Title: fmt.Sprintf("%s, design %s: one uncontended execution, as executed", q.Path, q.Design),
		Shared: []results.Setting{{Key: "machine", Value: fmt.Sprintf("%s (%s)", m.Name, m.Title)},
			{Key: "thread", Value: "one, on CPU 0, " + state}},
		Tables: []results.Table{t.operations(), t.steps()},
		Notes: []string{
			`"before" and "after": state of the line in this core and the level that holds it.`,
			"A store costs what it takes to enter the store buffer; its line is fetched behind the core's back.",
		},
	}
}

// dropTrailingInterrupts forgets interrupts that came after the execution.
func (t *tracer) dropTrailingInterrupts() {
	n := len(t.ops)
	for n > 0 && t.ops[n-1].IRQ {
		n--
	}
	t.ops, t.names = t.ops[:n], t.names[:n]
}

func (t *tracer) operations() results.Table {
	table := results.Table{Caption: "operations in program order", Left: 6,
		Header: []string{"step", "operation", "object.field", "line", "before", "after", "value", "cycles"}}
	for i := range t.ops {
		op := &t.ops[i]
		step, line, value := op.Step.String(), "-", "-"
		if op.IRQ {
			step += " (irq)"
		}
		if op.Addr != 0 {
			line, value = fmt.Sprintf("%#x", uint64(op.Addr&^(t.lineBytes-1))), fmt.Sprintf("%#x", op.Value)
		}
		table.Rows = append(table.Rows, []string{step, op.Op, t.names[i], line, dash(op.Before), dash(op.After), value, fmt.Sprint(op.Cycles)})
	}
	return table
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// steps sums the operations by step, in order of first appearance, and in all.
func (t *tracer) steps() results.Table {
	type sum struct {
		ops    int
		took   sim.Time
		cycles sim.Cycles
	}
	var order []sim.Step
	by := map[sim.Step]*sum{}
	var all sum
	for i := range t.ops {
		op := &t.ops[i]
		s := by[op.Step]
		if s == nil {
			s = &sum{}
			by[op.Step] = s
			order = append(order, op.Step)
		}
		for _, x := range []*sum{s, &all} {
			x.ops++
			x.took += op.Took
			x.cycles += op.Cycles
		}
	}
	table := results.Table{Caption: "sum", Left: 1, Header: []string{"step", "operations", "cycles", "ns"}}
	row := func(name string, s *sum) {
		table.Rows = append(table.Rows, []string{name, fmt.Sprint(s.ops), fmt.Sprint(s.cycles), fmt.Sprintf("%.1f", s.took.Nanoseconds())})
	}
	for _, s := range order {
		row(s.String(), by[s])
	}
	row("all", &all)
	return table
}
