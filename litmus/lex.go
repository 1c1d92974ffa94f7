package litmus

import (
	"strings"
)

type kind uint8

const (
	endOfFile kind = iota
	ident
	number
	punct
	text // a string or character literal
)

// token is one lexical element; Text is its spelling.
type token struct {
	Pos
	kind  kind
	text  string
	start int // byte offset
}

// describe names the token in an error.
func (t token) describe() string {
	if t.kind == endOfFile {
		return "the end of the file"
	}
	return quote(t.text)
}

func quote(s string) string { return "\"" + s + "\"" }

// lexer cuts a file into tokens. "(*" opens a comment only where mlComments is
// set: in process bodies it is C.
type lexer struct {
	src        string
	off        int
	line, bol  int // current line, and the offset at which it begins
	mlComments bool
}

func newLexer(src string) *lexer { return &lexer{src: src, line: 1} }

func (l *lexer) pos() Pos { return Pos{l.line, l.off - l.bol + 1} }

// advance moves n bytes on, counting lines.
func (l *lexer) advance(n int) {
	for range n {
		if l.src[l.off] == '\n' {
			l.line++
			l.bol = l.off + 1
		}
		l.off++
	}
}

func (l *lexer) rest() string { return l.src[l.off:] }

// skipSpace moves over white space and comments.
func (l *lexer) skipSpace() *Error {
	for l.off < len(l.src) {
		if strings.IndexByte(" \t\r\n\f\v", l.src[l.off]) >= 0 {
			l.advance(1)
			continue
		}
		skipped, err := l.skipComment()
		if err != nil || !skipped {
			return err
		}
	}
	return nil
}

// skipComment moves over one comment, if one begins here.
func (l *lexer) skipComment() (bool, *Error) {
	rest := l.rest()
	switch {
	case strings.HasPrefix(rest, "//"):
		n := strings.IndexByte(rest, '\n')
		if n < 0 {
			n = len(rest)
		}
		l.advance(n)
	case strings.HasPrefix(rest, "/*"):
		n := strings.Index(rest[2:], "*/")
		if n < 0 {
			return false, malformed(l.pos(), `"*/"`, "a comment does not end")
		}
		l.advance(n + 4)
	case l.mlComments && strings.HasPrefix(rest, "(*"):
		return true, l.skipNested()
	default:
		return false, nil
	}
	return true, nil
}

// skipNested moves over a comment of the "(* *)" kind, which may hold others.
func (l *lexer) skipNested() *Error {
	at, depth := l.pos(), 0
	for l.off < len(l.src) {
		switch rest := l.rest(); {
		case strings.HasPrefix(rest, "(*"):
			depth++
			l.advance(2)
		case strings.HasPrefix(rest, "*)"):
			depth--
			l.advance(2)
			if depth == 0 {
				return nil
			}
		default:
			l.advance(1)
		}
	}
	return malformed(at, `"*)"`, "a comment does not end")
}

// puncts are the operators of more than one byte, the longest first.
var puncts = []string{"<<=", ">>=", "...", "/\\", "\\/", "=>", "==", "!=", "<=", ">=", "<<", ">>", "&&", "||", "->",
	"++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="}

func letter(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// next returns the next token.
func (l *lexer) next() (token, *Error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	t := token{Pos: l.pos(), start: l.off}
	if l.off == len(l.src) {
		return t, nil
	}
	n := 1
	switch c := l.src[l.off]; {
	case letter(c):
		t.kind, n = ident, l.word()
	case digit(c):
		t.kind, n = number, l.word()
	case c == '"' || c == '\'':
		t.kind, n = text, l.literal(c)
	default:
		t.kind, n = punct, l.operator()
	}
	if n == 0 {
		return t, malformed(t.Pos, "", "the character %q has no meaning here", []rune(l.rest())[0])
	}
	t.text = l.src[l.off : l.off+n]
	l.advance(n)
	return t, nil
}

func (l *lexer) word() int {
	n := 1
	for rest := l.rest(); n < len(rest) && (letter(rest[n]) || digit(rest[n])); {
		n++
	}
	return n
}

// literal is the length of a string up to its end, or to the end of the line.
func (l *lexer) literal(quote byte) int {
	rest := l.rest()
	for n := 1; n < len(rest) && rest[n] != '\n'; n++ {
		if rest[n] == quote {
			return n + 1
		}
	}
	return 1
}

func (l *lexer) operator() int {
	rest := l.rest()
	for _, p := range puncts {
		if strings.HasPrefix(rest, p) {
			return len(p)
		}
	}
	if strings.IndexByte("{}()[];,:?=<>+-*/%&|^!~.#\\", rest[0]) >= 0 {
		return 1
	}
	return 0
}
