package litmus

import "mmsim/sim"

// arith is an operator of expressions.
type arith uint8

const (
	logicalNot arith = iota
	negate
	complement
	bitOr
	bitXor
	bitAnd
	equal
	notEqual
	less
	greater
	lessEqual
	greaterEqual
	shiftLeft
	shiftRight
	plus
	minus
	times
	over
	modulo
)

// binaryOps are the operators between operands by their spelling; && and || are
// control flow.
var binaryOps = map[string]arith{"|": bitOr, "^": bitXor, "&": bitAnd, "==": equal, "!=": notEqual, "<": less,
	">": greater, "<=": lessEqual, ">=": greaterEqual, "<<": shiftLeft, ">>": shiftRight, "+": plus, "-": minus,
	"*": times, "/": over, "%": modulo}

// val is a value that a thread computes with, and the dependency it carries.
// Integers are 64-bit and signed, whatever their declaration says. What
// srcu_read_lock returned names its section, until it is computed with.
type val struct {
	v       int64
	d       sim.Dep
	section int32 // 0 is none
}

// with adds another value's dependency.
func (a val) with(b val) val { return val{a.v, a.d | b.d, a.section} }

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (o arith) unary(x int64) int64 {
	switch o {
	case logicalNot:
		return truth(x == 0)
	case negate:
		return -x
	}
	return ^x
}

// compare evaluates a comparison; ok is false for other operators.
func (o arith) compare(x, y int64) (result int64, ok bool) {
	switch o {
	case equal:
		return truth(x == y), true
	case notEqual:
		return truth(x != y), true
	case less:
		return truth(x < y), true
	case greater:
		return truth(x > y), true
	case lessEqual:
		return truth(x <= y), true
	case greaterEqual:
		return truth(x >= y), true
	}
	return 0, false
}

// binary evaluates an operator; a division by zero is not ok.
func (o arith) binary(x, y int64) (result int64, ok bool) {
	if r, ok := o.compare(x, y); ok {
		return r, true
	}
	switch o {
	case bitOr:
		return x | y, true
	case bitXor:
		return x ^ y, true
	case bitAnd:
		return x & y, true
	case shiftLeft:
		return x << (uint64(y) & 63), true
	case shiftRight:
		return x >> (uint64(y) & 63), true
	case plus:
		return x + y, true
	case minus:
		return x - y, true
	case times:
		return x * y, true
	}
	if y == 0 {
		return 0, false
	}
	if o == over {
		return x / y, true
	}
	return x % y, true
}
