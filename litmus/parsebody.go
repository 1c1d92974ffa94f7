package litmus

import "strings"

// typeWords are the words that begin a type; names ending in "_t" do too.
var typeWords = map[string]bool{"int": true, "long": true, "short": true, "char": true, "unsigned": true, "signed": true,
	"void": true, "bool": true, "_Bool": true, "volatile": true, "const": true, "struct": true, "union": true,
	"enum": true, "float": true, "double": true, "static": true, "register": true, "auto": true, "__rcu": true, "__percpu": true,
	"u8": true, "u16": true, "u32": true, "u64": true, "s8": true, "s16": true, "s32": true, "s64": true}

func typeWord(t token) bool {
	return t.kind == ident && (typeWords[t.text] || strings.HasSuffix(t.text, "_t"))
}

// headWords may stand before the name of a process.
var headWords = []string{"static", "inline", "void"}

// parseProcess reads ["void"] PN (parameters) block.
func (p *parser) parseProcess() *Error {
	for p.tok.kind == ident && oneOf(headWords, p.tok.text) {
		if err := p.next(); err != nil {
			return err
		}
	}
	proc := &Process{Pos: p.tok.Pos, ID: procNumber(p.tok.text)}
	if p.tok.kind != ident || proc.ID < 0 {
		return p.unexpected("a process (P0)")
	}
	for _, q := range p.file.Procs {
		if q.ID == proc.ID {
			return malformed(p.tok.Pos, "one process of each number", "P%d is there twice", proc.ID)
		}
	}
	if err := p.next(); err != nil {
		return err
	}
	if err := p.setComments(false); err != nil {
		return err
	}
	if err := p.parseParams(proc); err != nil {
		return err
	}
	if !p.is("{") {
		return p.unexpected("the body of the process (\"{\")")
	}
	body, err := p.parseBlock()
	if err != nil {
		return err
	}
	proc.Body = body
	p.file.Procs = append(p.file.Procs, proc)
	return p.setComments(true)
}

// parseParams reads the parameter list.
func (p *parser) parseParams(proc *Process) *Error {
	if err := p.expect("("); err != nil {
		return err
	}
	for first := true; !p.is(")"); first = false {
		if !first {
			if err := p.expect(","); err != nil {
				return err
			}
		}
		var at Loc
		name, err := p.parseDeclarator(&at)
		if err != nil {
			return err
		}
		if at.Proc != Shared {
			return malformed(at.At, "the name of a variable", "a register cannot be a parameter")
		}
		if first && name == "void" && p.is(")") {
			break
		}
		proc.Params = append(proc.Params, Param{at.At, name})
	}
	return p.next()
}

// parseBlock reads { statements }; the final "}" may be the last token of the
// file's C part, so what follows it is read by the caller's rules.
func (p *parser) parseBlock() ([]Stmt, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var out []Stmt
	for !p.is("}") {
		var err *Error
		if out, err = p.parseStmt(out); err != nil {
			return nil, err
		}
	}
	p.nesting--
	return out, p.next()
}

// parseStmt reads one statement and appends what it stands for to out.
func (p *parser) parseStmt(out []Stmt) ([]Stmt, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	out, err := p.parseStmtHere(out)
	p.nesting--
	return out, err
}

func (p *parser) parseStmtHere(out []Stmt) ([]Stmt, *Error) {
	switch {
	case p.is(";"):
		return out, p.next()
	case p.is("{"):
		block, err := p.parseBlock()
		return append(out, block...), err
	case p.is("if"):
		s, err := p.parseIf()
		return append(out, s), err
	case p.tok.kind == ident && notInLanguage[p.tok.text]:
		return nil, unsupported(p.tok.Pos, p.tok.text)
	case p.is("#"):
		return nil, unsupported(p.tok.Pos, "the preprocessor")
	case typeWord(p.tok) || p.tok.kind == ident && p.wordFollows():
		return p.parseDecl(out)
	}
	s, err := p.parseSimple()
	if err != nil {
		return nil, err
	}
	return append(out, s), p.expect(";")
}

// wordFollows reports whether the token behind the current one is a word: the
// current one is a type then, known or not.
func (p *parser) wordFollows() bool {
	l := *p.lex
	t, err := l.next()
	return err == nil && t.kind == ident
}

// notInLanguage are C's words that litmus tests do without.
var notInLanguage = map[string]bool{"while": true, "do": true, "for": true, "goto": true, "switch": true, "case": true,
	"break": true, "continue": true, "return": true, "asm": true, "__asm__": true, "sizeof": true, "typedef": true, "typeof": true,
	"__typeof__": true}

func (p *parser) parseIf() (Stmt, *Error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	cond, err := p.parseExpr()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	s := &If{Cond: cond}
	if s.Then, err = p.parseStmt(nil); err != nil {
		return nil, err
	}
	ok, err := p.take("else")
	if ok && err == nil {
		s.Else, err = p.parseStmt(nil)
	}
	return s, err
}

// parseType moves over the words of a type, without stars.
func (p *parser) parseType() *Error {
	for typeWord(p.tok) || p.tok.kind == ident && p.wordFollows() {
		tagged := p.is("struct") || p.is("union") || p.is("enum")
		if err := p.next(); err != nil {
			return err
		}
		if tagged {
			if p.tok.kind != ident {
				return p.unexpected("the name of a type")
			}
			if err := p.next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseStars moves over stars and qualifiers.
func (p *parser) parseStars() *Error {
	for p.is("*") || p.is("const") || p.is("volatile") || p.is("__rcu") {
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// parseDecl reads type declarator { "," declarator } ";".
func (p *parser) parseDecl(out []Stmt) ([]Stmt, *Error) {
	if err := p.parseType(); err != nil {
		return nil, err
	}
	for {
		s, err := p.parseLocal()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		if ok, err := p.take(","); err != nil {
			return nil, err
		} else if !ok {
			return out, p.expect(";")
		}
	}
}

// parseLocal reads ["*"]* NAME [ "=" expr ].
func (p *parser) parseLocal() (Stmt, *Error) {
	if err := p.parseStars(); err != nil {
		return nil, err
	}
	if p.tok.kind != ident {
		return nil, p.unexpected("the name of a local")
	}
	name := &Name{p.tok.Pos, p.tok.text}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.is("[") {
		return nil, unsupported(p.tok.Pos, "an array")
	}
	at := p.tok.Pos
	if ok, err := p.take("="); err != nil || !ok {
		return &Declare{name}, err
	}
	src, err := p.parseExpr()
	return &Assign{at, name, src}, err
}

// parseSimple reads an assignment or an expression.
func (p *parser) parseSimple() (Stmt, *Error) {
	x, err := p.parseExpr()
	if err != nil {
		return nil, err
	}
	at, op := p.tok.Pos, p.tok.text
	assigned := p.tok.kind == punct && (op == "=" || steps[op] || compound[op])
	if !assigned {
		if _, label := x.(*Name); label && p.is(":") {
			return nil, unsupported(p.tok.Pos, "a label")
		}
		return &Eval{x}, nil
	}
	if !lvalue(x) {
		return nil, malformed(x.Where(), "a local, or \"*\" and a pointer", "the left side of %s cannot be assigned", op)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if steps[op] {
		return &Assign{at, x, &Binary{at, op[:1], x, &Int{at, 1}}}, nil
	}
	src, err := p.parseExpr()
	if op != "=" {
		src = &Binary{at, strings.TrimSuffix(op, "="), x, src}
	}
	return &Assign{at, x, src}, err
}

// Operators that read what they assign, as statements.
var (
	compound = map[string]bool{"+=": true, "-=": true, "*=": true, "/=": true, "%=": true, "&=": true, "|=": true, "^=": true,
		"<<=": true, ">>=": true}
	steps = map[string]bool{"++": true, "--": true}
)

// lvalue reports whether x is a local, a parameter, or *pointer.
func lvalue(x Expr) bool {
	if u, ok := x.(*Unary); ok {
		return u.Op == "*"
	}
	_, ok := x.(*Name)
	return ok
}
