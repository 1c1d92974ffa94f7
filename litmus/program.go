package litmus

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mmsim/sim"
)

// Program is a compiled test: bodies over the CPU contract, and the memory they
// share.
type Program struct {
	File *File
	// Vars are the shared variables, in order of appearance.
	Vars []Var

	// columns are what is asked of the final state: registers, then variables,
	// each sorted. Those behind the first shown ones are for the filter alone.
	columns []column
	shown   int
	procs   []proc
	cond    *prop
	filter  *prop // nil if there is none
	uses    features
	// Memory of a run, in words: the variables, the words of RCU and of SRCU from
	// the given indices on.
	rcuWords, srcuWords, words int
}

// features tells what memory and interrupts a program needs beside its own
// variables.
type features struct{ rcu, srcu bool }

// Var is a shared variable.
type Var struct {
	Name string
	init operand
	lock bool // used as a spinlock
}

// column is one place whose final value is part of the outcome.
type column struct {
	label string // "0:r1" or "[x]"
	proc  int    // index, or Shared
	index int    // of the register or the variable
}

// proc is one compiled process.
type proc struct {
	id   int
	regs []string  // names of the registers, parameters included
	init []operand // their first values
	body []*node
}

// operand is an integer or the address of a variable.
type operand struct {
	value int64
	addr  bool // value is the index of a variable
}

// prop is a compiled proposition.
type prop struct {
	op   PropOp
	x, y *prop
	l, r int // columns; r < 0 for a constant
	k    operand
	ne   bool
}

// Layout of a run's memory: every shared word has lines of its own. The base is
// high, so that no integer of a test is taken for an address.
const (
	memoryBase sim.Addr = 0x1000_0000
	memoryEnd  sim.Addr = 0x2000_0000
	wordStride          = 256
)

// bytes is the size of the memory of one run.
func (p *Program) bytes() sim.Addr { return sim.Addr(p.words) * wordStride }

// address is that of a shared word in such a run.
func address(base sim.Addr, word int) sim.Addr { return base + sim.Addr(word)*wordStride }

// in is an operand's value in the run whose memory begins at base.
func (o operand) in(base sim.Addr) int64 {
	if o.addr {
		return int64(address(base, int(o.value)))
	}
	return o.value
}

// variableAt is the index of the variable at an address, or -1.
func (p *Program) variableAt(base sim.Addr, v int64) int {
	a := sim.Addr(v)
	if a < base || (a-base)%wordStride != 0 || int((a-base)/wordStride) >= len(p.Vars) {
		return -1
	}
	return int((a - base) / wordStride)
}

// initialise writes the variables' first values.
func (p *Program) initialise(mem *sim.Memory, base sim.Addr) {
	for i := range p.Vars {
		mem.Write(address(base, i), 8, uint64(p.Vars[i].init.in(base)))
	}
	for i := len(p.Vars); i < p.words; i++ {
		mem.Write(address(base, i), 8, 0)
	}
}

// symbols names the variables for traces.
func (p *Program) symbols(base sim.Addr) *sim.Symbols {
	s := new(sim.Symbols)
	for i := range p.words {
		name := fmt.Sprintf("rcu%d", i-len(p.Vars))
		if i < len(p.Vars) {
			name = p.Vars[i].Name
		}
		s.AddObject(address(base, i), sim.NewLayout(name, 8, 8, sim.F("value", 0, 8)), "")
	}
	return s
}

// outcome is the final values of the columns, with addresses as operands.
type outcome []operand

// operandOf turns a value of a run into one that does not depend on where the
// run's memory is.
func (p *Program) operandOf(base sim.Addr, v int64) operand {
	if i := p.variableAt(base, v); i >= 0 {
		return operand{int64(i), true}
	}
	return operand{value: v}
}

// outcomeOf collects the columns of a finished run.
func (p *Program) outcomeOf(r *run, read func(sim.Addr) uint64) outcome {
	out := make(outcome, len(p.columns))
	for i, c := range p.columns {
		v := int64(0)
		if c.proc == Shared {
			v = int64(read(address(r.base, c.index)))
		} else {
			v = r.threads[c.proc].regs[c.index].v
		}
		out[i] = p.operandOf(r.base, v)
	}
	return out
}

// format is the outcome in herd's form.
func (p *Program) format(o outcome) string {
	var b strings.Builder
	for i, c := range p.columns[:p.shown] {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.label + "=" + p.formatOperand(o[i]) + ";")
	}
	return b.String()
}

func (p *Program) formatOperand(o operand) string {
	if o.addr {
		return p.Vars[o.value].Name
	}
	return strconv.FormatInt(o.value, 10)
}

// compare orders outcomes by their columns.
func (o outcome) compare(q outcome) int {
	return slices.CompareFunc(o, q, func(a, b operand) int {
		if a.addr != b.addr {
			if b.addr {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.value, b.value)
	})
}

// holds evaluates a proposition.
func (k *prop) holds(o outcome) bool {
	switch k.op {
	case True:
		return true
	case False:
		return false
	case Not:
		return !k.x.holds(o)
	case And:
		return k.x.holds(o) && k.y.holds(o)
	case Or:
		return k.x.holds(o) || k.y.holds(o)
	case Implies:
		return !k.x.holds(o) || k.y.holds(o)
	}
	right := k.k
	if k.r >= 0 {
		right = o[k.r]
	}
	return (o[k.l] == right) != k.ne
}
