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
	period    sim.Time // of the CPU's clock
	interval  sim.Time // between the starts of executions
	first     sim.Time // start of execution 0
	ops       []tracedOp
}

// tracedOp is an operation with the name of its operand as the memory was used
// then.
type tracedOp struct {
	cores.TraceOp
	name string
	line string // number within the object
}

func (t *tracer) add(op cores.TraceOp) {
	if op.IRQ && t.first == sim.Never {
		return // timers being started
	}
	t.first = min(t.first, op.Start)
	// An interrupt can hold a start up, so an execution is looked for around
	// the time at which it is due.
	if int((op.Start-t.first+t.interval/2)/t.interval) != t.wanted {
		return
	}
	if op.IRQ && len(t.ops) == 0 {
		return
	}
	o := tracedOp{op, "-", "-"}
	if op.Addr != 0 {
		y := t.syms.Lookup(op.Addr)
		o.name = y.String()
		o.line = fmt.Sprintf("#%d", op.Addr/t.lineBytes-y.Base/t.lineBytes)
	}
	t.ops = append(t.ops, o)
}

// dropTrailingInterrupts forgets interrupts that came after the execution.
func (t *tracer) dropTrailingInterrupts() {
	n := len(t.ops)
	for n > 0 && t.ops[n-1].IRQ {
		n--
	}
	t.ops = t.ops[:n]
}

// elapsed is from the start of the first operation to the end of the last.
func (t *tracer) elapsed() sim.Time {
	last := t.ops[len(t.ops)-1]
	return last.Start + last.Took - t.ops[0].Start
}

// operations lists what was executed, in program order.
func (t *tracer) operations() results.Table {
	table := results.Table{Caption: "operations in program order", Left: 5,
		Header: []string{"#", "step", "operation", "object.field", "line", "address", "before", "after", "value", "cycles"}}
	for i := range t.ops {
		op := &t.ops[i]
		step, address, value := op.Step.String(), "-", "-"
		if op.IRQ {
			step += " (irq)"
		}
		if op.Addr != 0 {
			address, value = fmt.Sprintf("%#x", uint64(op.Addr)), fmt.Sprintf("%#x", op.Value)
		}
		table.Rows = append(table.Rows, []string{fmt.Sprint(i + 1), step, op.Op, op.name, op.line, address,
			dash(op.Before), dash(op.After), value, fmt.Sprint(op.Cycles)})
	}
	return table
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// stepSum adds up the operations of a step.
type stepSum struct {
	name        string
	ops, memory int
	cycles      sim.Cycles
	took        sim.Time
}

func (s *stepSum) add(op *tracedOp) {
	s.ops++
	if op.Addr != 0 {
		s.memory++
	}
	s.cycles += op.Cycles
	s.took += op.Took
}

// steps sums the operations by step, in order of first appearance, and in all.
func (t *tracer) steps() results.Table {
	all := &stepSum{name: "all"}
	var sums []*stepSum
	by := map[sim.Step]*stepSum{}
	for i := range t.ops {
		op := &t.ops[i]
		s := by[op.Step]
		if s == nil {
			s = &stepSum{name: op.Step.String()}
			by[op.Step] = s
			sums = append(sums, s)
		}
		s.add(op)
		all.add(op)
	}
	table := results.Table{Caption: "sum by step", Left: 1, Header: []string{"step", "operations", "on memory", "cycles", "ns"}}
	if rest := t.elapsed() - all.took; rest > 0 {
		s := &stepSum{name: "(between operations)", took: rest, cycles: sim.Cycles((rest + t.period/2) / t.period)}
		sums = append(sums, s)
		all.took, all.cycles = t.elapsed(), all.cycles+s.cycles
	}
	for _, s := range append(sums, all) {
		table.Rows = append(table.Rows, []string{s.name, fmt.Sprint(s.ops), fmt.Sprint(s.memory), fmt.Sprint(s.cycles), fmt.Sprintf("%.1f", s.took.Nanoseconds())})
	}
	return table
}
