package litmus

import (
	"strconv"
	"strings"
)

// Parse reads a litmus file. path is only used in errors; the error is an
// *Error.
func Parse(path, src string) (*File, error) {
	p := &parser{lex: newLexer(src), file: &File{Path: path}}
	if err := p.parseFile(); err != nil {
		err.File = path
		return nil, err
	}
	return p.file, nil
}

// maxNesting bounds statements and expressions within each other: the parser
// recurses.
const maxNesting = 200

// parser holds one token of look-ahead.
type parser struct {
	lex     *lexer
	tok     token
	file    *File
	nesting int
}

func (p *parser) next() *Error {
	t, err := p.lex.next()
	p.tok = t
	return err
}

// setComments says whether "(*" opens a comment from the current token on,
// which is read again.
func (p *parser) setComments(ml bool) *Error {
	p.lex.mlComments = ml
	p.lex.off, p.lex.line = p.tok.start, p.tok.Line
	p.lex.bol = p.tok.start - p.tok.Col + 1
	return p.next()
}

func (p *parser) is(s string) bool {
	return p.tok.text == s && (p.tok.kind == punct || p.tok.kind == ident)
}

// take moves over s if it is the current token.
func (p *parser) take(s string) (bool, *Error) {
	if !p.is(s) {
		return false, nil
	}
	return true, p.next()
}

func (p *parser) expect(s string) *Error {
	if !p.is(s) {
		return p.unexpected(quote(s))
	}
	return p.next()
}

func (p *parser) unexpected(expected string) *Error {
	if t := p.tok; t.kind == punct && (steps[t.text] || compound[t.text]) {
		return unsupported(t.Pos, "the operator "+t.text+" in an expression")
	}
	return malformed(p.tok.Pos, expected, "unexpected %s", p.tok.describe())
}

// enter counts a level of nesting; leave it by p.nesting--.
func (p *parser) enter() *Error {
	if p.nesting++; p.nesting > maxNesting {
		return malformed(p.tok.Pos, "", "more than %d levels of nesting", maxNesting)
	}
	return nil
}

func (p *parser) parseFile() *Error {
	if err := p.parseHeader(); err != nil {
		return err
	}
	if err := p.parseInit(); err != nil {
		return err
	}
	if err := p.skipSemicolons(); err != nil {
		return err
	}
	for p.tok.kind == ident && (oneOf(headWords, p.tok.text) || procNumber(p.tok.text) >= 0) {
		if err := p.parseProcess(); err != nil {
			return err
		}
		if err := p.skipSemicolons(); err != nil {
			return err
		}
	}
	if len(p.file.Procs) == 0 {
		return p.unexpected("a process (P0)")
	}
	return p.parseTail()
}

// skipSemicolons moves over stray ones.
func (p *parser) skipSemicolons() *Error {
	for p.is(";") {
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// parseHeader reads the kind and the name of the test, and moves over the free
// text between them and the init block.
func (p *parser) parseHeader() *Error {
	l := p.lex
	l.mlComments = true
	l.src = strings.TrimPrefix(l.src, "\ufeff")
	if err := l.skipSpace(); err != nil {
		return err
	}
	at := l.pos()
	line, _, _ := strings.Cut(l.rest(), "\n")
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
		return malformed(at, `"C" and the test's name`, "no litmus test here")
	case words[0] != "C" && assembly[words[0]]:
		return unsupported(at, "a test in "+words[0]+" assembly")
	case words[0] != "C":
		return malformed(at, `"C" and the test's name`, "unexpected %.40q", words[0])
	case len(words) == 1:
		return malformed(at, "a name behind it", "the test has no name")
	}
	p.file.Name = words[1]
	l.advance(strings.Index(l.rest(), words[1]) + len(words[1]))
	return p.skipFreeText()
}

// assembly are the architectures of litmus tests that are not C.
var assembly = map[string]bool{"X86": true, "X86_64": true, "AArch64": true, "ARM": true, "PPC": true, "RISCV": true,
	"LISA": true, "MIPS": true, "Bell": true, "BELL": true, "CPP": true, "ASL": true, "PTX": true, "Vulkan": true, "VULKAN": true}

// skipFreeText moves to the first "{" outside comments and strings.
func (p *parser) skipFreeText() *Error {
	l := p.lex
	for l.off < len(l.src) && l.src[l.off] != '{' {
		skipped, err := l.skipComment()
		if err != nil {
			return err
		}
		switch {
		case skipped:
		case l.src[l.off] == '"':
			l.advance(l.literal('"'))
		default:
			l.advance(1)
		}
	}
	return p.next()
}

// parseInit reads the init block.
func (p *parser) parseInit() *Error {
	if err := p.expect("{"); err != nil {
		return err
	}
	for !p.is("}") {
		if ok, err := p.take(";"); ok || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := p.parseInitItem(); err != nil {
			return err
		}
		if p.is("}") {
			break
		}
		if p.is(",") { // a list of declarators
			if err := p.next(); err != nil {
				return err
			}
			continue
		}
		if err := p.expect(";"); err != nil {
			return err
		}
	}
	return p.next()
}

// parseInitItem reads [type] ["*"]* [N ":"] NAME [ "=" value ].
func (p *parser) parseInitItem() *Error {
	var item InitItem
	name, err := p.parseDeclarator(&item.Loc)
	if err != nil {
		return err
	}
	item.Loc.Name = name
	if ok, err := p.take("="); err != nil {
		return err
	} else if ok {
		if item.Value, err = p.parseValue(); err != nil {
			return err
		}
	}
	p.file.Init = append(p.file.Init, item)
	return nil
}

// parseDeclarator reads words and stars up to the name, which is the last word.
func (p *parser) parseDeclarator(l *Loc) (name string, err *Error) {
	l.Proc, l.At = Shared, p.tok.Pos
	bracket, err := p.take("[")
	if err != nil {
		return "", err
	}
	for {
		switch {
		case p.tok.kind == ident && l.Proc == Shared && procNumber(p.tok.text) >= 0 && p.colonFollows():
			p.tok.text = p.tok.text[1:]
			if l.Proc, err = p.procIndex(); err != nil {
				return "", err
			}
			name = ""
			continue
		case p.tok.kind == ident:
			name, l.At = p.tok.text, p.tok.Pos
		case p.tok.kind == number && l.Proc == Shared:
			if l.Proc, err = p.procIndex(); err != nil {
				return "", err
			}
			name = ""
			continue
		case p.is("*"):
			name = ""
		case name == "":
			return "", p.unexpected("the name of a variable")
		case bracket:
			return name, p.expect("]")
		case p.is("["):
			return "", unsupported(p.tok.Pos, "an array")
		default:
			return name, nil
		}
		if err := p.next(); err != nil {
			return "", err
		}
	}
}

// colonFollows reports whether a ":" comes behind the current token.
func (p *parser) colonFollows() bool {
	l := *p.lex
	t, err := l.next()
	return err == nil && t.text == ":"
}

// procIndex reads N ":".
func (p *parser) procIndex() (int, *Error) {
	n, err := strconv.Atoi(p.tok.text)
	if err != nil {
		return 0, p.unexpected("the number of a process")
	}
	if err := p.next(); err != nil {
		return 0, err
	}
	return n, p.expect(":")
}

// parseValue reads INT, ATOMIC_INIT(INT), or the address of a variable.
func (p *parser) parseValue() (InitValue, *Error) {
	if ok, err := p.take("ATOMIC_INIT"); err != nil {
		return InitValue{}, err
	} else if ok {
		return p.parseParenthesised()
	}
	if p.is("(") {
		return p.parseParenthesised()
	}
	if _, err := p.take("&"); err != nil {
		return InitValue{}, err
	}
	n, constant := named[p.tok.text]
	switch {
	case constant:
		return InitValue{Int: n}, p.next()
	case p.tok.kind == ident:
		v := InitValue{Name: p.tok.text}
		return v, p.next()
	case p.is("{"):
		return p.parseZero()
	}
	n, err := p.parseInt()
	return InitValue{Int: n}, err
}

// parseZero reads {} or {0}, the only initialiser lists that a scalar has.
func (p *parser) parseZero() (v InitValue, err *Error) {
	at := p.tok.Pos
	if err = p.next(); err != nil {
		return v, err
	}
	if !p.is("}") {
		if v.Int, err = p.parseInt(); err != nil {
			return v, err
		}
	}
	if !p.is("}") || v.Int != 0 {
		return v, unsupported(at, "an initialiser list")
	}
	return v, p.next()
}

// parseParenthesised reads "(" value ")", or a cast and its value.
func (p *parser) parseParenthesised() (v InitValue, err *Error) {
	if err = p.enter(); err != nil {
		return v, err
	}
	if err = p.expect("("); err != nil {
		return v, err
	}
	cast := typeWord(p.tok)
	if cast {
		if err = p.parseType(); err == nil {
			err = p.parseStars()
		}
	} else {
		v, err = p.parseValue()
	}
	if err == nil {
		err = p.expect(")")
	}
	if err == nil && cast {
		v, err = p.parseValue()
	}
	p.nesting--
	return v, err
}

// parseInt reads an integer with an optional sign.
func (p *parser) parseInt() (int64, *Error) {
	minus, err := p.take("-")
	if err != nil {
		return 0, err
	}
	if p.tok.kind != number {
		return 0, p.unexpected("an integer or the name of a variable")
	}
	n, err := intValue(p.tok)
	if err != nil {
		return 0, err
	}
	if minus {
		n = -n
	}
	return n, p.next()
}

// intValue is the value of a C integer constant.
func intValue(t token) (int64, *Error) {
	n, err := strconv.ParseUint(strings.TrimRight(t.text, "uUlL"), 0, 64)
	if err != nil {
		return 0, malformed(t.Pos, "an integer of at most 64 bits", "%s is no integer", t.text)
	}
	return int64(n), nil
}

// procNumber is N of "PN", and -1 for other names.
func procNumber(name string) int {
	digits, ok := strings.CutPrefix(name, "P")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || digits[0] == '+' {
		return -1
	}
	return n
}
