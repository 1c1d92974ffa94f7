package litmus

import "slices"

// origin tells which values may be the ones that srcu_read_lock returned to
// another section or thread; values that say where they come from, and
// constants, have none.
type origin uint8

const (
	fromMemory origin = 1 << iota
	fromArithmetic
)

// cookies checks that every srcu_read_unlock can be matched with its
// srcu_read_lock within the thread. regs are the origins of the registers' values
// before the statements, and afterwards those behind them.
func cookies(list []*node, regs []origin) *Error {
	for _, n := range list {
		switch n.op {
		case opSet:
			regs[n.value] = n.x.origin(regs)
		case opIf:
			other := slices.Clone(regs)
			if err := cookies(n.then, regs); err != nil {
				return err
			}
			if err := cookies(n.els, other); err != nil {
				return err
			}
			for i, o := range other {
				regs[i] |= o
			}
		case opSRCUUnlock:
			switch o := n.y.origin(regs); {
			case o&fromMemory != 0:
				return unsupported(n.y.at, "an SRCU cookie that comes from memory")
			case o != 0:
				return unsupported(n.y.at, "an SRCU cookie that is computed")
			}
		}
	}
	return nil
}

// origin is that of an expression's value.
func (n *node) origin(regs []origin) origin {
	switch n.op {
	case opConst, opSRCULock:
		return 0
	case opReg:
		return regs[n.value]
	case opChoice:
		return n.y.origin(regs) | n.z.origin(regs)
	case opUnary, opBinary, opAnd, opOr:
		return fromArithmetic
	}
	return fromMemory
}
