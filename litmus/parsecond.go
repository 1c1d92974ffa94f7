package litmus

import "strings"

// parseTail reads what stands behind the processes.
func (p *parser) parseTail() *Error {
	for {
		switch {
		case p.is("locations"):
			if err := p.parseLocations(); err != nil {
				return err
			}
		case p.is("filter"):
			if err := p.next(); err != nil {
				return err
			}
			f, err := p.parseProp(0)
			if err != nil {
				return err
			}
			p.file.Filter = f
		default:
			return p.parseCondition()
		}
	}
}

// parseLocations reads "locations" "[" { loc ";" } "]".
func (p *parser) parseLocations() *Error {
	if err := p.next(); err != nil {
		return err
	}
	if err := p.expect("["); err != nil {
		return err
	}
	for !p.is("]") {
		if ok, err := p.take(";"); err != nil {
			return err
		} else if ok {
			continue
		}
		l, err := p.parseLoc()
		if err != nil {
			return err
		}
		p.file.Locations = append(p.file.Locations, l)
		if !p.is(";") && !p.is("]") {
			return p.unexpected("\";\" or \"]\"")
		}
	}
	return p.next()
}

// parseCondition reads the quantifier and its proposition, the last part of a
// file.
func (p *parser) parseCondition() *Error {
	negated, err := p.take("~")
	if err != nil {
		return err
	}
	switch {
	case p.is("exists") && negated:
		p.file.Quant = NotExists
	case p.is("exists"):
		p.file.Quant = Exists
	case p.is("forall") && !negated:
		p.file.Quant = Forall
	case negated:
		return p.unexpected("exists")
	default:
		return p.unexpected("another process, locations, filter, exists, ~exists or forall")
	}
	if err := p.next(); err != nil {
		return err
	}
	start := p.tok.start
	if p.file.Cond, err = p.parseProp(0); err != nil {
		return err
	}
	p.file.CondText = oneLine(p.lex.src[start:p.tok.start])
	if err := p.skipSemicolons(); err != nil {
		return err
	}
	if p.tok.kind != endOfFile {
		return p.unexpected("the end of the file")
	}
	return nil
}

// oneLine is a piece of the tail with comments and line breaks taken out.
func oneLine(s string) string {
	l := newLexer(s)
	l.mlComments = true
	var b strings.Builder
	for end := 0; ; end = l.off {
		t, err := l.next()
		if err != nil || t.kind == endOfFile {
			return b.String()
		}
		if t.start > end && end > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
}

// connectives of propositions, from the one that binds least.
var connectives = []struct {
	text string
	op   PropOp
}{{"=>", Implies}, {"\\/", Or}, {"/\\", And}}

// parseProp reads a proposition whose connectives bind at least as tight as the
// given level. "=>" groups to the right.
func (p *parser) parseProp(level int) (*Prop, *Error) {
	if level == len(connectives) {
		return p.parseNegation()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	k := connectives[level]
	x, err := p.parseProp(level + 1)
	for err == nil && p.is(k.text) {
		if err = p.next(); err != nil {
			break
		}
		right := level + 1
		if k.op == Implies {
			right = level
		}
		var y *Prop
		y, err = p.parseProp(right)
		x = &Prop{Op: k.op, X: x, Y: y}
	}
	p.nesting--
	return x, err
}

// parseNegation reads a proposition without connectives outside parentheses.
func (p *parser) parseNegation() (*Prop, *Error) {
	switch {
	case p.is("~") || p.is("not"):
		if err := p.enter(); err != nil {
			return nil, err
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		x, err := p.parseNegation()
		p.nesting--
		return &Prop{Op: Not, X: x}, err
	case p.is("true"):
		return &Prop{Op: True}, p.next()
	case p.is("false"):
		return &Prop{Op: False}, p.next()
	case p.is("("):
		if err := p.next(); err != nil {
			return nil, err
		}
		x, err := p.parseProp(0)
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	}
	return p.parseAtom()
}

// parseAtom reads loc = value or loc != value.
func (p *parser) parseAtom() (*Prop, *Error) {
	l, err := p.parseLoc()
	if err != nil {
		return nil, err
	}
	a := &Prop{Op: Atom, L: l, Ne: p.is("!=")}
	if !p.is("=") && !p.is("==") && !p.is("!=") {
		return nil, p.unexpected("\"=\" or \"!=\"")
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if a.R, err = p.parseOperand(); err != nil {
		return nil, err
	}
	return a, nil
}

// parseOperand reads an integer, the address of a variable, or a register.
func (p *parser) parseOperand() (o Operand, err *Error) {
	p.dropP()
	if p.tok.kind != number {
		o.InitValue, err = p.parseValue()
		return o, err
	}
	n, at := p.tok, p.tok.Pos
	if err := p.next(); err != nil {
		return o, err
	}
	if !p.is(":") {
		o.Int, err = intValue(n)
		return o, err
	}
	l, err := p.registerOf(n, at)
	o.Reg = &l
	return o, err
}

// registerOf reads ":" REG behind the number of a process.
func (p *parser) registerOf(n token, at Pos) (Loc, *Error) {
	proc, bad := intValue(n)
	if bad != nil {
		return Loc{}, bad
	}
	if err := p.expect(":"); err != nil {
		return Loc{}, err
	}
	if p.tok.kind != ident {
		return Loc{}, p.unexpected("the name of a register")
	}
	l := Loc{at, int(proc), p.tok.text}
	return l, p.next()
}

// dropP makes the current token of a register that is written P0:r1 what it is
// in 0:r1.
func (p *parser) dropP() {
	if p.tok.kind == ident && procNumber(p.tok.text) >= 0 && p.colonFollows() {
		p.tok.kind, p.tok.text = number, p.tok.text[1:]
	}
}

// parseLoc reads N ":" REG, NAME, "[" NAME "]" or "*" NAME.
func (p *parser) parseLoc() (Loc, *Error) {
	at := p.tok.Pos
	p.dropP()
	if p.tok.kind == number {
		n := p.tok
		if err := p.next(); err != nil {
			return Loc{}, err
		}
		return p.registerOf(n, at)
	}
	bracket, err := p.take("[")
	if err == nil && !bracket {
		_, err = p.take("*")
	}
	if err != nil {
		return Loc{}, err
	}
	if p.tok.kind != ident {
		return Loc{}, p.unexpected("a register (0:r1) or a variable")
	}
	l := Loc{at, Shared, p.tok.text}
	if err := p.next(); err != nil {
		return Loc{}, err
	}
	if bracket {
		return l, p.expect("]")
	}
	if p.is("[") {
		return Loc{}, unsupported(p.tok.Pos, "an array")
	}
	return l, nil
}
