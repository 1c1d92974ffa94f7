package litmus

import (
	"cmp"
	"fmt"
	"slices"
)

// Compile resolves the names of a test and checks what the syntax cannot: what
// primitives exist, what their arguments are, what has a value. The error is an
// *Error.
func Compile(f *File) (*Program, error) {
	c := &compiler{p: &Program{File: f}, vars: map[string]int{}}
	if err := c.compile(); err != nil {
		err.File = f.Path
		return nil, err
	}
	return c.p, nil
}

type compiler struct {
	p    *Program
	vars map[string]int
	proc *proc // in progress
}

func (c *compiler) compile() *Error {
	c.initVars()
	for _, q := range c.p.File.Procs {
		if err := c.process(q); err != nil {
			return err
		}
	}
	if err := c.initRegs(); err != nil {
		return err
	}
	if err := c.conditions(); err != nil {
		return err
	}
	c.layOut()
	return nil
}

// variable is the index of a shared variable; a new name makes one.
func (c *compiler) variable(name string) int {
	i, ok := c.vars[name]
	if !ok {
		i = len(c.p.Vars)
		c.vars[name] = i
		c.p.Vars = append(c.p.Vars, Var{Name: name})
	}
	return i
}

func (c *compiler) operand(v InitValue) operand {
	if v.Name != "" {
		return operand{int64(c.variable(v.Name)), true}
	}
	return operand{value: v.Int}
}

// initVars makes the variables of the init block, and those whose address it
// takes.
func (c *compiler) initVars() {
	for _, item := range c.p.File.Init {
		if item.Loc.Proc == Shared {
			i, first := c.variable(item.Loc.Name), c.operand(item.Value)
			c.p.Vars[i].init = first
		}
	}
}

// initRegs sets the registers of the init block.
func (c *compiler) initRegs() *Error {
	for _, item := range c.p.File.Init {
		if item.Loc.Proc == Shared {
			continue
		}
		i, err := c.processIndex(item.Loc)
		if err != nil {
			return err
		}
		q, first := &c.p.procs[i], c.operand(item.Value)
		q.init[q.reg(item.Loc.Name)] = first
	}
	return nil
}

// processIndex is the index of the process that a register belongs to.
func (c *compiler) processIndex(l Loc) (int, *Error) {
	for i := range c.p.procs {
		if c.p.procs[i].id == l.Proc {
			return i, nil
		}
	}
	return 0, malformed(l.At, "a register of one of the processes", "there is no process P%d", l.Proc)
}

// process compiles one process.
func (c *compiler) process(q *Process) *Error {
	c.p.procs = append(c.p.procs, proc{id: q.ID})
	c.proc = &c.p.procs[len(c.p.procs)-1]
	for _, a := range q.Params {
		r := c.proc.reg(a.Name)
		c.proc.init[r] = operand{int64(c.variable(a.Name)), true}
	}
	body, err := c.block(q.Body)
	if err != nil {
		return err
	}
	c.proc.body = body
	return cookies(body, make([]origin, len(c.proc.regs)))
}

// reg is the index of a register; a new name makes one.
func (q *proc) reg(name string) int {
	i := slices.Index(q.regs, name)
	if i < 0 {
		i = len(q.regs)
		q.regs = append(q.regs, name)
		q.init = append(q.init, operand{})
	}
	return i
}

// layOut counts the words of a run's memory: the variables, one word for each
// pair of CPUs if there are grace periods, and one for each variable and CPU if
// there are SRCU domains.
func (c *compiler) layOut() {
	p := c.p
	n := len(p.procs)
	p.rcuWords = len(p.Vars)
	p.srcuWords = p.rcuWords
	if p.uses.rcu {
		p.srcuWords += n * n
	}
	p.words = p.srcuWords
	if p.uses.srcu {
		p.words += n * len(p.Vars)
	}
	p.words += 2 // one that nobody writes, and the barrier of timed runs
}

// conditions compiles what is asked of the final state. Columns that only the
// filter names come last and are not shown.
func (c *compiler) conditions() (err *Error) {
	f := c.p.File
	locs := f.Cond.locs(slices.Clone(f.Locations))
	if err := c.addColumns(locs); err != nil {
		return err
	}
	c.p.shown = len(c.p.columns)
	if f.Filter != nil {
		if err := c.addColumns(f.Filter.locs(nil)); err != nil {
			return err
		}
		if c.p.filter, err = c.prop(f.Filter); err != nil {
			return err
		}
	}
	c.p.cond, err = c.prop(f.Cond)
	return err
}

// locs appends the places that a proposition names.
func (k *Prop) locs(out []Loc) []Loc {
	switch k.Op {
	case Atom:
		out = append(out, k.L)
		if k.R.Reg != nil {
			out = append(out, *k.R.Reg)
		}
	case Not:
		return k.X.locs(out)
	case And, Or, Implies:
		return k.Y.locs(k.X.locs(out))
	}
	return out
}

// addColumns makes the columns of some places, sorted: registers by process and
// name, then variables by name.
func (c *compiler) addColumns(locs []Loc) *Error {
	var added []column
	for _, l := range locs {
		k, err := c.columnOf(l)
		if err != nil {
			return err
		}
		if !slices.Contains(added, k) && !slices.Contains(c.p.columns, k) {
			added = append(added, k)
		}
	}
	slices.SortFunc(added, func(a, b column) int {
		return cmp.Or(cmp.Compare(uint(a.proc), uint(b.proc)), cmp.Compare(a.label, b.label))
	})
	c.p.columns = append(c.p.columns, added...)
	return nil
}

// columnOf is the column of a place.
func (c *compiler) columnOf(l Loc) (column, *Error) {
	if l.Proc == Shared {
		i := c.variable(l.Name)
		if c.p.Vars[i].lock {
			return column{}, unsupported(l.At, "the final value of the spinlock "+l.Name)
		}
		return column{"[" + l.Name + "]", Shared, i}, nil
	}
	i, err := c.processIndex(l)
	if err != nil {
		return column{}, err
	}
	return column{fmt.Sprintf("%d:%s", l.Proc, l.Name), i, c.p.procs[i].reg(l.Name)}, nil
}

// prop compiles a proposition whose columns exist.
func (c *compiler) prop(k *Prop) (_ *prop, err *Error) {
	out := &prop{op: k.Op, ne: k.Ne, r: -1}
	if k.X != nil {
		if out.x, err = c.prop(k.X); err != nil {
			return nil, err
		}
	}
	if k.Y != nil {
		if out.y, err = c.prop(k.Y); err != nil {
			return nil, err
		}
	}
	if k.Op != Atom {
		return out, nil
	}
	if out.l, err = c.columnIndex(k.L); err != nil {
		return nil, err
	}
	if k.R.Reg != nil {
		out.r, err = c.columnIndex(*k.R.Reg)
		return out, err
	}
	out.k = c.operand(k.R.InitValue)
	return out, nil
}

func (c *compiler) columnIndex(l Loc) (int, *Error) {
	k, err := c.columnOf(l)
	return slices.Index(c.p.columns, k), err
}
