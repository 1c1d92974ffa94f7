package litmus

import "strings"

// levels are C's binary operators, from the one that binds least.
var levels = [][]string{{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!="}, {"<", ">", "<=", ">="},
	{"<<", ">>"}, {"+", "-"}, {"*", "/", "%"}}

// parseExpr reads an expression without assignment or comma.
func (p *parser) parseExpr() (Expr, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	c, err := p.parseBinary(0)
	if err != nil {
		return nil, err
	}
	p.nesting--
	at := p.tok.Pos
	if ok, err := p.take("?"); err != nil || !ok {
		return c, err
	}
	if p.is(":") {
		return nil, unsupported(at, "the operator ?:")
	}
	x, err := p.parseExpr()
	if err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	y, err := p.parseExpr()
	return &Choice{at, c, x, y}, err
}

// parseBinary reads operands joined by operators of a level and those above it.
func (p *parser) parseBinary(level int) (Expr, *Error) {
	if level == len(levels) {
		return p.parseUnary()
	}
	x, err := p.parseBinary(level + 1)
	for err == nil && p.tok.kind == punct && oneOf(levels[level], p.tok.text) {
		op := p.tok
		if err = p.next(); err != nil {
			break
		}
		var y Expr
		if y, err = p.parseBinary(level + 1); err == nil {
			x = &Binary{op.Pos, op.text, x, y}
		}
	}
	if err != nil {
		return nil, err
	}
	return x, p.refuse()
}

func oneOf(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// refuse names an operator of C that the language lacks, if it comes next.
func (p *parser) refuse() *Error {
	if p.tok.kind != punct {
		return nil
	}
	switch p.tok.text {
	case "->", ".":
		return unsupported(p.tok.Pos, "a struct field")
	case "[":
		return unsupported(p.tok.Pos, "an array")
	}
	return nil
}

// parseUnary reads prefix operators, casts, and a primary expression.
func (p *parser) parseUnary() (Expr, *Error) {
	if p.tok.kind == punct && strings.Contains("* & ! - ~ +", p.tok.text) {
		op := p.tok
		if err := p.enter(); err != nil {
			return nil, err
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		x, err := p.parseUnary()
		p.nesting--
		return &Unary{op.Pos, op.text, x}, err
	}
	if err := p.refuse(); err != nil {
		return nil, err
	}
	if p.is("(") {
		return p.parseGroup()
	}
	return p.parsePrimary()
}

// parseGroup reads "(" expr ")", or a cast and its operand.
func (p *parser) parseGroup() (Expr, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	cast := typeWord(p.tok)
	if p.is("{") {
		return nil, unsupported(p.tok.Pos, "a statement expression")
	}
	var x Expr
	var err *Error
	if cast {
		if err = p.parseType(); err == nil {
			err = p.parseStars()
		}
	} else {
		x, err = p.parseExpr()
	}
	if err != nil {
		return nil, err
	}
	if err = p.expect(")"); err == nil && cast {
		x, err = p.parseUnary()
	}
	p.nesting--
	return x, err
}

// parsePrimary reads a constant, a name, or a call.
func (p *parser) parsePrimary() (Expr, *Error) {
	t := p.tok
	switch {
	case t.kind == number:
		n, err := intValue(t)
		if err != nil {
			return nil, err
		}
		return &Int{t.Pos, n}, p.next()
	case t.kind == text:
		return nil, unsupported(t.Pos, "a string or character constant")
	case t.kind != ident:
		return nil, p.unexpected("an expression")
	case notInLanguage[t.text]:
		return nil, unsupported(t.Pos, t.text)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if !p.is("(") {
		if v, ok := named[t.text]; ok {
			return &Int{t.Pos, v}, nil
		}
		return &Name{t.Pos, t.text}, nil
	}
	args, err := p.parseArgs()
	return &Call{t.Pos, t.text, args}, err
}

// named are constants.
var named = map[string]int64{"true": 1, "false": 0, "NULL": 0}

// parseArgs reads "(" [ expr { "," expr } ] ")".
func (p *parser) parseArgs() ([]Expr, *Error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	var args []Expr
	for !p.is(")") {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		x, err := p.parseExpr()
		if err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	return args, p.next()
}
