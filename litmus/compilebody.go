package litmus

import (
	"fmt"
	"strings"
)

// opcode is the kind of a compiled expression or statement.
type opcode uint8

const (
	opConst opcode = iota
	opReg
	opUnary
	opBinary
	opAnd // && and || evaluate their right side only if they must
	opOr
	opChoice
	opSet // register = x
	opIf

	opLoad
	opStore
	opStoreMB
	opFence
	opNothing
	opAfterUnlockLock
	opRMW
	opCmpXchg
	opAddUnless
	opLock
	opUnlock
	opTrylock
	opIsLocked
	opReadLock
	opReadUnlock
	opSynchronize
	opSRCULock
	opSRCUUnlock
	opSRCUSynchronize
)

// node is a compiled expression or statement. Of a primitive, x is the pointer
// and y and z are the values.
type node struct {
	op        opcode
	at        Pos
	x, y, z   *node
	then, els []*node
	value     int64 // of a constant; the index of a register
	operator  arith
	prim      prim
}

func (c *compiler) block(list []Stmt) (out []*node, err *Error) {
	for _, s := range list {
		n, err := c.stmt(s)
		if err != nil {
			return nil, err
		}
		if n != nil {
			out = append(out, n)
		}
	}
	return out, nil
}

// stmt compiles a statement; a declaration is nothing.
func (c *compiler) stmt(s Stmt) (*node, *Error) {
	switch s := s.(type) {
	case *Declare:
		c.proc.reg(s.Name.Text)
		return nil, nil
	case *Assign:
		return c.assign(s)
	case *Eval:
		if call, ok := s.X.(*Call); ok {
			return c.call(call)
		}
		return c.expr(s.X)
	case *If:
		return c.conditional(s)
	}
	panic(fmt.Sprintf("litmus: statement %T", s))
}

func (c *compiler) conditional(s *If) (*node, *Error) {
	cond, err := c.expr(s.Cond)
	if err != nil {
		return nil, err
	}
	n := &node{op: opIf, at: cond.at, x: cond}
	if n.then, err = c.block(s.Then); err != nil {
		return nil, err
	}
	n.els, err = c.block(s.Else)
	return n, err
}

// assign compiles register = value and *pointer = value, a plain access.
func (c *compiler) assign(s *Assign) (*node, *Error) {
	src, err := c.expr(s.Src)
	if err != nil {
		return nil, err
	}
	if dst, ok := s.Dst.(*Name); ok {
		return &node{op: opSet, at: s.At, x: src, value: int64(c.proc.reg(dst.Text))}, nil
	}
	ptr, err := c.expr(s.Dst.(*Unary).X)
	return &node{op: opStore, at: s.At, x: ptr, y: src}, err
}

// expr compiles an expression that must have a value.
func (c *compiler) expr(x Expr) (*node, *Error) {
	switch x := x.(type) {
	case *Int:
		return c.constant(x)
	case *Name:
		return &node{op: opReg, at: x.At, value: int64(c.proc.reg(x.Text))}, nil
	case *Unary:
		return c.unary(x)
	case *Binary:
		return c.binary(x)
	case *Choice:
		n, err := c.operands(opChoice, x.At, x.C, x.X, x.Y)
		return n, err
	case *Call:
		n, err := c.call(x)
		if err == nil && !n.hasValue() {
			return nil, malformed(x.At, "a primitive that returns one", "%s has no value", x.Func)
		}
		return n, err
	}
	panic(fmt.Sprintf("litmus: expression %T", x))
}

// hasValue reports whether a primitive returns something.
func (n *node) hasValue() bool { return n.op == opLoad || n.prim.result != noResult }

// constant refuses integers that look like addresses of this simulation.
func (c *compiler) constant(x *Int) (*node, *Error) {
	if x.Value >= int64(memoryBase) && x.Value < int64(memoryEnd) {
		return nil, unsupported(x.At, fmt.Sprintf("the integer %d, which could be an address,", x.Value))
	}
	return &node{op: opConst, at: x.At, value: x.Value}, nil
}

// operands compiles up to three expressions into a node.
func (c *compiler) operands(op opcode, at Pos, xs ...Expr) (*node, *Error) {
	n := &node{op: op, at: at}
	for i, dst := range []**node{&n.x, &n.y, &n.z}[:len(xs)] {
		var err *Error
		if *dst, err = c.expr(xs[i]); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (c *compiler) unary(x *Unary) (*node, *Error) {
	switch x.Op {
	case "*":
		return c.operands(opLoad, x.At, x.X)
	case "&":
		return c.addressOf(x)
	case "+":
		return c.expr(x.X)
	}
	n, err := c.operands(opUnary, x.At, x.X)
	if err == nil {
		n.operator = map[string]arith{"!": logicalNot, "-": negate, "~": complement}[x.Op]
	}
	return n, err
}

// addressOf compiles &*p, which is p, and &x of a shared variable, which is
// what the parameter x is already.
func (c *compiler) addressOf(x *Unary) (*node, *Error) {
	if u, ok := x.X.(*Unary); ok && u.Op == "*" {
		return c.expr(u.X)
	}
	if n, ok := x.X.(*Name); ok {
		if _, shared := c.vars[n.Text]; shared && c.isParam(n.Text) {
			return c.expr(n)
		}
	}
	return nil, unsupported(x.At, "the address of a local")
}

// isParam reports whether a name is a parameter of the process in progress.
func (c *compiler) isParam(name string) bool {
	for i, n := range c.proc.regs {
		if n == name {
			return c.proc.init[i].addr
		}
	}
	return false
}

func (c *compiler) binary(x *Binary) (*node, *Error) {
	op := opBinary
	switch x.Op {
	case "&&":
		op = opAnd
	case "||":
		op = opOr
	}
	n, err := c.operands(op, x.At, x.X, x.Y)
	if err == nil {
		n.operator = binaryOps[x.Op]
	}
	return n, err
}

// call compiles a primitive and its arguments.
func (c *compiler) call(x *Call) (*node, *Error) {
	k, ok := findPrim(x.Func)
	if !ok {
		return nil, unsupported(x.At, "the function "+x.Func)
	}
	if len(x.Args) != len(k.args) {
		return nil, malformed(x.At, argumentCount(len(k.args)), "%s has %d arguments", x.Func, len(x.Args))
	}
	n := &node{op: k.op, at: x.At, prim: k}
	values := []**node{&n.y, &n.z}
	for i, a := range x.Args {
		dst := &n.x
		if strings.IndexByte("vV", k.args[i]) >= 0 {
			dst, values = values[0], values[1:]
		}
		if k.args[i] == 'l' {
			u, ok := a.(*Unary)
			if !ok || u.Op != "*" {
				return nil, malformed(a.Where(), "an lvalue (*x)", "%s of something that is not in memory", x.Func)
			}
			a = u.X
		}
		var err *Error
		if *dst, err = c.expr(a); err != nil {
			return nil, err
		}
	}
	c.note(n)
	return n, nil
}

func argumentCount(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// note records what a primitive tells about the program.
func (c *compiler) note(n *node) {
	switch n.op {
	case opSynchronize:
		c.p.uses.rcu = true
	case opSRCULock, opSRCUUnlock, opSRCUSynchronize:
		c.p.uses.srcu = true
	case opLock, opUnlock, opTrylock, opIsLocked:
		if n.x.op == opReg && c.proc.init[n.x.value].addr {
			c.p.Vars[c.proc.init[n.x.value].value].lock = true
		}
	}
}
